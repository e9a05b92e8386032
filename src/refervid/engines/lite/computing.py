"""How the embedded networks compute."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import torch

T = TypeVar("T")
U = TypeVar("U")

CORES = os.cpu_count() or 1


@contextmanager
def computing() -> Iterator[None]:
    """Without gradients, on the thread that is here.

    The layers are too small to be shared: on two idle cores a second thread saves a fifth of the time, where
    others work too the two wait for each other and take five times as long.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(before)


def on_all_cores(work: Callable[[T], U], items: Iterable[T]) -> list[U]:
    """`work` for each of the items, in order, several at a time; it may not call this itself."""
    given = list(items)
    return list((map if len(given) < 2 else _cores().map)(computing()(work), given))


@cache
def _cores() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(CORES)
