"""How the embedded networks compute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


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
