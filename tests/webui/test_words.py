"""What the page says, and what it keeps to itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from refervid.core.errors import MediaTooLarge, MissingWeights, NoAudioStream, SettingsError, UnreadableMedia
from refervid.webui.marks import read_choice, read_mark
from refervid.webui.words import plain_words, without_paths


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (NoAudioStream("/tmp/x/clip.mp4 has no sound; pass a sound file with `--audio FILE`"), "no sound"),
        (UnreadableMedia("/tmp/x/clip.mp4: Invalid data"), "cannot be read"),
        (MediaTooLarge("/tmp/x/clip.mp4 has 9 frames; raise `max_pixels` (--max-pixels)"), "smaller"),
        (MissingWeights("/root/.cache/model is not here"), "model is not here"),
        (SettingsError("say what to look for"), "Say what"),
        (KeyError("/etc/passwd"), "did not expect (KeyError)"),
    ],
)
def test_no_paths_and_no_options(error: Exception, hint: str) -> None:
    words = plain_words(error)
    assert hint in words
    assert "--" not in words
    assert not any(str(folder) in words for folder in (Path("/tmp"), Path("/root"), Path("/etc")))


def test_addresses_keep_their_slashes() -> None:
    text = "Ask http://127.0.0.1:8000/v1/models or read a/b/c and '/home/me/x/weights.pt'"
    assert without_paths(text) == "Ask http://127.0.0.1:8000/v1/models or read a/b/c and 'weights.pt'"


POINTS = {"query": 0, "frame": 3, "points": [[1, 2], [3, 4]], "labels": [True, False]}
BOX = {"query": 0, "frame": 3, "box": [1, 2, 30, 40], "afresh": True}


def test_marks_become_pivots() -> None:
    points, box = read_mark(POINTS).pivot(), read_mark(BOX).pivot()
    assert points.points_xy is not None
    assert points.points_xy.shape == (2, 2)
    assert points.point_labels is not None
    assert points.point_labels.tolist() == [True, False]
    assert box.box_xyxy is not None
    assert box.box_xyxy.tolist() == [1, 2, 30, 40]
    assert read_choice({"query": 1, "decision": 2, "candidate": 3}).candidate == 3


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"query": 0, "frame": 3},
        {**POINTS, "labels": [True]},
        {**POINTS, "box": [1, 2, 3, 4]},
        {**POINTS, "frame": "/etc/passwd"},
        {**POINTS, "points": [[float("nan"), 1], [2, 3]]},
        {**POINTS, "points": [[1, 2]] * 200, "labels": [True] * 200},
        {**BOX, "box": [30, 2, 1, 40]},
        {**BOX, "box": [1, 2, 3]},
        {**BOX, "more": 1},
    ],
)
def test_marks_that_make_no_sense_are_refused(data: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="mark"):
        read_mark(data)
