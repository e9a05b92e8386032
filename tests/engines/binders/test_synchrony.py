"""The binder without learned weights."""

from __future__ import annotations

import numpy as np

from refervid.engines.binders.synchrony import SynchronyBinder
from refervid.types import Interval, Waveform


def test_every_object_sounds_in_every_interval() -> None:
    waveform = Waveform(np.zeros(16_000, np.float32), 16_000)
    intervals = [Interval(0.0, 0.5), Interval(0.7, 0.9)]
    assert SynchronyBinder().bind(waveform, intervals, ["a", "b"]) == [frozenset({"a", "b"})] * 2
    assert SynchronyBinder().bind(waveform, [], ["a"]) == []
