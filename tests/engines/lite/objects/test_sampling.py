"""The frames that are looked at follow the clock of the clip."""

from __future__ import annotations

import numpy as np

from refervid.engines.lite.objects.sampling import sampled_frames
from refervid.media.array import ArrayClip


def test_frames_are_sampled_by_the_clock() -> None:
    clip = ArrayClip(np.zeros((31, 16, 16, 3), np.uint8), fps=10)
    assert sampled_frames(clip, 2.0) == [0, 5, 10, 15, 20, 25, 30]
    assert sampled_frames(ArrayClip(np.zeros((1, 16, 16, 3), np.uint8), fps=10), 2.0) == [0]


def test_a_clock_that_jumps_by_days_gives_no_more_frames_than_there_are() -> None:
    times = np.array([0, 0.1, 0.2, 0.5, 1e6, 1e6 + 0.1, 1e9])
    clip = ArrayClip(np.zeros((7, 16, 16, 3), np.uint8), times)
    assert sampled_frames(clip, 2.0) == [0, 3, 4, 6]
