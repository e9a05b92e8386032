"""One object on its way through the clip in one direction."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.engines.lite.tracker.appearance import Appearance, Pose, pose_of
from refervid.engines.lite.tracker.edges import smooth_to_edges
from refervid.engines.lite.tracker.search import Search
from refervid.engines.lite.tracker.view import STRIDE, Plane, View, to_features

OUTLINE_PX = 3.0
"""Distance from the carried outline that changes the odds by e."""
MAX_OUTLINE_ODDS = 8.0
LOOK_WEIGHT, MAX_LOOK = 3.0, 1.3
STILL_WEIGHT = 2.0
REVEALED_ODDS = -3.0
"""Log odds where the origin is unknown but seems to lie in the object: the object has usually uncovered
background there."""
REACH_PX = 24
"""Farther from the carried outline no pixel can join."""
STILL_PX = 0.7
"""Error of a background pixel's speed."""
LOST_SHARE = 0.1
"""An object that shows less than this share of its usual area is lost."""
LEARN_SHARE = 0.3
"""Below this share of the usual area what is left is not learnt from."""
AREA_RATE = 0.1
MIN_CORE = 20
"""Fewer pixels do not tell how the object moves."""
MAX_DISTINCT = 2.0
"""An object that moves e^2 times as fast as the background is as distinct as can be."""

Window = tuple[slice, slice]
"""Rows and columns of a part of the frame."""


class Carrier:
    """Starts on a pivot's view and soft mask (h, w); `step` it from frame to neighbouring frame."""

    def __init__(self, view: View, soft: Plane) -> None:
        self._soft = soft
        self._appearance = Appearance(view, soft)
        self._usual_area = float((soft > 0.5).sum())
        self._search: Search | None = None

    def lose(self) -> None:
        """The object is known to be away on the present frame."""
        self._search = self._search or Search(self._soft, self._usual_area, self._appearance)

    def step(self, view: View) -> tuple[Plane, float]:
        """Move on to `view`: soft mask (h, w), empty while the object is lost, and presence in 0..1."""
        away = np.zeros_like(self._soft), 0.0
        if view.after_cut:
            self._search = Search(self._soft, self._usual_area, self._appearance, anywhere=True)
        if self._search is None:
            rough = cv2.remap(self._soft, *view.origin, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        else:
            rough = self._search.step(view)
            if rough is None:
                return away
        window = _window_around(rough)
        if window is None:
            self.lose()
            return away
        trust = view.trust[window] if self._search is None else np.ones_like(rough[window])
        soft = np.zeros_like(self._soft)
        soft[window], look = self._decide(view, window, rough, trust)
        area = float((soft > 0.5).sum())
        if area < max(LOST_SHARE * self._usual_area, 1):
            self.lose()
            return away
        self._search = None
        self._soft = soft
        if area > LEARN_SHARE * self._usual_area:
            self._appearance.learn(view, soft)
        self._usual_area += AREA_RATE * (area - self._usual_area)
        return soft, float(np.clip(look[soft[window] > 0.5], 0, 1).mean())

    def _decide(self, view: View, window: Window, rough: Plane, trust: Plane) -> tuple[Plane, Plane]:
        """New soft mask and appearance score in the window from all evidence.

        `rough` (h, w) is where the object is thought to be; `trust` how surely that holds per pixel.
        """
        inside = (rough[window] > 0.5).astype(np.uint8)
        distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
        distance -= cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
        odds = np.clip(distance / OUTLINE_PX, -MAX_OUTLINE_ODDS, MAX_OUTLINE_ODDS)
        odds = np.where(odds > 0, trust * odds + (1 - trust) * REVEALED_ODDS, odds)
        look = self._look(view, window, distance, pose_of(rough))
        odds += LOOK_WEIGHT * np.clip(look, -MAX_LOOK, MAX_LOOK)
        core = (inside > 0) & (look > 0.2) & (trust > 0.5)
        odds -= STILL_WEIGHT * _moves_with_background(view, window, core)
        soft = (1 / (1 + np.exp(-odds))).astype(np.float32)
        return smooth_to_edges(view.lightness[window], soft), look

    def _look(self, view: View, window: Window, distance: Plane, pose: Pose) -> Plane:
        """Appearance score in the window, of the pixels in reach; -1 elsewhere."""
        rows, columns = (np.arange(side.start // STRIDE, -(-side.stop // STRIDE)) for side in window)
        near = to_features(distance) > -REACH_PX
        indices = rows[:, None] * view.features.shape[1] + columns
        scores = np.full(near.shape, -1, np.float32)
        scores[near] = self._appearance.score(view, indices[near], pose)
        fine = cv2.resize(scores, None, fx=STRIDE, fy=STRIDE, interpolation=cv2.INTER_LINEAR)
        return np.asarray(fine[: distance.shape[0], : distance.shape[1]])


def _window_around(rough: Plane) -> Window | None:
    """The part of the frame that the object can reach, from a whole feature pixel on."""
    inside = (rough > 0.5).astype(np.uint8)
    x, y, width, height = cv2.boundingRect(inside)
    if not width:
        return None
    sides = []
    for start, length, size in ((y, height, rough.shape[0]), (x, width, rough.shape[1])):
        first = max(start - REACH_PX, 0) // STRIDE * STRIDE
        sides.append(slice(first, min(start + length + REACH_PX, size)))
    return sides[0], sides[1]


def _moves_with_background(view: View, window: Window, core: NDArray[np.bool_]) -> Plane:
    """Evidence, 0 or more, that a pixel moves as the background does while the object, `core`, does not."""
    speed = view.speed[window]
    if core.sum() < MIN_CORE:
        return np.zeros_like(speed)
    background = view.usual_speed + STILL_PX
    ratio = max(float(np.median(speed[core])) / background, 1.0)
    distinct = min(np.log(ratio), MAX_DISTINCT)
    return np.asarray(distinct * np.exp(-((speed / background) ** 2) / 2), np.float32)
