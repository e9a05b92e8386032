"""Fuzzy truth values in 0..1."""

from __future__ import annotations


def rise(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, straight between; `low` > `high` makes it fall."""
    return min(max((value - low) / (high - low), 0.0), 1.0)
