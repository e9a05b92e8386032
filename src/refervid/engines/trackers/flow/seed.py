"""From a pivot to the object's first mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from refervid.scene import Scene
from refervid.types import Mask, Pivot


@dataclass(frozen=True)
class Seed:
    """`mask` (h, w) bool at analysis size; `exact` is the user's own mask (H, W) where one was given."""

    mask: Mask
    exact: Mask | None


def seed_of(scene: Scene, index: int, pivots: Sequence[Pivot]) -> Seed:
    """The seed that all pivots of one object on one frame make together."""
    h, w = scene.size
    exact = None
    for pivot in pivots:
        if pivot.mask is not None:
            exact = pivot.mask
    if exact is not None:
        small = cv2.resize(exact.astype(np.float32), (w, h), interpolation=cv2.INTER_AREA)
        return Seed(small > 0.5, exact)
    marks = np.full((h, w), cv2.GC_PR_BGD, np.uint8)
    for pivot in pivots:
        if pivot.box_xyxy is not None:
            x0, y0, x1, y1 = np.asarray(pivot.box_xyxy) * (*scene.scale_xy, *scene.scale_xy)
            x0, x1 = np.clip([round(x0), round(x1)], 0, w)
            y0, y1 = np.clip([round(y0), round(y1)], 0, h)
            marks[:] = cv2.GC_BGD
            marks[y0:y1, x0:x1] = cv2.GC_PR_FGD
    for pivot in pivots:
        if pivot.points_xy is not None:
            labels = pivot.point_labels
            for number, (x, y) in enumerate(np.asarray(pivot.points_xy) * scene.scale_xy):
                inside = labels is None or labels[number]
                if inside and not (marks == cv2.GC_PR_FGD).any():
                    cv2.circle(marks, (int(x), int(y)), h // 8, cv2.GC_PR_FGD, -1)
                cv2.circle(marks, (int(x), int(y)), 3, cv2.GC_FGD if inside else cv2.GC_BGD, -1)
    if not np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).any():
        return Seed(np.zeros((h, w), bool), None)
    cv2.setRNGSeed(0)
    fitted = marks.copy()
    cv2.grabCut(
        scene.small(index), fitted, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK
    )
    mask = np.isin(fitted, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if not mask.any():
        mask = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD))
    return Seed(mask, None)
