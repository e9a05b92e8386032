"""What the engines without weights have in common."""

from __future__ import annotations

from typing import Any, Generic, Self, TypeVar

from refervid.engines.base import EngineSettings, Runtime
from refervid.engines.lite.analysis import Analyses

S = TypeVar("S", bound=EngineSettings)


class RulesEngine(Generic[S]):
    """It lacks nothing, ever; what is known of a clip it shares with the other embedded engines."""

    Settings: type[S]

    def __init__(self, settings: S, analyses: Analyses | None = None) -> None:
        self.settings = settings
        self._analyses = analyses or Analyses()

    @classmethod
    def missing(cls, settings: Any) -> list[str]:
        return []

    @classmethod
    def build(cls, settings: S, runtime: Runtime) -> Self:
        return cls(settings, Analyses.shared(runtime))
