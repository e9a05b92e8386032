"""How Video Swin cuts a map into (shifted) windows.

Padding, rolling and cutting are one gather whose index is computed once per map size. The attention
mask of shifted windows is never stored per window: windows differ only in whether they are the last
one along each axis, so there are at most eight different masks, and windows are ordered by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

Size = tuple[int, int, int]
"""(time, height, width) in tokens."""

SEPARATION = -100.0
"""Added to the logit of two tokens that only the roll brought together (public Video Swin code)."""


@dataclass(frozen=True)
class WindowGroup:
    """Windows that share `mask` (N, N) float, which is added to the logits (None: zeros).

    `gather` (windows, N) long names the token in every slot; `padding` (windows, N) bool is True in
    slots beyond the end of the map, None where there are none.
    """

    gather: Tensor
    padding: Tensor | None
    mask: Tensor | None


@dataclass(frozen=True)
class Partition:
    """All windows, N = `tokens` slots each; `scatter` names every token's slot, groups one after another."""

    tokens: int
    groups: tuple[WindowGroup, ...]
    scatter: Tensor


# Kept tensors must not be inference tensors: training in the same process uses them too.
@lru_cache(maxsize=32)
@torch.inference_mode(False)
def partition(batch: int, size: Size, window: Size, shifted: bool, device: torch.device) -> Partition:
    """Cut `batch` maps of `size`, whose tokens are numbered through in C order.

    Per axis: a map that fits into one window is one window and is not shifted; otherwise windows are
    shifted by half their size (rounded down) and the map is padded at its end.
    """
    shift = [w // 2 if shifted and n > w else 0 for n, w in zip(size, window, strict=True)]
    cut = [min(n, w) for n, w in zip(size, window, strict=True)]
    counts = [-(-n // w) for n, w in zip(size, cut, strict=True)]

    token = torch.zeros((), dtype=torch.long)
    inside = torch.ones((), dtype=torch.bool)
    kind = torch.zeros((), dtype=torch.long)
    for axis, (n, w, s, count) in enumerate(zip(size, cut, shift, counts, strict=True)):
        rolled = (torch.arange(count * w) + s) % (count * w)
        position = rolled.view([count if i == axis else w if i == axis + 3 else 1 for i in range(6)])
        token = token * n + position.clamp(max=n - 1)
        inside = inside & (position < n)
        last = (torch.arange(count) == count - 1) & (s > 0)
        kind = kind * 2 + last.view([count if i == axis else 1 for i in range(3)])

    tokens = cut[0] * cut[1] * cut[2]
    clips = torch.arange(batch)[:, None] * (size[0] * size[1] * size[2])
    token, inside = token.reshape(-1, 1, tokens), inside.reshape(-1, 1, tokens)
    scatter = torch.empty(batch * size[0] * size[1] * size[2], dtype=torch.long)
    groups, slots = [], 0
    for k in range(8):
        chosen = kind.flatten() == k
        gather = (token[chosen] + clips).flatten(0, 1)
        if len(gather) == 0:
            continue
        real = inside[chosen].expand(-1, batch, -1).flatten(0, 1)
        scatter[gather[real]] = real.flatten().nonzero().flatten() + slots
        slots += gather.numel()
        padding = None if bool(real.all()) else ~real
        groups.append(
            WindowGroup(
                gather.to(device),
                None if padding is None else padding.to(device),
                _mask(k, cut, shift, device),
            )
        )
    return Partition(tokens, tuple(groups), scatter.to(device))


def _mask(kind: int, window: list[int], shift: list[int], device: torch.device) -> Tensor | None:
    """The mask of windows that are the last along the axes whose bit (time 4, height 2, width 1) is set."""
    if kind == 0:
        return None
    region = torch.zeros((), dtype=torch.long)
    for axis, (w, s) in enumerate(zip(window, shift, strict=True)):
        wrapped = (torch.arange(w) >= w - s) & bool(kind & (4 >> axis))
        region = region * 2 + wrapped.view([w if i == axis else 1 for i in range(3)])
    region = region.flatten()
    return ((region[:, None] != region) * SEPARATION).to(device)


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def relative_position_index(window: Size, device: torch.device) -> Tensor:
    """(N, N) long: the row of the bias table for every pair of tokens of a full window."""
    axes = [torch.arange(n) for n in window]
    position = torch.stack(torch.meshgrid(*axes, indexing="ij")).flatten(1)
    offset = position[:, :, None] - position[:, None]
    index = torch.zeros_like(offset[0])
    for axis, n in enumerate(window):
        index = index * (2 * n - 1) + offset[axis] + n - 1
    return index.to(device)
