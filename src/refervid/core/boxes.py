"""Boxes xyxy and their areas, in whatever unit their coordinates have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

AnyBox = NDArray[np.float32] | NDArray[np.float64]
"""(4,) xyxy."""
SAME_OBJECT = 0.5
"""Intersection over union from which on two boxes hold the same object (what PASCAL VOC counts as found)."""


def box_of(mask: NDArray[np.bool_]) -> NDArray[np.float32] | None:
    """(4,) xyxy, end exclusive, of what a mask (H, W) holds; None if that is nothing."""
    ys, xs = np.nonzero(mask)
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float32) if len(ys) else None


def box_area(box: AnyBox) -> float:
    """0 for a box whose edges are in the wrong order."""
    return float(max(box[2] - box[0], 0) * max(box[3] - box[1], 0))


def shared_area(one: AnyBox, other: AnyBox) -> float:
    """Of the part that lies in both."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return float(max(width, 0) * max(height, 0))


def box_iou(one: AnyBox, other: AnyBox) -> float:
    """Intersection over union in 0..1; 0 for two boxes without area."""
    shared = shared_area(one, other)
    return shared / max(box_area(one) + box_area(other) - shared, 1e-6)
