"""One object on its way through the clip in one direction."""

from __future__ import annotations

import cv2
import numpy as np

from refervid.engines.trackers.flow.appearance import Appearance, pose_of
from refervid.engines.trackers.flow.view import Plane, View
from refervid.types import Mask

BAND_PX = 6.0
"""Twice the distance from the carried outline that changes the odds by e."""
APPEARANCE_WEIGHT = 3.0
MOTION_WEIGHT = 2.0
REVEALED = -3.0
"""Log odds of pixels whose origin is unknown although it seems to lie in the object: they are usually
background that the object has uncovered."""
REACH_PX = 24
"""Farther from the carried outline no pixel can join."""
GUIDE_RADIUS, GUIDE_EPSILON = 4, 1e-3
STILL_PX = 0.7


class Carrier:
    def __init__(self, view: View, mask: Mask) -> None:
        self._soft = mask.astype(np.float32)
        self._appearance = Appearance()
        self._appearance.learn(view, self._soft)

    def step(self, view: View) -> tuple[Plane, float]:
        """Move on to `view`: soft mask (h, w) in 0..1 and presence in 0..1."""
        carried = cv2.remap(self._soft, *view.origin, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        inside = (carried > 0.5).astype(np.uint8)
        if inside.sum() < 5:
            self._soft = np.zeros_like(carried)
            return self._soft, 0.0
        distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
        distance -= cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
        odds = np.clip(2 * distance / BAND_PX, -8, 8)
        odds = np.where(odds > 0, view.trust * odds + (1 - view.trust) * REVEALED, odds)
        look = self._look(view, carried, distance)
        odds += APPEARANCE_WEIGHT * np.clip(look, -1.3, 1.3)
        odds -= MOTION_WEIGHT * _stays_with_background(view, carried, look)
        soft = (1 / (1 + np.exp(-odds))).astype(np.float32)
        self._soft = np.clip(_guided(view.lightness, soft), 0, 1)
        found = self._soft > 0.5
        if not found.any():
            return self._soft, 0.0
        self._appearance.learn(view, self._soft)
        return self._soft, float(np.clip(look[found], 0, 1).mean())

    def _look(self, view: View, carried: Plane, distance: Plane) -> Plane:
        """Appearance score (h, w) of the pixels in reach; -1 elsewhere."""
        h, w = view.features.shape[:2]
        near = cv2.resize(distance, (w, h), interpolation=cv2.INTER_AREA) > -REACH_PX
        scores = np.full((h, w), -1, np.float32)
        chosen = np.flatnonzero(near)
        scores.ravel()[chosen] = self._appearance.score(view, chosen, pose_of(carried))
        return np.asarray(cv2.resize(scores, distance.shape[::-1], interpolation=cv2.INTER_LINEAR))


def _stays_with_background(view: View, carried: Plane, look: Plane) -> Plane:
    """Evidence (h, w), 0 or more, that a pixel moves as the background does while the object does not."""
    core = (carried > 0.5) & (look > 0.2) & (view.trust > 0.5)
    if core.sum() < 20:
        return np.zeros_like(look)
    background = np.median(view.residual[carried < 0.5]) + STILL_PX
    distinct = np.clip(np.log(np.median(view.residual[core]) / background), 0, 2)
    return distinct * np.exp(-((view.residual / background) ** 2) / 2)


def _guided(guide: Plane, values: Plane) -> Plane:
    """Guided filter (He et al., ECCV 2010): smooths `values` up to the edges of `guide`."""

    def mean(plane: Plane) -> Plane:
        return np.asarray(cv2.blur(plane, (2 * GUIDE_RADIUS + 1, 2 * GUIDE_RADIUS + 1)))

    mean_guide, mean_values = mean(guide), mean(values)
    covariance = mean(guide * values) - mean_guide * mean_values
    slope = covariance / (mean(guide * guide) - mean_guide**2 + GUIDE_EPSILON)
    return mean(slope) * guide + mean(mean_values - slope * mean_guide)
