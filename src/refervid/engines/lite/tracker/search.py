"""Looking for an object that was hidden or had left the frame."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.engines.lite.tracker.appearance import Appearance, pose_of
from refervid.engines.lite.tracker.view import STRIDE, Plane, View

FIRST_RADIUS = 2.0
"""How far around its last place the object is expected at first, in its own sizes,"""
RADIUS_GROWTH = 0.25
"""and by how much more with every frame."""
LIKE_OBJECT = 0.2
"""Appearance score above which a pixel may belong to the object."""
SURE = 0.5
"""Mean score from which on a region is the object."""
SAME_COLOUR = 1.0
"""Mean colours of the region and of the object on its pivot may differ so much, in `LAB_UNIT`."""
AREA_RANGE = (0.2, 3.0)
"""Area that it may have, in shares of the area before it was lost."""


class Search:
    """Scores every frame for the look of the object and waits for a region that passes for it."""

    def __init__(self, last: Plane, area: float, appearance: Appearance, *, anywhere: bool = False) -> None:
        """`last` (h, w) is the soft mask on the last frame on which the object was seen, `area` what it
        showed of itself in better times; `anywhere`: after a cut its last place tells nothing.
        """
        self._pose = pose_of(last)
        self._area = area
        self._appearance = appearance
        self._frames = 0
        self._anywhere = anywhere

    def step(self, view: View) -> Plane | None:
        """The object's rough mask (h, w) on this frame, or None."""
        self._frames += 1
        self._move_with_camera(view)
        h, w = view.features.shape[:2]
        radius = np.sqrt(self._area) * (FIRST_RADIUS + RADIUS_GROWTH * self._frames)
        if self._anywhere:
            radius = float(np.hypot(*view.scene.size))
        roaming = replace(self._pose, spread_x=radius, spread_y=radius)
        ys, xs = np.mgrid[0:h, 0:w] * STRIDE
        near = np.hypot(xs - self._pose.x, ys - self._pose.y) < radius
        scores = np.full((h, w), -1, np.float32)
        scores[near] = self._appearance.score(view, np.flatnonzero(near), roaming)
        scores = cv2.blur(scores, (3, 3))
        count, parts, stats, _ = cv2.connectedComponentsWithStats((scores > LIKE_OBJECT).astype(np.uint8))
        area = stats[:, cv2.CC_STAT_AREA]
        mass = np.bincount(parts.ravel(), scores.ravel(), count)
        share = area * STRIDE**2 / self._area
        fits = (mass / area > SURE) & (share > AREA_RANGE[0]) & (share < AREA_RANGE[1])
        fits &= _distance(view, parts, count, self._appearance.colour) < SAME_COLOUR
        fits[0] = False
        if not fits.any():
            return None
        best = (parts == np.argmax(np.where(fits, mass, 0))).astype(np.float32)
        return np.asarray(cv2.resize(best, view.scene.size[::-1], interpolation=cv2.INTER_LINEAR))

    def _move_with_camera(self, view: View) -> None:
        here = cv2.perspectiveTransform(
            np.array([[[self._pose.x, self._pose.y]]]), np.linalg.inv(view.camera)
        )
        x, y = here[0, 0]
        h, w = view.scene.size
        self._pose = replace(self._pose, x=float(np.clip(x, 0, w)), y=float(np.clip(y, 0, h)))


def _distance(
    view: View, parts: NDArray[np.int32], count: int, colour: NDArray[np.float32]
) -> NDArray[np.float64]:
    """(count,) distance of each part's mean colour from `colour`."""
    sharp = view.features[..., :3].reshape(-1, 3)
    sums = [np.bincount(parts.ravel(), sharp[:, channel], count) for channel in range(3)]
    means = np.stack(sums, -1) / np.bincount(parts.ravel(), minlength=count)[:, None]
    return np.asarray(np.linalg.norm(means - colour, axis=1))
