"""Says when each object sounds, from what was found out when it was chosen.

Sound and motion are compared where the motions are known: in the chooser. What it found about times travels
in the objects' names, which is all that stages about sound share: "object 2, heard 2.9-5.3 s".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, Self

from refervid.engines.base import EngineSettings, Runtime
from refervid.types import Interval, Waveform

_SPAN = re.compile(r"(\d+\.\d)-(\d+\.\d)")


class SynchronySettings(EngineSettings):
    kind: Literal["synchrony"] = "synchrony"


class SynchronyBinder:
    """Objects sound in the intervals that lie mostly in the times of their names, or else in all."""

    Settings = SynchronySettings
    name = "synchrony"
    version = "1"

    @classmethod
    def missing(cls, settings: Any) -> list[str]:
        return []

    @classmethod
    def build(cls, settings: Any, runtime: Runtime) -> Self:
        return cls()

    def bind(
        self, waveform: Waveform, intervals: Sequence[Interval], names: Sequence[str]
    ) -> list[frozenset[str]]:
        return [
            frozenset(name for name in names if _heard(name, interval, waveform.start_s))
            for interval in intervals
        ]


def sounding_name(number: int, spans: Sequence[Interval]) -> str:
    """A name for object `number` that is heard in `spans` (seconds of the clip)."""
    times = ", ".join(f"{max(each.start_s, 0):.1f}-{each.end_s:.1f}" for each in spans)
    return f"object {number}, heard {times} s"


def _heard(name: str, interval: Interval, start_s: float) -> bool:
    spans = [(float(start), float(end)) for start, end in _SPAN.findall(name)]
    start, end = interval.start_s + start_s, interval.end_s + start_s
    shared = sum(max(0.0, min(end, until) - max(start, since)) for since, until in spans)
    return not spans or shared >= 0.5 * (end - start)
