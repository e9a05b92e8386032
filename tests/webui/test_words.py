"""What the page says, and what it keeps to itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from refervid.core.errors import MediaTooLarge, MissingWeights, NoAudioStream, SettingsError, UnreadableMedia
from refervid.media.array import ArrayClip
from refervid.pipelines.presets import PRESETS
from refervid.webui.marks import CandidateChoice, Mark, mask_counts, read
from refervid.webui.words import about_preset, lack_words, plain_words, without_paths


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (NoAudioStream("/tmp/x/clip.mp4 has no sound: give a sound file, as `audio` (--audio)"), "no sound"),
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


def test_what_is_lacking_is_told_without_options_that_the_page_does_not_have() -> None:
    options = "or name yours with --set a.b=URL --set a.c=NAME; or run one with --set a.d=local"
    lack = f"a server at http://127.0.0.1:1/v1 (start one; {options})"
    assert lack_words(lack) == "A server at http://127.0.0.1:1/v1 (start one)"
    assert not any("--" in about_preset(name) for name in PRESETS)


CLIP = ArrayClip(np.zeros((4, 10, 20, 3), np.uint8))
POINTS = {"query": 0, "frame": 3, "points": [[1, 2], [3, 4]], "labels": [True, False]}
BOX = {"query": 0, "frame": 3, "box": [1, 2, 30, 40], "afresh": True}


def test_marks_become_pivots() -> None:
    points, box = read(Mark, POINTS).pivot(CLIP), read(Mark, BOX).pivot(CLIP)
    assert points.points_xy is not None
    assert points.points_xy.shape == (2, 2)
    assert points.point_labels is not None
    assert points.point_labels.tolist() == [True, False]
    assert box.box_xyxy is not None
    assert box.box_xyxy.tolist() == [1, 2, 30, 40]
    assert read(CandidateChoice, {"query": 1, "decision": 2, "candidate": 3}).candidate == 3


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
        {**BOX, "mask": [200]},
        {"query": 0, "frame": 3, "mask": [-1, 201]},
        {"query": 0, "frame": 3, "mask": "0"},
    ],
)
def test_marks_that_make_no_sense_are_refused(data: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="mark"):
        read(Mark, data)


def test_masks_are_run_lengths_down_the_columns() -> None:
    mask = np.zeros((10, 20), bool)
    mask[3:6, 2] = True
    assert mask_counts(mask) == [23, 3, 174]
    for given in (mask, ~mask, np.ones((10, 20), bool)):
        pivot = read(Mark, {"frame": 3, "mask": mask_counts(given)}).pivot(CLIP)
        assert (pivot.mask == given).all()
    for wrong in ([200, 1], [], [10**30]):
        with pytest.raises(SettingsError, match="20x10"):
            read(Mark, {"frame": 3, "mask": wrong}).pivot(CLIP)
