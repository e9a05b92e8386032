"""Progress, artefacts and timing of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from refervid.core.types import Hook


@dataclass
class Stage:
    """A stage while it runs: `hook` is for engines to report inside, `artefact` what the stage comes to."""

    hook: Hook
    artefact: object = None


class Stages:
    """Hands progress and artefacts to the caller's hook, and keeps the seconds that each stage took."""

    def __init__(self, hook: Hook) -> None:
        self.hook = hook
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str, total: int = 1) -> Iterator[Stage]:
        """Announce `name`, time its body, and announce its end with the artefact."""
        self.hook(name, None, 0, total)
        stage = Stage(self.hook)
        start = perf_counter()
        yield stage
        self.seconds[name] += perf_counter() - start
        self.hook(name, stage.artefact, total, total)
