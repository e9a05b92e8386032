"""A visitor's clips, without any page."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from refervid.core.errors import MediaNotFound, MediaTooLarge, RefervidError, SettingsError
from refervid.pipelines.presets import load
from refervid.webui.desk import Desk
from refervid.webui.limits import Limits
from tests.clips import write_video
from tests.webui.conftest import FRAMES, pictures

RED = "the red thing"


def test_another_clip_stands_beside_the_first(desk: Desk, tmp_path: Path) -> None:
    first = desk.present_work()
    first.ask([RED], False, "lite")
    second = desk.open(write_video(tmp_path / "other.mp4", pictures()[:5]), "other.mp4")
    assert [work.name for work in desk.works.values()] == ["my-clip", "other"]
    assert desk.work is second
    assert second.answers is None
    assert second.frame(4).shape == (96, 144, 3)
    desk.choose(first.number)
    assert desk.present_work().present_answers().results[0].query == RED
    desk.close_clip(first.number)
    assert not first.folder.exists()
    assert desk.work is second
    for wrong in (first.number, 99, [1]):
        with pytest.raises(SettingsError, match="is not open"):
            desk.choose(wrong)  # type: ignore[arg-type]
    desk.close_clip(second.number)
    assert desk.work is None
    with pytest.raises(SettingsError, match="Choose a clip first"):
        desk.present_work()


def test_so_many_clips_are_open_at_once(desk: Desk, tmp_path: Path) -> None:
    desk.limits = Limits(clips=1)
    with pytest.raises(SettingsError, match="close one"):
        desk.open(write_video(tmp_path / "other.mp4", pictures()[:5]), "other.mp4")
    assert len(desk.works) == 1


def test_a_bad_file_leaves_the_clips_that_were_there(desk: Desk, tmp_path: Path) -> None:
    for content in (b"", b"no video at all" * 50):
        (tmp_path / "bad.mp4").write_bytes(content)
        with pytest.raises(RefervidError):
            desk.open(tmp_path / "bad.mp4", "bad.mp4")
    with pytest.raises(MediaNotFound):
        desk.open(tmp_path / "bad.mp4", "bad.mp4")
    assert len(desk.present_work().clip) == FRAMES
    assert [one.name for one in desk.folder.rglob("*.mp4")] == ["my-clip.mp4"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b.mp4", "..", "", "x" * 400 + ".mp4", "\x00.mp4", "ü.MP4", "session"]
)
def test_any_name_of_an_upload_stays_in_its_folder(desk: Desk, tmp_path: Path, name: str) -> None:
    work = desk.open(write_video(tmp_path / "upload.mp4", pictures()[:3]), name)
    assert work.clip.source.is_relative_to(work.folder)


@pytest.mark.parametrize("name", ["session", "export", "overlay-1.mp4"])
def test_an_upload_may_be_called_like_what_is_made_of_it(desk: Desk, tmp_path: Path, name: str) -> None:
    sent = write_video(tmp_path / "upload.mp4", pictures()).read_bytes()
    work = desk.open(tmp_path / "upload.mp4", name)
    work.ask([RED], False, "lite")
    work.draw_film()
    film = work.film
    assert film is not None
    assert film != work.clip.source
    work.export([])
    work.undo()
    assert not film.exists()
    assert work.clip.source.read_bytes() == sent


def test_files_go_with_the_visitor(desk: Desk) -> None:
    desk.present_work().ask([RED], False, "lite")
    desk.present_work().export([])
    desk.close()
    assert not desk.folder.exists()


def test_limits_are_enforced(tmp_path: Path) -> None:
    def opened(**limits: float) -> Desk:
        folder = tmp_path / f"desk{len(list(tmp_path.iterdir()))}"
        one = Desk(folder, Limits(**limits), lambda preset: load(preset, device="cpu"))  # type: ignore[arg-type]
        one.open(write_video(tmp_path / "upload.mp4", pictures()), "clip.mp4")
        return one

    with pytest.raises(MediaTooLarge, match="MB are allowed"):
        opened(upload_mb=0.001)
    with pytest.raises(MediaTooLarge, match="lasts"):
        opened(seconds=0.2)
    with pytest.raises(MediaTooLarge):
        opened(pixels=10_000)
    work = opened(sentences=2, letters=30).present_work()
    with pytest.raises(SettingsError, match="3 sentences"):
        work.ask(["a", "b", "c"], False, "lite")
    with pytest.raises(SettingsError, match="31 letters"):
        work.ask(["x" * 31], False, "lite")


@pytest.mark.slow
def test_the_demo_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFERVID_CACHE", str(tmp_path / "cache"))
    one = Desk(tmp_path / "desk", Limits(), load)
    assert one.open_demo().clip.has_audio
    one.open_demo(lambda stage, *_: pytest.fail("drawn twice"))
    shutil.rmtree(one.folder)
