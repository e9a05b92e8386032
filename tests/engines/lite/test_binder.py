"""The binder without learned weights."""

from __future__ import annotations

import numpy as np

from refervid.core.types import Interval, SoundingObject, Waveform
from refervid.engines.lite.binder import SynchronyBinder, SynchronySettings
from tests.engines.sound import named

WAVEFORM = Waveform(np.zeros(16_000, np.float32), 16_000)
INTERVALS = [Interval(0.0, 0.5), Interval(0.7, 2.0), Interval(2.0, 4.0)]


def heard(name: str, *intervals: Interval) -> SoundingObject:
    return SoundingObject(name, 0, intervals=intervals)


def test_objects_sound_in_intervals_that_lie_mostly_in_their_own() -> None:
    early = heard("early", Interval(0.0, 0.5), Interval(2.0, 4.0))
    late = heard("late", Interval(0.68, 2.04))
    bound = SynchronyBinder(SynchronySettings()).bind(WAVEFORM, INTERVALS, [early, late])
    assert bound == [{"early"}, {"late"}, {"early"}]


def test_objects_whose_times_are_not_known_sound_all_the_time() -> None:
    assert SynchronyBinder(SynchronySettings()).bind(WAVEFORM, INTERVALS, named("dog")) == [{"dog"}] * 3
    assert SynchronyBinder(SynchronySettings()).bind(WAVEFORM, [], named("dog")) == []
    assert SynchronyBinder(SynchronySettings()).bind(WAVEFORM, INTERVALS, [heard("never")]) == [set()] * 3
