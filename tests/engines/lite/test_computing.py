"""The embedded networks leave torch as many threads as it had."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread

import pytest
import torch

from refervid.engines.lite.computing import computing, on_all_cores


@pytest.fixture(autouse=True)
def three() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def in_new_thread() -> int:
    """Threads of torch."""
    with ThreadPoolExecutor(1) as new:
        return new.submit(torch.get_num_threads).result()


def test_inside_one_thread_computes_and_outside_as_many_as_before() -> None:
    with computing():
        with computing():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
        assert not torch.ones(1, requires_grad=True).mul(2).requires_grad
    assert torch.get_num_threads() == in_new_thread() == 3


def test_who_comes_in_while_another_computes_and_goes_last_leaves_no_less() -> None:
    first_in, second_in, first_out = Barrier(2), Barrier(2), Barrier(2)
    after: list[int] = []

    def first() -> None:
        with computing():
            first_in.wait()
            second_in.wait()
        first_out.wait()
        after.append(torch.get_num_threads())

    def second() -> None:
        first_in.wait()
        with computing():
            second_in.wait()
            first_out.wait()
            assert torch.get_num_threads() == 1
        after.append(torch.get_num_threads())

    threads = [Thread(target=each) for each in (first, second)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert after == [3, 3]
    assert in_new_thread() == 3


def test_a_number_that_is_set_later_counts() -> None:
    assert set(on_all_cores(lambda _: torch.get_num_threads(), range(8))) == {1}
    assert in_new_thread() == 3
    torch.set_num_threads(2)
    assert set(on_all_cores(lambda _: torch.get_num_threads(), range(8))) == {1}
    assert torch.get_num_threads() == in_new_thread() == 2
