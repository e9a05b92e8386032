"""Several clips by one command, and parts of clips."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

from refervid.cli.patterns import expanded
from refervid.cli.segmenting import STRONGER, Exit, Request, segment_several
from refervid.core.types import TextReference
from refervid.pipelines.cluster import Lost, RayCluster
from refervid.pipelines.presets import load
from tests.cli.test_segment import disc, refer
from tests.clips import disc_and_square, write_pictures, write_video


def test_every_clip_gets_a_folder_and_a_failure_stops_none(tmp_path: Path) -> None:
    frames = disc_and_square(8)
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("b.mp4", "a.mp4"):
        write_video(clips / name, frames)
    (clips / "broken.mp4").write_text("not a video")
    write_pictures(clips / "sub" / "a", frames)
    out = tmp_path / "out"
    videos = [clips / "a.mp4", clips / "broken.mp4", clips / "b.mp4", clips / "sub" / "a"]
    done = refer("segment", *videos, "-t", "the red disc", "-p", "lite", "-o", out, "--json")
    assert done.exit_code == 3
    assert "1 clip of 4 failed" in done.stderr
    assert str(clips / "broken.mp4") in done.stderr.splitlines()[-1]
    documents = json.loads(done.stdout)
    assert list(documents) == ["a", "broken", "b", "a-2"]
    assert documents["broken"] is None
    for video in (clips / "a.mp4", clips / "sub" / "a"):  # of one name
        assert f"{video}: 8 frames, " in done.stderr
    for name in ("a", "b", "a-2"):
        assert documents[name] == json.loads((out / name / "result.json").read_text())
        assert (out / name / "report.html").is_file()


def test_a_pattern_that_no_shell_expanded(tmp_path: Path) -> None:
    for name in ("b10", "b9", "a"):
        write_video(tmp_path / f"{name}.mp4", disc_and_square(4))
    out = tmp_path / "out"
    done = refer("segment", tmp_path / "b*.mp4", "-t", "the red disc", "-p", "lite", "-o", out, "--json")
    documents = json.loads(done.stdout)
    assert list(documents) == ["b9", "b10"]
    assert {document["status"] for document in documents.values()} == {"guess"}
    assert done.stderr.count(STRONGER) == 1
    done = refer("segment", tmp_path / "c*.mp4", "-t", "the red disc", "-o", out)
    assert done.exit_code == 2
    assert "no file that" in done.stderr


def test_the_same_clip_twice_is_done_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b.mp4"):
        Path(name).touch()
    given = ["b.mp4", "a.mp4", str(tmp_path / "b.mp4"), "*.mp4"]
    assert expanded([Path(one) for one in given]) == [Path("b.mp4"), Path("a.mp4")]
    assert capsys.readouterr().err.splitlines() == [
        f"{path} is given more than once: it is done once" for path in (tmp_path / "b.mp4", "a.mp4", "b.mp4")
    ]


def test_what_was_stopped_goes_on_and_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    clips, out = tmp_path / "clips", tmp_path / "out"
    clips.mkdir()
    for name in ("a", "b"):
        write_video(clips / f"{name}.mp4", disc_and_square(6))
    red, blue = ("-t", "the red disc"), ("-t", "the blue square")
    command = ("segment", clips / "*.mp4", "-p", "lite", "-o", out, "--resume")
    assert (
        refer(*command[:1], clips / "a.mp4", *command[2:4], "-o", out / "a", *red, "--resume").exit_code == 0
    )
    answered = {path: path.stat().st_mtime_ns for path in (out / "a" / "session" / "answers").iterdir()}
    assert len(answered) == 1
    both = refer(*command, *red, *blue, "--json")
    assert both.exit_code == 0, both.stderr
    assert "done before" not in both.stderr
    assert all(path.stat().st_mtime_ns == time for path, time in answered.items())
    assert [one["query"] for one in json.loads(both.stdout)["a"]["queries"]] == [red[1], blue[1]]
    written = (out / "b" / "result.json").stat().st_mtime_ns
    again = refer(*command, *red, *blue, "--json")
    assert again.stderr.count("done before") == 2
    assert again.stdout == both.stdout
    assert (out / "b" / "result.json").stat().st_mtime_ns == written
    (out / "b" / "overlay.mp4").unlink()
    assert refer(*command, *red, *blue).stderr.count("done before") == 1
    assert (out / "b" / "overlay.mp4").is_file()
    other = refer(*command, *red, *blue, "--set", "text.candidates=3")
    assert other.exit_code == 1
    assert "under other settings (settings.text.candidates: 12 -> 3)" in other.stderr


def test_a_sound_file_belongs_to_one_clip(tmp_path: Path) -> None:
    done = refer("segment", "a.mp4", "b.mp4", "-t", "x", "--audio", "a.wav", "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert "one video" in done.stderr


def test_a_part_has_the_frames_and_times_of_the_whole(tmp_path: Path) -> None:
    video = write_video(tmp_path / "clip.mp4", disc_and_square(20))
    out = tmp_path / "out"
    window = ("--start", 0.2, "--end", 0.6, "--every", 2)
    done = refer("segment", video, "-t", "the red disc", "-p", "lite", "-o", out, *window)
    assert done.exit_code == 0, done.stderr
    result = json.loads((out / "result.json").read_text())
    first = result["video"]["start_s"]
    names = sorted(path.stem for path in (out / "masks" / "the-red-disc").iterdir())
    assert int(names[1]) - int(names[0]) == 2
    assert 0.2 <= first < 0.3
    assert len(names) == result["video"]["frames"]
    for name in names:
        mask = cv2.imread(str(out / "masks" / "the-red-disc" / f"{name}.png"), 0) > 0
        truth = disc(int(name))
        assert (mask & truth).sum() / (mask | truth).sum() > 0.6
    refused = refer("segment", video, "-t", "x", "-p", "lite", "-o", out, "--start", 99)
    assert refused.exit_code == 2
    assert "has no frame" in refused.stderr


@pytest.mark.parametrize("every", [0, -1])
def test_every_counts_from_one(tmp_path: Path, every: int) -> None:
    assert refer("segment", "a.mp4", "-t", "x", "--every", every, "-o", tmp_path).exit_code == 2


def test_what_a_cluster_wrote_where_nobody_sees_it_is_a_failure(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    class Elsewhere(RayCluster):
        def outcomes(self, do: Any, works: Any, plan: Any) -> Iterator[tuple[int, Any]]:
            yield 1, Lost("its actor died 3 times")
            yield 0, Exit(0, {"queries": []}, said="the red disc: ok\n")

    pipeline = load("lite", device="cpu")
    request = Request([TextReference("the red disc")], (), {}, False, False, None, False, False)
    cluster = Elsewhere(lambda: pipeline)
    code, documents = segment_several(pipeline, [Path("a.mp4"), Path("b.mp4")], tmp_path, request, cluster)
    assert (code, documents) == (1, {"a": None, "b": None})
    said = capfd.readouterr().err.replace("\n", " ")
    assert "the red disc: ok" in said
    assert "- a.mp4: what was written cannot be seen here" in said
    assert "- b.mp4: its actor died 3 times" in said
