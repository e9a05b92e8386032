"""Working through long inputs in pieces when no gradients are needed.

They keep memory constant however long the clip is, and on a CPU they stay in cache, where blocks of
memory are used again instead of being fetched from the system: both matter more than their overhead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

_CPU_ROWS = 1024
_GPU_ROWS = 1 << 17


def pieces(count: int, rows_each: int, device: torch.device) -> Iterator[slice]:
    """Cut `count` things of `rows_each` rows into slices; a single one while gradients are recorded."""
    rows = _CPU_ROWS if device.type == "cpu" else _GPU_ROWS
    step = count if torch.is_grad_enabled() else max(1, rows // rows_each)
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def by_rows(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """`function` applied to the rows of x (..., C), which it must treat independently."""
    rows = x.flatten(0, -2)
    parts = list(pieces(len(rows), 1, x.device))
    if len(parts) == 1:
        return function(x)
    return torch.cat([function(rows[part]) for part in parts]).view(*x.shape[:-1], -1)
