"""Says when each object sounds, from what was found out when it was chosen.

Sound and motion are compared where the motions are known: in the chooser.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from refervid.core.types import Interval, SoundingObject, Waveform
from refervid.engines.base import EngineSettings
from refervid.engines.lite.rules_engine import RulesEngine


class SynchronySettings(EngineSettings):
    kind: Literal["synchrony"] = "synchrony"


class SynchronyBinder(RulesEngine[SynchronySettings]):
    """Objects sound in the intervals that lie mostly in their own, or in all if these are not known."""

    Settings = SynchronySettings
    name = "synchrony"
    version = "1"

    def bind(
        self, waveform: Waveform, intervals: Sequence[Interval], objects: Sequence[SoundingObject]
    ) -> list[frozenset[str]]:
        return [
            frozenset(
                thing.name
                for thing in objects
                if thing.intervals is None or _heard(thing.intervals, interval)
            )
            for interval in intervals
        ]


def _heard(spans: Sequence[Interval], interval: Interval) -> bool:
    start, end = interval.start_s, interval.end_s
    shared = sum(max(0.0, min(end, span.end_s) - max(start, span.start_s)) for span in spans)
    return shared >= 0.5 * (end - start)
