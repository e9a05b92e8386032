"""What two frames' features say of an object: votes of the places that look alike, and a linear test.

Both work on features of square crops around the object, so that its size in the picture does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

MATCHES = 10
"""Best matches of a place that vote."""
TEMPERATURE = 0.07
"""Differences of cosine similarity that count as e."""
_GROUP = 8
RIDGE = 1e-2
"""Damping of the linear test, relative to the mean square of a feature."""


def looks(features: Mapping[int, Tensor]) -> Tensor:
    """Unit vectors (N, 152, h, w) at stride 8 from features of stride 8 and 16, which count alike."""
    fine = features[8]
    coarse = F.interpolate(features[16], size=fine.shape[2:], mode="bilinear", align_corners=False)
    return torch.cat([F.normalize(fine), F.normalize(coarse)], 1) / 2**0.5


def votes(query: Tensor, memory: Tensor, values: Tensor, bias: Tensor | None = None) -> Tensor:
    """What the best matches of every place hold: (N, Q, V).

    `query` (N, Q, D) and `memory` (N, M, D) are unit vectors, `values` (N, M, V) what each place of the
    memory holds; `bias` (Q, M) or (N, Q, M) is added to the similarities: how near the places are, -inf for a
    place that is none.
    """
    there = memory.transpose(1, 2)
    similarity = query @ there if bias is None else torch.baddbmm(bias, query, there)
    best, places = _largest(similarity, MATCHES)
    weights = torch.softmax(best / TEMPERATURE, 2)
    rows = torch.arange(len(query), device=query.device)[:, None, None]
    return (weights[..., None] * values[rows, places]).sum(2)


def _largest(table: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """As `table.topk(count)` for (N, Q, M), in half the time: the largest lie in the `count` best of M / 8
    groups.
    """
    if table.shape[2] % _GROUP or table.shape[2] < count * _GROUP:
        return table.topk(min(count, table.shape[2]))
    groups = table.view(*table.shape[:2], _GROUP, -1)
    best = groups.amax(2).topk(count).indices
    few = groups.gather(3, best[:, :, None].expand(-1, -1, _GROUP, -1)).flatten(2)
    values, at = few.topk(count)
    return values, at // count * groups.shape[3] + best.gather(2, at % count)


def nearness(height: int, width: int, reach: float) -> Tensor:
    """(h w, h w): what distance takes from a similarity; `reach` cells take as much as the temperature."""
    ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = torch.stack([ys, xs], -1).reshape(-1, 2).float()
    return -TEMPERATURE * (torch.cdist(places, places) / reach) ** 2


def traits(features: Mapping[int, Tensor]) -> Tensor:
    """(N, 193, h, w) at stride 4: all that the strides 2 to 16 tell of a place, and a constant."""
    fine = features[4]
    size = (fine.shape[2], fine.shape[3])
    levels = [F.adaptive_avg_pool2d(features[2], size), fine]
    levels += [F.interpolate(features[s], size=size, mode="bilinear", align_corners=False) for s in (8, 16)]
    scaled = [F.normalize(level) for level in levels]
    return torch.cat([*scaled, torch.ones_like(fine[:, :1])], 1)


def equations(trait: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """Normal equations (N, D, D) and (N, D) of the linear test that tells object (1) from surroundings (-1).

    `trait` (N, D, h, w), `label` (N, h, w) in 0..1. Both sides weigh the same however large they are. Sums
    of equations are those of the frames together.
    """
    x = trait.flatten(2)
    share = label.flatten(1)
    inside, outside = share, 1 - share
    weight = inside / inside.sum(1, keepdim=True).clamp(min=1) + outside / outside.sum(1, keepdim=True).clamp(
        min=1
    )
    target = (inside / inside.sum(1, keepdim=True).clamp(min=1)) - outside / outside.sum(
        1, keepdim=True
    ).clamp(min=1)
    return (x * weight[:, None]) @ x.transpose(1, 2), (x @ target[..., None])[..., 0]


def solve(products: Tensor, targets: Tensor) -> Tensor:
    """Coefficients (N, D) of the linear test."""
    scale = products.diagonal(dim1=1, dim2=2).mean(1)
    unit = torch.eye(products.shape[1], device=products.device)
    damped = products + (RIDGE * scale)[:, None, None] * unit
    factor, _ = torch.linalg.cholesky_ex(damped)
    return torch.cholesky_solve(targets[..., None], factor)[..., 0]


def likeness(trait: Tensor, coefficients: Tensor) -> Tensor:
    """(N, h, w): about 1 where it looks like the object, -1 like its surroundings."""
    score: Tensor = torch.einsum("ndhw,nd->nhw", trait, coefficients)
    return score.clamp(-2, 2)
