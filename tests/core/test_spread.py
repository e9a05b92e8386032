"""Some of many, evenly."""

from __future__ import annotations

import pytest

from refervid.core.spread import middles, spread


@pytest.mark.parametrize(
    ("length", "count", "both_ends", "in_the_middle"),
    [
        (9, 3, [0, 4, 8], [1, 4, 7]),
        (10, 4, [0, 3, 6, 9], [1, 3, 6, 8]),
        (3, 8, [0, 1, 2], [0, 1, 2]),
        (1, 5, [0], [0]),
        (0, 5, [], []),
    ],
)
def test_places(length: int, count: int, both_ends: list[int], in_the_middle: list[int]) -> None:
    assert spread(length, count).tolist() == both_ends
    assert middles(length, count) == in_the_middle


@pytest.mark.parametrize("length", range(1, 60))
def test_no_place_is_taken_twice(length: int) -> None:
    for count in range(1, 70):
        assert len(set(spread(length, count).tolist())) == min(count, length)
