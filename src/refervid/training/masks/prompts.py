"""What a tracker may know of an object before it looks: made from the true mask, with its faults.

Planes are (N, h, w) at stride 2, as `MaskDecoder` takes them.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

POINT_RADIUS = 2.0
"""Cells."""


def box_plane(share: Tensor, noise: torch.Generator) -> Tensor:
    """-1 outside and 1 inside the box of a mask, whose sides are off by some hundredths; 0 without a mask."""
    inside = share > 0.5
    n, side = len(share), share.shape[-1]
    error = 0.02 + 0.08 * (_uniform((n, 1), noise) < 0.2)
    spans = []
    for axis in (2, 1):  # of y, of x
        line = inside.any(axis).int()
        low = line.argmax(1)
        high = side - line.flip(1).argmax(1)
        off = torch.randn((n, 2), generator=noise, device=share.device) * error * (high - low)[:, None]
        along = torch.arange(side, device=share.device) + 0.5
        spans.append((along > low[:, None] + off[:, :1]) & (along < high[:, None] + off[:, 1:]))
    plane = (spans[0][:, :, None] & spans[1][:, None]).float()
    return (2 * plane - 1) * inside.any(2).any(1)[:, None, None]


def points_plane(share: Tensor, noise: torch.Generator) -> Tensor:
    """1 around one to three points on the object, -1 around up to two beside it, 0 elsewhere."""
    inside = share > 0.7
    deep = F.avg_pool2d(share[:, None], 9, 1, 4)[:, 0] ** 4 * inside
    near = F.avg_pool2d(share[:, None], 31, 1, 15)[:, 0] * (
        F.max_pool2d(share[:, None], 3, 1, 1)[:, 0] < 0.02
    )
    plane = torch.zeros_like(share)
    for chance, value, least, most in ((deep, 1.0, 1, 3), (near, -1.0, 0, 2)):
        count = torch.randint(least, most + 1, (len(share), 1, 1), generator=noise, device=share.device)
        places = _drawn(chance, most, noise)
        for number in range(most):
            disc = _distance(places[:, number], share) < POINT_RADIUS
            use = (count > number) & (chance.sum((1, 2)) > 0)[:, None, None]
            plane = torch.where(disc & use, value, plane)
    return plane


def faulty(share: Tensor, noise: torch.Generator) -> Tensor:
    """A mask in 0..1 as it might be carried: moved, bent, grown or shrunk, with parts lost and won."""
    n, side = len(share), share.shape[-1]
    theta = torch.eye(2, 3, device=share.device).repeat(n, 1, 1)
    theta += torch.randn(theta.shape, generator=noise, device=share.device) * 0.05
    bend = torch.randn((n, 2, 5, 5), generator=noise, device=share.device) * 0.03
    grid = F.affine_grid(theta, [n, 1, side, side], align_corners=False)
    grid = grid + F.interpolate(bend, (side, side), mode="bicubic", align_corners=False).permute(0, 2, 3, 1)
    found = F.grid_sample(share[:, None], grid, align_corners=False)[:, 0]
    for value in (0.0, 1.0):
        middle = _drawn(F.avg_pool2d(share[:, None], 9, 1, 4)[:, 0] + 1e-4, 1, noise)[:, 0]
        radius = (0.03 + 0.12 * _uniform((n, 1, 1), noise)) * side
        wide = torch.where(_uniform((n, 1, 1), noise) < 0.4, 1.0, 0.0)
        found = found.lerp(torch.full_like(found, value), (_distance(middle, share) < radius) * wide)
    threshold = 0.25 + 0.5 * _uniform((n, 1, 1), noise)
    return torch.sigmoid((_soft(found) - threshold) * (6 + 20 * _uniform((n, 1, 1), noise)))


def _soft(share: Tensor) -> Tensor:
    return F.avg_pool2d(share[:, None], 5, 1, 2, count_include_pad=False)[:, 0]


def _drawn(chance: Tensor, count: int, noise: torch.Generator) -> Tensor:
    """(N, count, 2): y and x of places drawn by their chance."""
    flat = chance.flatten(1) + 1e-9
    places = torch.multinomial(flat, count, replacement=True, generator=noise)
    side = chance.shape[-1]
    return torch.stack([places // side, places % side], -1).float()


def _distance(place: Tensor, like: Tensor) -> Tensor:
    """(N, h, w): of every cell from places (N, 2)."""
    ys = torch.arange(like.shape[1], device=like.device)[None, :, None] - place[:, :1, None]
    xs = torch.arange(like.shape[2], device=like.device)[None, None] - place[:, 1:, None]
    return (ys**2 + xs**2).sqrt()


def _uniform(shape: tuple[int, ...], noise: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=noise, device=noise.device)
