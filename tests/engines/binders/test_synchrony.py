"""The binder without learned weights."""

from __future__ import annotations

import numpy as np

from refervid.engines.binders.synchrony import SynchronyBinder, sounding_name
from refervid.types import Interval, Waveform

WAVEFORM = Waveform(np.zeros(16_000, np.float32), 16_000)
INTERVALS = [Interval(0.0, 0.5), Interval(0.7, 2.0), Interval(2.0, 4.0)]


def test_objects_sound_when_their_names_say() -> None:
    early = sounding_name(1, [Interval(0.0, 0.5), Interval(2.0, 4.0)])
    late = sounding_name(2, [Interval(0.68, 2.04)])
    bound = SynchronyBinder().bind(WAVEFORM, INTERVALS, [early, late])
    assert bound == [{early}, {late}, {early}]


def test_times_in_names_are_the_clips() -> None:
    name = sounding_name(1, [Interval(1.5, 3.0)])
    later = Waveform(WAVEFORM.samples, 16_000, start_s=1.0)
    assert SynchronyBinder().bind(later, INTERVALS, [name]) == [set(), {name}, set()]


def test_other_names_sound_all_the_time() -> None:
    assert SynchronyBinder().bind(WAVEFORM, INTERVALS, ["dog"]) == [{"dog"}] * 3
    assert SynchronyBinder().bind(WAVEFORM, [], ["dog"]) == []
