"""Multi-scale deformable attention (Zhu et al., "Deformable DETR", ICLR 2021) in plain torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Shapes = Sequence[tuple[int, int]]
"""(height, width) of every level."""

_QUERIES_AT_ONCE = 1024
"""Keeps the temporary index arrays of `sample_rows` inside a core's cache."""


class DeformableAttention(nn.Module):
    """Every query reads `points` places per level and head around its reference."""

    def __init__(self, width: int, heads: int, levels: int, points: int) -> None:
        super().__init__()
        self.heads, self.levels, self.points = heads, levels, points
        self.sampling_offsets = nn.Linear(width, heads * levels * points * 2)
        self.attention_weights = nn.Linear(width, heads * levels * points)
        self.value_proj = nn.Linear(width, width)
        self.output_proj = nn.Linear(width, width)

    def reset(self) -> None:
        """Published initialisation: heads look in different directions, points ever further away."""
        nn.init.zeros_(self.sampling_offsets.weight)
        nn.init.zeros_(self.attention_weights.weight)
        nn.init.zeros_(self.attention_weights.bias)
        for layer in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        angle = torch.arange(self.heads) * (2 * math.pi / self.heads)
        star = torch.stack((angle.cos(), angle.sin()), -1)
        star = star / star.abs().amax(-1, keepdim=True)
        steps = torch.arange(1, self.points + 1)[:, None]
        bias = (star[:, None, None] * steps).expand(-1, self.levels, -1, -1)
        with torch.no_grad():
            self.sampling_offsets.bias.copy_(bias.flatten())

    def forward(
        self, query: Tensor, reference: Tensor, memory: Tensor, shapes: Shapes, padding: Tensor | None
    ) -> Tensor:
        """`query` (N, T, Q, C), `memory` (N, T, L, C) of all levels one after the other -> (N, T, Q, C).

        `reference` (N, T or 1, Q, levels, 2 or 4): x, y or cx, cy, w, h in 0..1 of each level's map;
        `padding` (N, T or 1, L) bool, True = reads as zero.
        """
        value = self.value_proj(memory)
        if padding is not None:
            value = value.masked_fill(padding[..., None], 0.0)
        value = torch.unflatten(value, -1, (self.heads, -1))
        locations, weights = self.sampling(query, reference, shapes)
        sampled = sample(
            value.flatten(0, 1), shapes, locations.flatten(0, 1), weights.to(value.dtype).flatten(0, 1)
        )
        projected: Tensor = self.output_proj(torch.unflatten(sampled, 0, query.shape[:2]))
        return projected

    def sampling(self, query: Tensor, reference: Tensor, shapes: Shapes) -> tuple[Tensor, Tensor]:
        """Where to read, (N, T, Q, heads, levels, points, 2) as x, y in 0..1, and with which weights.

        Locations are float32 whatever the network's type: a half would move them by pixels.
        """
        grid = (self.heads, self.levels, self.points)
        offsets = torch.unflatten(self.sampling_offsets(query).float(), -1, (*grid, 2))
        logits = torch.unflatten(self.attention_weights(query), -1, (self.heads, -1))
        weights = torch.unflatten(logits.softmax(-1), -1, grid[1:])
        reference = reference.float()[..., None, :, None, :]
        if reference.shape[-1] == 2:
            size = torch.tensor([(w, h) for h, w in shapes], dtype=torch.float32, device=query.device)
            return reference + offsets / size[:, None], weights
        return reference[..., :2] + offsets / self.points * reference[..., 2:] * 0.5, weights


def sample(value: Tensor, shapes: Shapes, locations: Tensor, weights: Tensor) -> Tensor:
    """Weighted sum of bilinear readings: `value` (M, L, heads, D) -> (M, Q, heads * D).

    Readings beyond a map are zero; 0 and 1 are the outer borders of the first and last pixel.
    """
    # Reading whole rows of D numbers is about five times as fast as grid_sample on a CPU, but slower
    # where gradients are needed, and no faster on a GPU: see bench/soc.py.
    if value.device.type == "cpu" and not torch.is_grad_enabled():
        return sample_rows(value, shapes, locations, weights)
    return sample_grid(value, shapes, locations, weights)


