"""The detector without weights: candidates as the pipeline needs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from refervid.engines.base import DetectorRequest
from refervid.engines.lite.detector import MotionDetector, MotionSettings
from refervid.media.folder import FolderClip
from tests.clips import write_pictures
from tests.engines.made_clips import BLUE, HEIGHT, RED, WIDTH, Made, Thing, box_of, iou, made_clip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    things = [Thing(RED, lambda i: (50 + 4 * i, 40)), Thing(BLUE, lambda i: (150, 105))]
    return made_clip(tmp_path_factory.mktemp("two") / "frames", things, 12)


def test_candidates_hold_masks_boxes_and_scores(made: Made) -> None:
    [found] = MotionDetector(MotionSettings()).detect(made.clip, [DetectorRequest(6, "the red thing")])
    assert iou(found[0].mask, made.masks[0][6]) > 0.7
    scores = [each.score for each in found]
    assert scores == sorted(scores, reverse=True)
    for each in found:
        assert each.mask is not None
        assert each.mask.shape == (HEIGHT, WIDTH)
        assert each.mask.dtype == bool
        assert np.array_equal(each.box_xyxy, box_of(each.mask))
        assert 0 <= each.score <= 1


def test_the_text_only_reorders_colours(made: Made) -> None:
    requests = [DetectorRequest(6, text) for text in ("the blue thing", "a thing")]
    named, plain = MotionDetector(MotionSettings()).detect(made.clip, requests)
    score = {}
    for name, found in (("named", named), ("plain", plain)):
        score[name] = max(each.score for each in found if iou(each.mask, made.masks[1][6]) > 0.7)
    assert score["named"] > score["plain"]


def test_limit_and_overlap(made: Made) -> None:
    request = DetectorRequest(6, "the blue thing")
    [found] = MotionDetector(MotionSettings(limit=1)).detect(made.clip, [request])
    assert len(found) == 1
    [found] = MotionDetector(MotionSettings(overlap=0.3)).detect(made.clip, [request])
    pairs = [(one, other) for one in found for other in found if one is not other]
    assert all(iou(one.mask, other.mask) < 0.35 for one, other in pairs)


def test_an_empty_picture_has_no_candidates(tmp_path: Path) -> None:
    write_pictures(tmp_path / "frames", [np.full((60, 90, 3), 128, np.uint8)] * 3)
    clip = FolderClip(tmp_path / "frames")
    assert MotionDetector(MotionSettings()).detect(clip, [DetectorRequest(1, "a red ball")]) == [[]]
