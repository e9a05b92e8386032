"""What engines share that load their network from the hub, or from a folder or file in its place."""

from __future__ import annotations

from pathlib import Path

from refervid.engines.base import EngineSettings, Weights
from refervid.engines.hub.weights import find_weights, missing_weights


class HubSettings(EngineSettings):
    """`weights` is a hub id or a path; `revision` a commit of the hub, None: the one of our own table."""

    weights: Weights
    revision: str | None = None

    def path(self) -> Path:
        """Where the weights are. Raises `MissingWeights`."""
        return find_weights(self.weights, self.revision)


class HubEngine:
    """Lacks its weights or nothing."""

    @classmethod
    def missing(cls, settings: HubSettings) -> list[str]:
        return missing_weights(settings.weights, settings.revision)