def sample_grid(value: Tensor, shapes: Shapes, locations: Tensor, weights: Tensor) -> Tensor:
    """`sample` by `grid_sample`, differentiable. Queries come last, where a row of them is read at once."""
    heads = value.shape[2]
    maps = torch.split(value.permute(0, 2, 3, 1).flatten(0, 1), [h * w for h, w in shapes], -1)
    grids = (2 * locations - 1).to(value.dtype).permute(0, 2, 3, 4, 1, 5).flatten(0, 1).unbind(1)
    weight = weights.permute(0, 2, 3, 4, 1).flatten(0, 1).contiguous().unbind(1)
    levels = [
        (F.grid_sample(torch.unflatten(level, -1, shape), grid, align_corners=False) * w[:, None]).sum(2)
        for level, shape, grid, w in zip(maps, shapes, grids, weight, strict=True)
    ]
    summed = torch.stack(levels).sum(0)
    return torch.unflatten(summed, 0, (-1, heads)).flatten(1, 2).transpose(1, 2)


def sample_rows(value: Tensor, shapes: Shapes, locations: Tensor, weights: Tensor) -> Tensor:
    """`sample` by `embedding_bag`: the four corners of every reading are rows of one table."""
    frames, queries, heads = locations.shape[:3]
    table, origin = _bordered(value, shapes)
    size = locations.new_tensor([(w, h) for h, w in shapes])[:, None]
    pitch = torch.tensor([w + 1 for _, w in shapes])
    # Row numbers as float32 are exact: a frame has far fewer than 2^24 rows.
    stride = (torch.stack((torch.ones_like(pitch), pitch), -1) * heads).float()[:, None]
    first = (origin * heads).float()[:, None] + torch.arange(heads)[:, None, None]
    corner = torch.stack((0 * pitch, 0 * pitch + 1, pitch, pitch + 1), -1)[:, None].mul(heads).int()
    out = value.new_empty(frames, queries, heads * value.shape[3])
    for frame in range(frames):
        rows = table[frame].flatten(0, 1)
        for start in range(0, queries, _QUERIES_AT_ONCE):
            part = slice(start, start + _QUERIES_AT_ONCE)
            pixel = torch.minimum((locations[frame, part] * size).sub_(0.5).clamp_(min=-1), size)
            whole = pixel.floor()
            right, down = pixel.sub_(whole).unbind(-1)
            index = (whole.mul_(stride).sum(-1)).add_(first).int()[..., None] + corner
            lower = weights[frame, part] * down
            upper = weights[frame, part] - lower
            lower_right, upper_right = lower * right, upper * right
            weight = torch.stack((upper - upper_right, upper_right, lower - lower_right, lower_right), -1)
            bags = index.shape[0] * heads
            out[frame, part] = F.embedding_bag(
                index.view(bags, -1),
                rows,
                per_sample_weights=weight.view(bags, -1).to(rows.dtype),
                mode="sum",
            ).view(-1, out.shape[2])
    return out


def _bordered(value: Tensor, shapes: Shapes) -> tuple[Tensor, Tensor]:
    """The levels with zeros around them, (M, rows, heads, D), and the row of every level's first pixel.

    One zero column ends a map row and begins the next, so a level of h x w pixels has rows of w + 1.
    """
    spans = [(h + 3) * (w + 1) + 2 for h, w in shapes]
    table = value.new_zeros(value.shape[0], sum(spans), *value.shape[2:])
    starts = torch.tensor([0, *spans[:-1]]).cumsum(0)
    pixels = torch.split(value, [h * w for h, w in shapes], 1)
    for level, (h, w), start in zip(pixels, shapes, starts.tolist(), strict=True):
        room = torch.unflatten(table[:, start + w + 1 : start + (h + 1) * (w + 1)], 1, (h, w + 1))
        room[:, :, 1:] = torch.unflatten(level, 1, (h, w))
    return table, starts + torch.tensor([w + 2 for _, w in shapes])
