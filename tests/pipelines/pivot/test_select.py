"""Which candidates go on to the chooser and the tracker."""

from __future__ import annotations

import numpy as np

from refervid.core.types import Candidate
from refervid.media.array import ArrayClip
from refervid.pipelines.pivot.select import in_frame
from refervid.pipelines.pivot.settings import TextSettings

CLIP = ArrayClip(np.zeros((1, 40, 60, 3), np.uint8))
STICKING_OUT = [-5, 10, 20, 55]
SLIVER = [59.5, 0, 70, 40]
OUTSIDE = [[60, 0, 70, 40], [0, -9, 60, 0], [10, 10, 10, 20], [np.nan, 0, 20, 20], [0, 0, np.inf, 20]]


def boxes(**settings: bool) -> list[list[float]]:
    given = [STICKING_OUT, SLIVER, *OUTSIDE]
    candidates = [Candidate(np.array(box, np.float32), 0.5) for box in given]
    return [one.box_xyxy.tolist() for one in in_frame(candidates, CLIP, TextSettings(**settings))]


def test_boxes_end_where_the_frame_does_and_those_outside_are_left_out() -> None:
    assert boxes() == [[0, 10, 20, 40], [59.5, 0, 60, 40]]


def test_as_published_boxes_may_stick_out() -> None:
    assert boxes(clip_boxes=False) == [STICKING_OUT, SLIVER]
