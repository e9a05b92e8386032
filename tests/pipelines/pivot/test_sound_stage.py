"""Which frames an object is heard on."""

from __future__ import annotations

import numpy as np
import pytest

from refervid.core.types import Interval, SoundingObject, Waveform
from refervid.engines.lite.binder import SynchronyBinder, SynchronySettings
from refervid.media.array import ArrayClip
from refervid.pipelines.pivot.selection import Heard
from refervid.pipelines.pivot.sound import heard_frames

CLIP = ArrayClip(np.zeros((10, 4, 4, 3), np.uint8), fps=2)
THINGS = (SoundingObject("always", 0), SoundingObject("late", 0, intervals=[Interval(2.0, 3.0)]))


def heard(*intervals: Interval, last_goes_on: bool = False) -> list[list[int]]:
    waveform = Waveform(np.ones(3 * 8000, np.float32), 8000)
    found = Heard(intervals, THINGS, THINGS)
    frames = heard_frames(
        CLIP, waveform, found, SynchronyBinder(SynchronySettings()), last_goes_on=last_goes_on
    )
    return [np.flatnonzero(each).tolist() for each in frames]


def test_frames_of_intervals() -> None:
    assert heard(Interval(0, 1), Interval(2, 3)) == [[0, 1, 4, 5], [4, 5]]
    assert heard() == [[], []]


@pytest.mark.parametrize(("goes_on", "last"), [(False, 5), (True, 9)])
def test_the_last_interval_may_go_on_to_the_end(goes_on: bool, last: int) -> None:
    frames = list(range(4, last + 1))
    assert heard(Interval(0, 1), Interval(2, 3), last_goes_on=goes_on) == [[0, 1, *frames], frames]
