"""Pivots as they come from outside, checked against the clip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from refervid.core.errors import SettingsError
from refervid.core.types import Pivot


def check_pivot(pivot: Pivot, frames: int | None, height: int, width: int) -> None:
    """Raises `SettingsError` for a pivot that names no frame, marks nothing, or does not fit the frame."""
    where = f"pivot on frame {pivot.frame_index}"
    if pivot.frame_index < 0 or (frames is not None and pivot.frame_index >= frames):
        raise SettingsError(f"{where}: the clip has frames 0 to {(frames or 1) - 1}")
    if pivot.box_xyxy is None and pivot.mask is None and pivot.points_xy is None:
        raise SettingsError(f"{where} marks nothing: give it a box, a mask or points")
    if pivot.mask is not None and pivot.mask.shape != (height, width):
        raise SettingsError(f"{where}: mask of shape {pivot.mask.shape}, but frames are ({height}, {width})")
    if pivot.box_xyxy is not None and not (
        pivot.box_xyxy.shape == (4,) and np.isfinite(pivot.box_xyxy).all()
    ):
        raise SettingsError(f"{where}: box {pivot.box_xyxy}; give four finite numbers x1, y1, x2, y2")
    if pivot.points_xy is not None:
        _check_points(pivot, where)


def _check_points(pivot: Pivot, where: str) -> None:
    points, labels = pivot.points_xy, pivot.point_labels
    assert points is not None
    if points.ndim != 2 or points.shape[1] != 2 or not len(points) or not np.isfinite(points).all():
        raise SettingsError(f"{where}: points of shape {points.shape}; give (N, 2) finite x, y with N > 0")
    if labels is None or labels.shape != (len(points),):
        raise SettingsError(f"{where}: {len(points)} points need as many labels, True for on the object")


def usable(pivots: Sequence[Pivot], height: int, width: int) -> list[Pivot]:
    """Without the boxes that have no area inside the frame; others may stick out."""
    return [pivot for pivot in pivots if _has_area(pivot, height, width)]


def _has_area(pivot: Pivot, height: int, width: int) -> bool:
    if pivot.box_xyxy is None or pivot.mask is not None:
        return True
    x1, y1, x2, y2 = pivot.box_xyxy
    return bool(min(x2, width) > max(x1, 0) and min(y2, height) > max(y1, 0))
