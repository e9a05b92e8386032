"""Says when each object sounds, where nothing but the sound's energy is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

from refervid.engines.base import EngineSettings, Runtime
from refervid.types import Interval, Waveform


class SynchronySettings(EngineSettings):
    kind: Literal["synchrony"] = "synchrony"


class SynchronyBinder:
    """Every object whose motion goes with the sound sounds whenever there is sound.

    Which object that is has been decided by comparing motion and sound over the whole clip; a name alone
    holds nothing that could tell one interval from another.
    """

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
        """All names for every interval; the intervals themselves leave silence out."""
        return [frozenset(names)] * len(intervals)
