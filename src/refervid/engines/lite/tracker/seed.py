"""From the pivots on one frame to the object's mask there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Mask, Pivot
from refervid.engines.lite.tracker.region import find_region
from refervid.engines.lite.tracker.view import Plane, View

POINT_RADIUS_PX = 2
"""So far around a point everything is taken to be the same thing."""
FIRST_WINDOW = 1 / 8
"""Points alone: half the side of the square searched first around them, as a share of the frame height;
doubled as long as the region found runs into its edge."""
EDGE_SHARE = 0.2
BOX_ODDS = -1.0
"""Log odds, before looking, that a pixel of a box shows the object: a person fills a quarter of theirs."""
CARRIED_ODDS = 1.0
"""Log odds, before looking, that a pixel of a carried mask stays when points correct the mask."""


@dataclass(frozen=True)
class Seed:
    """`soft` (h, w) at analysis size; `exact` is the mask (H, W) that was given, if one was."""

    soft: Plane
    exact: Mask | None = None

    @property
    def empty(self) -> bool:
        return not bool((self.soft > 0.5).any())


def is_correction(pivots: Sequence[Pivot]) -> bool:
    """Points alone can correct a mask carried from elsewhere."""
    return all(pivot.mask is None and pivot.box_xyxy is None for pivot in pivots)


def seed_of(view: View, pivots: Sequence[Pivot], carried: Plane | None = None) -> Seed:
    """The seed that all pivots of one object on this frame make together.

    `carried` (h, w) is the soft mask that reached this frame from other pivots.
    """
    sure = _points(view, pivots)
    masks = [pivot.mask for pivot in pivots if pivot.mask is not None]
    if masks:
        return _from_mask(view, np.logical_or.reduce(masks), sure)
    boxes = [pivot.box_xyxy for pivot in pivots if pivot.box_xyxy is not None]
    if boxes:
        prior = np.full(view.scene.size, -np.inf, np.float32)
        for box in boxes:
            prior[_inside(view, box)] = BOX_ODDS
        return Seed(_found(view, prior, sure))
    if carried is not None:
        return Seed(_corrected(view, carried, sure))
    return Seed(_around_points(view, sure))


def _from_mask(view: View, mask: Mask, sure: NDArray[np.int8]) -> Seed:
    h, w = view.scene.size
    soft = cv2.resize(mask.astype(np.float32), (w, h), interpolation=cv2.INTER_AREA)
    if mask.any() and soft.max() <= 0.5:
        soft /= soft.max()
    return Seed(np.where(sure == 0, soft, sure > 0).astype(np.float32), mask)


def _found(view: View, prior: Plane, sure: NDArray[np.int8]) -> Plane:
    """The region, or all of the space it could be in where the classifier finds none."""
    if not (np.isfinite(prior).any() or (sure > 0).any()):
        return np.zeros_like(prior)
    soft = find_region(view, prior, sure)
    if (soft > 0.5).any():
        return soft
    return (np.isfinite(prior) & (sure >= 0)).astype(np.float32)


def _corrected(view: View, carried: Plane, sure: NDArray[np.int8]) -> Plane:
    """`carried` less what looks like the points beside the object, and with what looks like those on it
    and lies near them."""
    radius = max(2, round(FIRST_WINDOW * view.scene.size[0]))
    missing = ((sure > 0) & (carried <= 0.5)).astype(np.uint8)
    prior = np.where(cv2.dilate(missing, np.ones((2 * radius + 1, 2 * radius + 1))) > 0, BOX_ODDS, -np.inf)
    return _found(view, np.where(carried > 0.5, CARRIED_ODDS, prior).astype(np.float32), sure)


def _around_points(view: View, sure: NDArray[np.int8]) -> Plane:
    """The connected region that holds the object's points, in a window that grows as needed."""
    h, w = view.scene.size
    ys, xs = np.nonzero(sure > 0)
    if not len(ys):
        return np.zeros((h, w), np.float32)
    margin = max(2, round(FIRST_WINDOW * h))
    while True:
        y0, y1 = max(ys.min() - margin, 0), min(ys.max() + margin, h)
        x0, x1 = max(xs.min() - margin, 0), min(xs.max() + margin, w)
        prior = np.full((h, w), -np.inf, np.float32)
        prior[y0:y1, x0:x1] = BOX_ODDS
        soft = find_region(view, prior, sure)
        _, parts = cv2.connectedComponents((soft > 0.5).astype(np.uint8))
        soft[~np.isin(parts, np.unique(parts[ys, xs]))] = 0
        inside = soft[y0:y1, x0:x1] > 0.5
        edge = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
        if edge.mean() < EDGE_SHARE or margin >= h:
            return soft
        margin *= 2


def _points(view: View, pivots: Sequence[Pivot]) -> NDArray[np.int8]:
    """(h, w): 1 around points on the object, -1 around points beside it."""
    h, w = view.scene.size
    sure = np.zeros((h, w), np.int8)
    for pivot in pivots:
        if pivot.points_xy is None:
            continue
        labels = np.ones(len(pivot.points_xy), bool) if pivot.point_labels is None else pivot.point_labels
        places = np.floor(pivot.points_xy * np.asarray(view.scene.scale_xy)).astype(int)
        for (x, y), label in zip(places, labels, strict=True):
            if 0 <= x < w and 0 <= y < h:
                spot = np.s_[
                    max(y - POINT_RADIUS_PX, 0) : y + POINT_RADIUS_PX + 1,
                    max(x - POINT_RADIUS_PX, 0) : x + POINT_RADIUS_PX + 1,
                ]
                sure[spot] = 1 if label else -1
    return sure


def _inside(view: View, box: NDArray[np.float32]) -> tuple[slice, slice]:
    """The part of the frame in a box; empty for a box without area inside the frame."""
    h, w = view.scene.size
    scale_x, scale_y = view.scene.scale_xy
    x0, x1 = (float(np.clip(x * scale_x, 0, w)) for x in (box[0], box[2]))
    y0, y1 = (float(np.clip(y * scale_y, 0, h)) for y in (box[1], box[3]))
    if not (x0 < x1 and y0 < y1):
        return slice(0), slice(0)
    return slice(int(y0), int(np.ceil(y1))), slice(int(x0), int(np.ceil(x1)))
