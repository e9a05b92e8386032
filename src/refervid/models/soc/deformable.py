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
        if self.sampling_offsets.bias.is_meta:  # weights follow, and these would only take time
            return
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
        x, y, weights = self.sampling(query, reference, shapes)
        flat = (x.flatten(0, 1), y.flatten(0, 1), weights.to(value.dtype).flatten(0, 1))
        sampled = sample(value.flatten(0, 1), shapes, *flat)
        projected: Tensor = self.output_proj(torch.unflatten(sampled, 0, query.shape[:2]))
        return projected

    def sampling(self, query: Tensor, reference: Tensor, shapes: Shapes) -> tuple[Tensor, Tensor, Tensor]:
        """Where to read, x and y in 0..1, and with which weights: each (N, T, Q, heads, levels, points).

        Places are float32 whatever the network's type: a half would move them by pixels. The two axes
        are planes of their own, because arithmetic along an axis of length two is slow.
        """
        grid = (self.heads, self.levels, self.points)
        logits = torch.unflatten(self.attention_weights(query), -1, (self.heads, -1))
        weights = torch.unflatten(logits.softmax(-1), -1, grid[1:])
        places = []
        for axis in (0, 1):
            weight, bias = self.sampling_offsets.weight[axis::2], self.sampling_offsets.bias[axis::2]
            offset = F.linear(query, weight, bias).float()
            centre = self._per_point(reference[..., axis])
            if reference.shape[-1] == 2:
                size = torch.tensor([shape[1 - axis] for shape in shapes], device=query.device)
                place = centre + offset / self._per_point(size)
            else:
                place = centre + offset * (self._per_point(reference[..., 2 + axis]) * (0.5 / self.points))
            places.append(torch.unflatten(place, -1, grid))
        return places[0], places[1], weights

    def _per_point(self, x: Tensor) -> Tensor:
        """(..., levels) -> (..., heads * levels * points) float32."""
        x = x.float()[..., None, :, None]
        return x.expand(*x.shape[:-3], self.heads, self.levels, self.points).flatten(-3)


def sample(value: Tensor, shapes: Shapes, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """Weighted sum of bilinear readings: `value` (M, L, heads, D) -> (M, Q, heads * D).

    `x`, `y` and `weights` (M, Q, heads, levels, points). Readings beyond a map are zero; 0 and 1 are the
    outer borders of the first and last pixel.
    """
    # Reading whole rows of D numbers is several times as fast as grid_sample on a CPU, but slower where
    # gradients are needed, and no faster on a GPU: see bench/soc.py.
    if value.device.type == "cpu" and not torch.is_grad_enabled():
        return sample_rows(value, shapes, x, y, weights)
    return sample_grid(value, shapes, x, y, weights)


def sample_grid(value: Tensor, shapes: Shapes, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """`sample` by `grid_sample`, differentiable. Queries come last, where a row of them is read at once.

    It wants maps and places of one type, and computes in it: float32, for the places' sake.
    """
    heads = value.shape[2]
    maps = torch.split(value.float().permute(0, 2, 3, 1).flatten(0, 1), [h * w for h, w in shapes], -1)
    places = torch.stack((x, y), -1).mul(2).sub(1)
    grids = places.permute(0, 2, 3, 4, 1, 5).flatten(0, 1).unbind(1)
    weight = weights.permute(0, 2, 3, 4, 1).flatten(0, 1).contiguous().unbind(1)
    levels = [
        (F.grid_sample(torch.unflatten(level, -1, shape), grid, align_corners=False) * w[:, None]).sum(2)
        for level, shape, grid, w in zip(maps, shapes, grids, weight, strict=True)
    ]
    summed = torch.stack(levels).sum(0).to(value.dtype)
    return torch.unflatten(summed, 0, (-1, heads)).flatten(1, 2).transpose(1, 2)


def sample_rows(value: Tensor, shapes: Shapes, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """`sample` by `embedding_bag`: the four corners of every reading are rows of one table."""
    frames, queries, heads = x.shape[:3]
    points = x.shape[4]
    spans = [(h + 3) * (w + 1) + 2 for h, w in shapes]
    origin = torch.tensor([0, *spans[:-1]]).cumsum(0) + torch.tensor([w + 2 for _, w in shapes])
    width = torch.tensor([float(w) for _, w in shapes]).repeat_interleave(points)
    height = torch.tensor([float(h) for h, _ in shapes]).repeat_interleave(points)
    # Row numbers as float32 are exact: a frame has far fewer than 2^24 rows.
    pitch = (width + 1) * heads
    first = (origin * heads).repeat_interleave(points) + torch.arange(heads)[:, None]
    corners = torch.stack((0 * pitch, 0 * pitch + heads, pitch, pitch + heads)).int()

    x, y, weights = x.flatten(3), y.flatten(3), weights.flatten(3).float()
    out = value.new_empty(frames, queries, heads * value.shape[3])
    for frame in range(frames):
        rows = _bordered(value[frame], shapes, spans).flatten(0, 1)
        for start in range(0, queries, _QUERIES_AT_ONCE):
            part = slice(start, start + _QUERIES_AT_ONCE)
            left, right = _split_pixel(x[frame, part], width)
            top, down = _split_pixel(y[frame, part], height)
            base = top.mul_(pitch).add_(left.mul_(heads)).add_(first).int()
            lower = weights[frame, part] * down
            upper = weights[frame, part] - lower
            lower_right, upper_right = lower * right, upper * right
            corner_weights = (upper - upper_right, upper_right, lower - lower_right, lower_right)
            index = torch.stack([base + corner for corner in corners], 2)
            weight = torch.stack(corner_weights, 2).to(rows.dtype)
            bags = base.shape[0] * heads
            out[frame, part] = F.embedding_bag(
                index.view(bags, -1), rows, per_sample_weights=weight.view(bags, -1), mode="sum"
            ).view(-1, out.shape[2])
    return out


def _split_pixel(place: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """0..1 -> the pixel before it, -1 to size, and how far it lies towards the next one, 0 to 1."""
    pixel = torch.minimum((place * size).sub_(0.5).clamp_(min=-1), size)
    whole = pixel.floor()
    return whole, pixel.sub_(whole)


def _bordered(value: Tensor, shapes: Shapes, spans: list[int]) -> Tensor:
    """(L, heads, D) -> (rows, heads, D): every level has zeros around it and takes `spans` rows.

    One zero column ends a map row and begins the next, so a level of h x w pixels has rows of w + 1, and
    its first pixel comes after w + 2 rows.
    """
    table = value.new_zeros(sum(spans), *value.shape[1:])
    pixels = torch.split(value, [h * w for h, w in shapes])
    for level, room, (h, w) in zip(pixels, torch.split(table, spans), shapes, strict=True):
        torch.unflatten(room[w + 1 : (h + 1) * (w + 1)], 0, (h, w + 1))[:, 1:] = torch.unflatten(
            level, 0, (h, w)
        )
    return table
