"""Boxes as tensors (..., 4)."""

from __future__ import annotations

import torch
from torch import Tensor

_EPS = 1e-6
"""Public repository: boxes of hidden frames are points, and take part."""


def to_corners(boxes: Tensor) -> Tensor:
    """cx, cy, w, h -> x0, y0, x1, y1."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat((centre - half, centre + half), -1)


def to_centres(boxes: Tensor) -> Tensor:
    """x0, y0, x1, y1 -> cx, cy, w, h."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return torch.cat(((low + high) / 2, high - low), -1)


def generalised_iou(a: Tensor, b: Tensor) -> Tensor:
    """Element by element, boxes as cx, cy, w, h -> (...) in -1..1 (Rezatofighi et al., CVPR 2019)."""
    a, b = to_corners(a), to_corners(b)
    overlap = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    around = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp(min=0)
    area_a, area_b = (a[..., 2:] - a[..., :2]).prod(-1), (b[..., 2:] - b[..., :2]).prod(-1)
    shared, whole = overlap.prod(-1), around.prod(-1)
    union = area_a + area_b - shared
    return (shared + _EPS) / (union + _EPS) - (whole - union + _EPS) / (whole + _EPS)
