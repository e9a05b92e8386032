"""A visitor's work without any page."""

from __future__ import annotations

import json
import runpy
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from refervid.core.errors import MediaNotFound, MediaTooLarge, NoAudioStream, RefervidError, SettingsError
from refervid.core.types import Frame, Hook, Pivot
from refervid.pipelines.presets import load
from refervid.webui.job_queue import Cancelled
from refervid.webui.limits import Limits
from refervid.webui.session import Answers, Session
from tests.clips import write_video
from tests.engines.sam2 import tiny
from tests.webui.conftest import FRAMES, LIMITS, SQUARE_CENTRE, disc_centre, pictures

RED = "the red thing"
GREEN = "the green thing"
"""Which is not there, so that candidates stand there as they were found."""


def shows(session: Session, index: int, centre: tuple[float, float], query: int = 0) -> bool:
    mask = session.present_answers().results[query].track[index]
    return bool(mask[round(centre[1]), round(centre[0])])


def square_box(frame: int) -> Pivot:
    return Pivot(frame, box_xyxy=np.array([98, 12, 131, 45], np.float32))


def test_ask_correct_undo(session: Session) -> None:
    stages: list[str] = []
    session.ask(["  the red thing ", "", RED], False, "lite", lambda stage, *_: stages.append(stage))
    [result] = session.present_answers().results
    assert result.status != "not_found"
    assert shows(session, 10, disc_centre(10))
    assert {"prepare", "track", "overlay"} <= set(stages)
    first = session.overlay
    assert first is not None
    assert first.is_file()

    session.correct(0, square_box(5), afresh=True)
    assert shows(session, 10, SQUARE_CENTRE)
    assert not shows(session, 10, disc_centre(10))
    assert session.overlay is not None
    assert session.overlay != first
    assert not first.exists()

    session.undo()
    assert shows(session, 10, disc_centre(10))
    with pytest.raises(SettingsError, match="no correction"):
        session.undo()


@pytest.mark.parametrize(
    "work",
    [
        lambda session, hook: session.ask(["the blue thing"], False, "lite", hook),
        lambda session, hook: session.correct(0, square_box(5), hook=hook),
        lambda session, hook: session.undo(hook),
    ],
)
@pytest.mark.parametrize("trouble", [Cancelled, OSError("no space left on device")])
def test_without_its_film_an_answer_leaves_all_as_it_was(
    session: Session, work: Callable[[Session, Hook], None], trouble: Exception
) -> None:
    session.ask([RED], False, "lite")
    session.correct(0, square_box(5), afresh=True)
    before = session.answers, session.overlay, session.export([]), session.python()
    seen: list[Answers | None] = []

    def hook(stage: str, artefact: Frame | None, completed: int, total: int) -> None:
        if stage == "overlay":
            seen.append(session.answers)
            raise trouble

    with pytest.raises((Cancelled, OSError)):
        work(session, hook)
    assert seen != [before[0]]
    assert (session.answers, session.overlay, session.exported, session.python()) == before
    assert sorted(session.folder.glob("*.*")) == sorted([before[1], before[2]])
    session.undo()
    assert shows(session, 10, disc_centre(10))


def test_a_candidate_is_taken_instead(session: Session) -> None:
    session.ask([GREEN], False, "lite")
    [result] = session.present_answers().results
    place, decision = next(
        (place, one) for place, one in enumerate(result.decisions) if one.question == "box"
    )
    middles = [(one.box_xyxy[:2] + one.box_xyxy[2:]) / 2 for one in decision.candidates]
    nearest = int(np.argmin([np.hypot(*(middle - SQUARE_CENTRE)) for middle in middles]))
    session.take_candidate(0, place, nearest + 1)
    assert shows(session, 10, SQUARE_CENTRE)
    for wrong in ((0, place, 99), (0, 99, 1), (3, 0, 1)):
        with pytest.raises(SettingsError):
            session.take_candidate(*wrong)


def test_everything_is_in_the_zip(session: Session, tmp_path: Path) -> None:
    session.ask([RED], True, "lite")
    path = session.export(["coco-rle", "davis-png", "youtube-vos", "alpha-webm"])
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        answers = json.loads(archive.read("result.json"))
    assert [query["query"] for query in answers["queries"]] == [RED, "sound"]
    for name in ("overlay.mp4", "report.html", "how.txt", "coco_rle.json", "masks/the-red-thing/00000.png"):
        assert name in names
    for start in ("davis/", "youtube-vos/", "alpha/the-red-thing.webm"):
        assert any(name.startswith(start) for name in names)
    assert not any("refervid.lock" in name for name in names)
    assert not (session.folder / "export").exists()


