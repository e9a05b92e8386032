"""How the embedded networks compute."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Lock, get_ident
from typing import TypeVar

import torch

T = TypeVar("T")
U = TypeVar("U")
N = TypeVar("N", bound=torch.nn.Module)

CORES = os.cpu_count() or 1


class _OneThread:
    """Where torch works on the thread that is here.

    It has a number of threads for each of ours, and one that is new begins with what any of them set last:
    what to go back to is known to the first that comes in alone.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside: list[int] = []
        self._outside = 1

    def enter(self) -> None:
        with self._lock:
            here = torch.get_num_threads()  # in any case: a first question later undoes the setting
            if not self._inside:
                self._outside = here
            self._inside.append(get_ident())
            torch.set_num_threads(1)

    def leave(self) -> None:
        with self._lock:
            self._inside.remove(get_ident())
            if get_ident() not in self._inside:
                torch.set_num_threads(self._outside)


_one_thread = _OneThread()


@contextmanager
def computing() -> Iterator[None]:
    """Without gradients, on the thread that is here.

    The layers are too small to be shared: on two idle cores a second thread saves a fifth of the time, where
    others work too the two wait for each other and take five times as long.
    """
    _one_thread.enter()
    try:
        with torch.inference_mode():
            yield
    finally:
        _one_thread.leave()


def for_use(network: N) -> N:
    """A network that learns no more, as it computes fastest: with channels last convolutions over single
    channels take less time.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)


def on_all_cores(work: Callable[[T], U], items: Iterable[T]) -> list[U]:
    """`work` for each of the items, in order, several at a time; it may not call this itself."""
    given = list(items)
    with computing():  # first here, where the number of threads is the caller's
        return list((map if len(given) < 2 else _cores().map)(computing()(work), given))


@cache
def _cores() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(CORES)
