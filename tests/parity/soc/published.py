"""The published network's fixtures: its parameters and inputs by rule, its outputs from files.

The numbers were obtained by running the published SOC code (RobertLuo1/NeurIPS2023_SOC) on CPU.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from refervid.models.soc import Tokens
from refervid.models.soc.config import VideoSwinConfig
from refervid.models.soc.windows import relative_position_index
from tests.parity.fill import fill, normal

HERE = Path(__file__).parent
A = [0, 713, 16, 10, 1296, 2335, 11, 909, 2]
B = [0, 102, 2335, 878, 15, 2]


def published_state() -> dict[str, Tensor]:
    """A whole published state dict: aliases, integer buffers and all."""
    shapes = json.loads((HERE / "video_swin_t.json").read_text())
    index = relative_position_index(VideoSwinConfig().window, torch.device("cpu"))
    state = {}
    for key, shape in shapes.items():
        if key.endswith("relative_position_index"):
            state[key] = index.clone()
        elif key.endswith("position_ids"):
            state[key] = torch.arange(shape[1])[None]
        elif key.endswith("word_embeddings.weight"):
            state[key] = torch.zeros(shape)
            known = max(A + B) + 1  # no other word is asked about, and to fill them all takes long
            state[key][:known] = torch.from_numpy(fill(key, (known, *shape[1:])))
        elif not key.startswith("transformer.decoder.bbox_embed."):
            state[key] = torch.from_numpy(fill(key, tuple(shape)))
    for key in shapes:
        if key.startswith("transformer.decoder.bbox_embed."):
            state[key] = state[key.removeprefix("transformer.decoder.")]
    return state


def clips(name: str, frames: int, sizes: list[tuple[int, int]]) -> Tensor:
    """(B, T, 3, H, W), padded with zeros to the largest clip."""
    height, width = (max(side) for side in zip(*sizes, strict=True))
    batch = torch.zeros(len(sizes), frames, 3, height, width)
    for index, (h, w) in enumerate(sizes):
        batch[index, :, :, :h, :w] = random(f"{name}/video{index}", frames, 3, h, w)
    return batch


def random(name: str, *shape: int) -> Tensor:
    return torch.from_numpy(normal(f"soc/{name}", shape))


def tokens(*rows: list[int]) -> Tokens:
    longest = max(map(len, rows))
    ids = torch.tensor([row + [1] * (longest - len(row)) for row in rows])
    return Tokens(ids, ids != 1)


class Expected:
    """The arrays of one fixture file."""

    def __init__(self, name: str) -> None:
        self._file = _open(name)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.values(name)[0]

    def check(self, name: str, ours: Tensor, tolerance: float) -> None:
        """Largest difference over the largest expected value."""
        theirs, take = self.values(name)
        value = take(ours.detach().numpy())
        assert value.shape == theirs.shape, f"{name}: {value.shape}, published {theirs.shape}"
        if theirs.dtype == bool:
            assert (value == theirs).all(), f"{name}: {(value != theirs).sum()} pixels differ"
            return
        if f"{name}|shape" in self._file:
            assert tuple(self._file[f"{name}|shape"]) == tuple(ours.shape), name
        error = np.abs(value.astype(np.float64) - theirs).max() / np.abs(theirs).max()
        assert error <= tolerance, f"{name}: off by {error:.1e}"

    def values(self, name: str) -> tuple[NDArray[Any], Callable[[NDArray[Any]], NDArray[Any]]]:
        file = self._file
        if name in file:
            return file[name], lambda x: x
        if f"{name}|bits" in file:
            shape = tuple(file[f"{name}|shape"])
            bits = np.unpackbits(file[f"{name}|bits"])[: int(np.prod(shape))]
            return bits.reshape(shape).astype(bool), lambda x: x
        stride = int(file[f"{name}|stride"])
        return file[f"{name}|sample"], lambda x: x.reshape(-1)[::stride]


@cache
def _open(name: str) -> dict[str, NDArray[Any]]:
    return dict(np.load(HERE / f"{name}.npz"))
