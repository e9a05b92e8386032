"""Items that another thread makes ready."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event, current_thread

import pytest

from refervid.core.ahead import working_ahead

PATIENCE_S = 30


def test_all_items_come_in_order_from_another_thread() -> None:
    with working_ahead(((number, current_thread()) for number in range(10)), 3) as ahead:
        found = list(ahead)
    assert [number for number, _ in found] == list(range(10))
    assert current_thread() not in {thread for _, thread in found}


def test_work_begins_at_once_and_goes_no_further_than_asked() -> None:
    made, enough = [], Event()

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if number == 3:
                enough.set()
            yield number

    with working_ahead(items(), 4) as ahead:
        assert enough.wait(PATIENCE_S)
        assert made == [0, 1, 2, 3]
        assert next(ahead) == 0


def test_what_goes_wrong_there_is_raised_here() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no second")

    with pytest.raises(ValueError, match="no second"), working_ahead(items(), 4) as ahead:
        list(ahead)


def test_who_leaves_early_ends_the_work() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10**9):
            made.append(number)
            yield number

    with working_ahead(items(), 2) as ahead:
        next(ahead)
    before = len(made)
    assert before <= 4
    assert len(made) == before