def test_the_recipe_gives_the_same_answers(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.ask([RED, GREEN], True, "lite")
    place = next(
        place
        for place, one in enumerate(session.present_answers().results[1].decisions)
        if one.question == "box"
    )
    session.take_candidate(1, place, 2)
    session.correct(0, square_box(5), afresh=True)
    points = np.array([[*SQUARE_CENTRE], [20, 80]], np.float32)
    session.correct(0, Pivot(15, points_xy=points, point_labels=np.array([True, False])))
    assert "--sound" in session.shell()
    assert "3 of your marks" in session.shell()
    clip = session.present_clip()
    shutil.copy(clip.source, tmp_path / clip.source.name)
    (tmp_path / "again.py").write_text(session.python(["coco-rle"]))
    monkeypatch.chdir(tmp_path)
    runpy.run_path("again.py")
    again = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [query["areas"] for query in again["queries"]] == [
        result.areas.tolist() for result in session.present_answers().results
    ]
    assert (tmp_path / "out" / "coco_rle.json").exists()


def test_a_single_sound_has_a_recipe_too(session: Session, tmp_path: Path) -> None:
    session.ask([], True, "lite")
    assert "[pipeline(" in session.python()
    assert "--text" not in session.shell()


def test_what_is_pointed_at_needs_no_sentence(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.point(square_box(5), "lite")
    assert shows(session, 10, SQUARE_CENTRE)
    assert "refervid track my-clip.mp4 --box 'object 1=5:98.0,12.0,131.0,45.0'" in session.shell()
    points = np.array([disc_centre(0), (10, 10)], np.float32)
    session.point(Pivot(0, points_xy=points, point_labels=np.array([True, False])), "lite")
    assert shows(session, 10, disc_centre(10), query=1)
    assert "--point 'object 2=0:28.0,68.0' --point 'object 2=0:10.0,10.0,-'" in session.shell()
    before = session.present_answers().results
    session.correct(1, Pivot(15, box_xyxy=np.array([57, 52, 89, 84], np.float32)))
    assert session.present_answers().results[0] is before[0]
    session.undo()
    assert session.present_answers().results == before
    session.undo()
    assert len(session.present_answers().results) == 1
    session.point(Pivot(0, points_xy=points, point_labels=np.array([True, False])), "lite")

    clip = session.present_clip()
    shutil.copy(clip.source, tmp_path / clip.source.name)
    (tmp_path / "again.py").write_text(session.python())
    monkeypatch.chdir(tmp_path)
    runpy.run_path("again.py")
    again = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [query["areas"] for query in again["queries"]] == [
        result.areas.tolist() for result in session.present_answers().results
    ]


def test_what_is_pointed_at_stands_beside_answers(session: Session) -> None:
    session.ask([RED], False, "lite")
    session.point(square_box(5), "lite")
    results = session.present_answers().results
    assert [result.query for result in results] == [RED, "object 1"]
    assert len({result.slug for result in results}) == 2
    assert "1 of your marks" in session.shell()
    assert "refervid.track(results[0].clip" in session.python()
    with zipfile.ZipFile(session.export([])) as archive:
        assert {"masks/the-red-thing/00010.png", "masks/object-1/00010.png"} <= set(archive.namelist())
    with pytest.raises(SettingsError, match="frame 99"):
        session.point(square_box(99), "lite")
    assert session.present_answers().results == results


def test_so_many_answers_stand_side_by_side(tmp_path: Path, video: Path) -> None:
    one = Session(tmp_path / "session", Limits(answers=1), lambda preset: load(preset, device="cpu"))
    one.open(Path(shutil.copy(video, tmp_path / "upload")), video.name)
    one.point(square_box(5), "lite")
    with pytest.raises(SettingsError, match="ask anew"):
        one.point(square_box(5), "lite")
    one.close()


def test_files_go_with_the_visitor(session: Session) -> None:
    session.ask([RED], False, "lite")
    session.export([])
    assert session.folder.is_dir()
    session.close()
    assert not session.folder.exists()
    with pytest.raises(SettingsError, match="clip"):
        session.frame(0)


def test_a_new_clip_forgets_the_answers(session: Session, tmp_path: Path) -> None:
    session.ask([RED], False, "lite")
    session.export([])
    before = session.clip_number
    session.open(write_video(tmp_path / "other.mp4", pictures()[:5]), "other.mp4")
    assert len(session.present_clip()) == 5
    assert session.clip_number == before + 1
    assert session.answers is None
    assert session.overlay is None
    assert [one.name for one in session.folder.rglob("*.*")] == ["other.mp4"]
    assert session.frame(4).shape == (96, 144, 3)


def test_a_bad_file_leaves_the_clip_that_was_there(session: Session, tmp_path: Path) -> None:
    for content in (b"", b"no video at all" * 50):
        (tmp_path / "bad.mp4").write_bytes(content)
        with pytest.raises(RefervidError):
            session.open(tmp_path / "bad.mp4", "bad.mp4")
    with pytest.raises(MediaNotFound):
        session.open(tmp_path / "bad.mp4", "bad.mp4")
    assert len(session.present_clip()) == FRAMES
    assert [one.name for one in (session.folder / "clips").rglob("*.mp4")] == ["my-clip.mp4"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b.mp4", "..", "", "x" * 400 + ".mp4", "\x00.mp4", "ü.MP4"]
)
def test_any_name_of_an_upload_stays_in_its_folder(session: Session, tmp_path: Path, name: str) -> None:
    clip = session.open(write_video(tmp_path / "upload.mp4", pictures()[:3]), name)
    assert clip.source.is_relative_to(session.folder)


def test_limits_are_enforced(tmp_path: Path) -> None:
    def visitor(**limits: float) -> Session:
        one = Session(tmp_path / f"session{len(list(tmp_path.iterdir()))}", Limits(**limits), load)  # type: ignore[arg-type]
        one.open(write_video(tmp_path / "upload.mp4", pictures()), "clip.mp4")
        return one

    with pytest.raises(MediaTooLarge, match="MB are allowed"):
        visitor(upload_mb=0.001)
    with pytest.raises(MediaTooLarge, match="lasts"):
        visitor(seconds=0.5)
    with pytest.raises(MediaTooLarge):
        visitor(pixels=10_000)
    one = visitor(sentences=2, letters=30)
    with pytest.raises(SettingsError, match="3 sentences"):
        one.ask(["a", "b", "c"], False, "lite")
    with pytest.raises(SettingsError, match="31 letters"):
        one.ask(["x" * 31], False, "lite")


def test_what_cannot_be_asked(session: Session, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="sentence"):
        session.ask([" "], False, "lite")
    for call in (session.shell, session.python, session.undo, lambda: session.export([])):
        with pytest.raises(SettingsError):
            call()
    session.open(write_video(tmp_path / "silent.mp4", pictures()[:6]), "silent.mp4")
    with pytest.raises(NoAudioStream):
        session.ask([], True, "lite")


@pytest.mark.slow
def test_sam2_is_corrected_by_a_click(tmp_path: Path, video: Path) -> None:
    tiny.sam2_model().save_pretrained(tmp_path / "weights")
    changes = ["tracker.kind=sam2", f"tracker.weights={tmp_path / 'weights'}"]
    pipeline = load("lite", device="cpu", settings=changes)
    one = Session(tmp_path / "session", LIMITS, lambda preset: pipeline)
    one.open(Path(shutil.copy(video, tmp_path / "upload")), video.name)
    one.ask([RED], False, "lite")
    before = one.present_answers().results[0].track.stack()
    mark = Pivot(7, points_xy=np.array([SQUARE_CENTRE], np.float32), point_labels=np.array([True]))
    one.correct(0, mark)
    [result] = one.present_answers().results
    assert result.engines["tracker"].startswith("sam2")
    assert (result.track.stack() != before).any()
    one.undo()
    assert (one.present_answers().results[0].track.stack() == before).all()
    one.close()


@pytest.mark.slow
def test_the_demo_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFERVID_CACHE", str(tmp_path / "cache"))
    one = Session(tmp_path / "session", Limits(), load)
    assert one.open_demo().has_audio
    one.open_demo(lambda stage, *_: pytest.fail("drawn twice"))
