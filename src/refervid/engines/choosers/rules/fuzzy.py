"""Fuzzy truth values in 0..1."""

from __future__ import annotations

from collections.abc import Iterable


def rise(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, straight between; `low` > `high` makes it fall."""
    return min(max((value - low) / (high - low), 0.0), 1.0)


def soften(fit: float, floor: float) -> float:
    """A fit that can lower a product no further than to `floor`: evidence that may err."""
    return floor + (1 - floor) * fit


def product(values: Iterable[float]) -> float:
    total = 1.0
    for value in values:
        total *= value
    return total
