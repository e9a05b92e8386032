"""Progress and timing of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from refervid.core.types import Hook


class Stages:
    """Hands progress to the caller's hook and keeps the seconds that each stage took."""

    def __init__(self, hook: Hook) -> None:
        self.hook = hook
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str, total: int = 1) -> Iterator[Hook]:
        """Announce `name`, time its body, and announce its end; engines report inside through the hook."""
        self.hook(name, None, 0, total)
        start = perf_counter()
        yield self.hook
        self.seconds[name] += perf_counter() - start
        self.hook(name, None, total, total)
