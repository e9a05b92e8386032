"""Stopping between two steps, so that no step is lost."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType

_AT_ONCE = 1.0
"""Seconds; a second signal within them is taken for the same one (a terminal and torchrun both send it)."""

logger = logging.getLogger(__name__)


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM become a request: the function given tells whether there was one.

    A later second one raises `KeyboardInterrupt` at once. Outside the main thread signals are left alone.
    """
    asked_at: float | None = None

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked_at
        if asked_at is None:
            asked_at = monotonic()
            logger.warning("stopping after this step; once more stops at once")
        elif monotonic() - asked_at > _AT_ONCE:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked_at is not None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
