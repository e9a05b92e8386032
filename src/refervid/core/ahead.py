"""Work that is done before it is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar, cast

T = TypeVar("T")


@contextmanager
def working_ahead(items: Iterator[T], count: int) -> Iterator[Iterator[T]]:
    """The same items, the next `count` of them made ready in another thread as long as this is not left."""
    end = object()
    with ThreadPoolExecutor(1) as other:
        pending = deque(other.submit(next, items, end) for _ in range(count))

        def ready() -> Iterator[T]:
            while (item := pending.popleft().result()) is not end:
                pending.append(other.submit(next, items, end))
                yield cast(T, item)

        try:
            yield ready()
        finally:
            other.shutdown(cancel_futures=True)
