"""Truth values of numbers, one by one and many at a time."""

from __future__ import annotations

import numpy as np
import pytest

from refervid.engines.lite.fuzzy import rise

VALUES = [-1.0, 0.2, 0.3, 0.5, 0.6, 9.0]


@pytest.mark.parametrize(
    ("low", "high", "true"), [(0.2, 0.6, [0, 0, 0.25, 0.75, 1, 1]), (0.6, 0.2, [1, 1, 0.75, 0.25, 0, 0])]
)
def test_rises_straight_between_two_numbers_and_falls_where_they_are_turned(
    low: float, high: float, true: list[float]
) -> None:
    assert [rise(value, low, high) for value in VALUES] == pytest.approx(true)
    assert rise(np.array(VALUES), low, high) == pytest.approx(np.array(true))
