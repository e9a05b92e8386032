"""Random numbers of one source: drawn on the host, brought to where its pictures are."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]
"""Which scenes of a batch."""


class Dice:
    """`random` on the host; `noise` on the device, for what has as many numbers as pixels."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self.device = device
        self.random = np.random.default_rng(seed)
        self.noise = torch.Generator(device).manual_seed(seed)

    def to(self, numbers: NDArray[np.generic]) -> Tensor:
        """float32 on the device"""
        return torch.from_numpy(np.ascontiguousarray(numbers)).float().to(self.device, non_blocking=True)

    def wide(self, numbers: NDArray[np.generic]) -> Tensor:
        """(n, 1, 1, 1, 1) of (n,)"""
        return self.to(numbers)[:, None, None, None, None]

    def index(self, numbers: Rows) -> Tensor:
        return torch.from_numpy(numbers).to(self.device)

    def ways(self, count: int) -> Numbers:
        """(n, 2): unit vectors in any direction."""
        angle = self.random.uniform(0, 2 * np.pi, count)
        return np.stack([np.cos(angle), np.sin(angle)], -1)

    def some(self, count: int, share: float) -> Rows:
        """Each row with this chance."""
        return np.flatnonzero(self.random.random(count) < share)


def by_scene(shots: Tensor, count: int) -> Tensor:
    """(count, T, ...) of (count T, ...)."""
    return shots.view(count, -1, *shots.shape[1:])


def along(side: int, device: torch.device) -> Tensor:
    """(side,): middles of the pixels of a crop's side, in -1..1."""
    return (torch.arange(side, device=device) + 0.5) * 2 / side - 1
