"""The documented path from raw clips to a network that was tuned on them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import refervid
from refervid.core.errors import DatasetError
from refervid.datasets.pictures import read_ids
from refervid.pipelines.session.reviewed import write_reviewed
from refervid.pipelines.session.session import Session
from tests.cli.test_segment import disc, refer
from tests.clips import disc_and_square, write_pictures, write_video, write_wav
from tests.engines.made_clips import iou

FRAMES = 6


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips, asked and reviewed: an answer of each accepted, one rejected, one left open."""
    work = tmp_path_factory.mktemp("work")
    (work / "clips").mkdir()
    for name in ("one", "two"):
        write_video(work / "clips" / f"{name}.mp4", disc_and_square(FRAMES))
    asked = ("-t", "the red disc", "-t", "the blue square", "--resume", "-p", "lite")
    done = refer("segment", work / "clips" / "*.mp4", *asked, "-o", work / "out")
    assert done.exit_code == 0, done.stderr
    with refervid.open_session(work / "clips" / "one.mp4", work / "out" / "one" / "session") as session:
        first, second = session.answers
        session.review(first, "accepted")
        session.review(second, "rejected")
    with refervid.open_session(work / "clips" / "two.mp4", work / "out" / "two" / "session") as session:
        session.review(1, "accepted")
    return work


def test_accepted_sentences_become_a_data_set_that_trains(work: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = refer("datasets", "from-sessions", work / "out", "-o", data, "--every", 2)
    assert done.exit_code == 0, done.stderr
    assert "2 sentences on 2 clips" in done.stderr
    videos = json.loads((data / "meta_expressions" / "meta_expressions.json").read_text())["videos"]
    assert {
        name: [one["exp"] for one in video["expressions"].values()] for name, video in videos.items()
    } == {
        "one": ["the red disc"],
        "two": ["the red disc"],
    }
    for number in range(0, FRAMES, 2):
        ids = read_ids(data / "Annotations" / "one" / f"{number:05d}.png")
        assert iou(ids == 1, disc(number)) > 0.6
        assert (data / "JPEGImages" / "one" / f"{number:05d}.jpg").is_file()
    assert refer("datasets", "check", "folder", data).exit_code == 0
    again = refer("datasets", "from-sessions", work / "out", "-o", data, "--every", 2)
    assert again.exit_code == 0, again.stderr
    tiny = [f"data.0.root={data}", f"validation.root={data}", "schedule.epochs=1", "batch=2", "short=32"]
    tiny += [
        "long=64",
        "validate_every=1",
        "data.0.frames=2",
        "workers=0",
        "save_every=1",
        "schedule.warm_up=0",
    ]
    changes = [word for change in tiny for word in ("--set", change)]
    trained = refer("train", "soc", "--config", "folder-nano", *changes, "-o", tmp_path / "run")
    assert trained.exit_code == 0, trained.stderr
    weights = f"weights={tmp_path / 'run' / 'best.safetensors'}"
    words = ("-t", "the red disc", "-p", "soc", "--set", weights, "-o", tmp_path / "found")
    found = refer("segment", work / "clips" / "one.mp4", *words)
    assert found.exit_code == 0, found.stderr


def test_what_cannot_be_used_is_told_and_nothing_is_left(work: Path, tmp_path: Path) -> None:
    nowhere = refer("datasets", "from-sessions", tmp_path, "-o", tmp_path / "data")
    assert (nowhere.exit_code, "no session" in nowhere.stderr) == (1, True)
    pipeline = refervid.load("lite", device="cpu")
    clip = refervid.open_clip(work / "clips" / "one.mp4")
    with Session(clip, tmp_path / "empty", pipeline):
        pass
    with pytest.raises(DatasetError, match="nothing was accepted"):
        write_reviewed([tmp_path / "empty"], tmp_path / "data", pipeline)
    part = refervid.open_clip(clip.source, every=2)
    part.reading = None  # as in sessions that do not say how their clip was read
    with Session(part, tmp_path / "part", pipeline):
        pass
    with pytest.raises(DatasetError, match="other frames of it"):
        write_reviewed([tmp_path / "part"], tmp_path / "data", pipeline)
    assert not (tmp_path / "data" / "meta_expressions").exists()
    moved = write_video(tmp_path / "moved.mp4", disc_and_square(FRAMES))
    with Session(refervid.open_clip(moved), tmp_path / "moved", pipeline):
        moved.unlink()
    with pytest.raises(DatasetError, match=r"its clip is not at .*moved\.mp4: put it back"):
        write_reviewed([tmp_path / "moved"], tmp_path / "data", pipeline)


def test_a_part_of_a_clip_is_written_as_it_was_asked_about(tmp_path: Path) -> None:
    """Pictures at a rate of their own, some of them, with a sound of their own."""
    pictures = write_pictures(tmp_path / "clip", disc_and_square(2 * FRAMES))
    sound = write_wav(tmp_path / "sound.wav", np.zeros(16_000, np.int16))
    reading = ("--fps", 4, "--start", 0.5, "--end", 2.5, "--every", 2, "--audio", sound)
    asked = ("-t", "the red disc", "--resume", "-p", "lite", "-o", tmp_path)
    done = refer("segment", pictures, *reading, *asked)
    assert done.exit_code == 0, done.stderr
    part = refervid.open_clip(pictures, fps=4, start_s=0.5, end_s=2.5, every=2, audio=sound)
    with Session(part, tmp_path / "session", refervid.load("lite", device="cpu")) as session:
        session.review(1, "accepted")
    data = tmp_path / "data"
    done = refer("datasets", "from-sessions", tmp_path / "session", "-o", data)
    assert done.exit_code == 0, done.stderr
    written = sorted(file.stem for file in (data / "JPEGImages" / "clip").iterdir())
    assert written == ["2", "4", "6", "8"]
    for name in written:
        ids = read_ids(data / "Annotations" / "clip" / f"{name}.png")
        assert iou(ids == 1, disc(int(name))) > 0.6
