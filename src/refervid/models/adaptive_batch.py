"""Work cut into pieces that fit into memory, and one error where even the smallest does not."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch

from refervid.core.errors import OutOfMemory

log = logging.getLogger(__name__)

T = TypeVar("T")


def is_out_of_memory(error: RuntimeError) -> bool:
    """Of CUDA, of the CPU's allocator, or of MPS."""
    told = ("can't allocate memory", "MPS backend out of memory")
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in told)


@contextmanager
def memory_checked(device: torch.device | str, options: str | None = None) -> Iterator[None]:
    """Raises `OutOfMemory` where work inside that cannot be cut runs out of memory on `device`.

    `options` name the settings that a person can lower to make it smaller.
    """
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise _out_of_memory(device, "", options) from error


def _out_of_memory(device: torch.device | str, tried: str, lower: str | None) -> OutOfMemory:
    remedies = ([f"lower {lower}"] if lower else []) + ["choose a smaller model", "or use another device"]
    return OutOfMemory(f"{device} ran out of memory{tried}: {', '.join(remedies)}")


class AdaptiveBatch:
    """Runs work in pieces of at most `size` items, and once more in smaller ones if memory runs out.

    `option` is the setting that a person can lower.
    """

    def __init__(self, size: int, option: str, device: torch.device) -> None:
        self.size = size
        self._option = option
        self._device = device

    def run(self, work: Callable[[slice], Sequence[T]], count: int) -> list[T]:
        """The results of `work` for items 0 to `count`, called with slices. Raises `OutOfMemory`.

        `work` must leave no trace when it fails, because it is called again.
        """
        tried = min(self.size, count)
        try:
            return self._run(work, count)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if tried == 1:
                raise self._out_of_memory(tried) from error
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        self.size = tried // 2
        log.warning("%s: out of memory with %s=%d, trying %d", self._device, self._option, tried, self.size)
        try:
            return self._run(work, count)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise self._out_of_memory(self.size) from error

    def _run(self, work: Callable[[slice], Sequence[T]], count: int) -> list[T]:
        return [
            result
            for start in range(0, count, self.size)
            for result in work(slice(start, min(start + self.size, count)))
        ]

    def _out_of_memory(self, tried: int) -> OutOfMemory:
        lower = self._option if tried > 1 else None
        return _out_of_memory(self._device, f" with {self._option}={tried}", lower)
