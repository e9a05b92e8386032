"""The gathered windows are those of padding, rolling, cutting and masking step by step."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from refervid.models.soc.windows import SEPARATION, Size, partition

WINDOW = (4, 3, 3)


def cut(x: torch.Tensor, window: Size) -> torch.Tensor:
    """(B, T, H, W) -> (windows, tokens)."""
    b, t, h, w = x.shape
    x = x.view(b, t // window[0], window[0], h // window[1], window[1], w // window[2], window[2])
    return x.permute(0, 1, 3, 5, 2, 4, 6).reshape(-1, window[0] * window[1] * window[2])


@pytest.mark.parametrize("size", [(4, 3, 3), (3, 2, 5), (9, 7, 8), (2, 6, 6), (8, 3, 4), (1, 1, 1)])
@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("batch", [1, 2])
def test_partition_is_pad_roll_cut(size: Size, shifted: bool, batch: int) -> None:
    window = tuple(min(n, w) for n, w in zip(size, WINDOW, strict=True))
    shift = [w // 2 if shifted and n > w else 0 for n, w in zip(size, WINDOW, strict=True)]
    padding = [-n % w for n, w in zip(size, window, strict=True)]
    tokens = torch.arange(batch * size[0] * size[1] * size[2]).view(batch, *size)
    padded = F.pad(tokens, (0, padding[2], 0, padding[1], 0, padding[0]), value=-1)
    expected = cut(padded.roll([-s for s in shift], (1, 2, 3)), window)

    regions = torch.zeros(1, *padded.shape[1:])
    for axis, (w, s) in enumerate(zip(window, shift, strict=True)):
        if s:
            regions.select(0, 0).transpose(0, axis)[-w:-s] += 3**axis
            regions.select(0, 0).transpose(0, axis)[-s:] += 2 * 3**axis
    labels = cut(regions.expand(batch, -1, -1, -1).contiguous(), window)
    masks = (labels[:, :, None] != labels[:, None]) * SEPARATION

    part = partition(batch, size, WINDOW, shifted, torch.device("cpu"))
    ours = {}
    for group in part.groups:
        outside = torch.zeros_like(group.gather, dtype=torch.bool) if group.padding is None else group.padding
        mask = torch.zeros(part.tokens, part.tokens) if group.mask is None else group.mask
        for window_tokens in group.gather.masked_fill(outside, -1):
            ours[tuple(window_tokens.tolist())] = mask
    assert len(ours) == len(expected)
    for window_tokens, mask in zip(expected, masks, strict=True):
        assert torch.equal(ours[tuple(window_tokens.tolist())], mask)


@pytest.mark.parametrize("size", [(4, 3, 3), (9, 7, 8)])
def test_scatter_undoes_gather(size: Size) -> None:
    part = partition(2, size, WINDOW, True, torch.device("cpu"))
    slots = torch.cat([group.gather.flatten() for group in part.groups])
    assert torch.equal(slots[part.scatter], torch.arange(2 * size[0] * size[1] * size[2]))
