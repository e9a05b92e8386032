"""One object on its way through the clip in one direction."""

from __future__ import annotations

import cv2
import numpy as np

from refervid.engines.trackers.flow.appearance import Appearance, pose_of
from refervid.engines.trackers.flow.edges import smooth_to_edges
from refervid.engines.trackers.flow.search import Search
from refervid.engines.trackers.flow.view import Plane, View

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


class Carrier:
    """Starts on a pivot's view and soft mask (h, w); `step` it from frame to neighbouring frame."""

    def __init__(self, view: View, soft: Plane) -> None:
        self._soft = soft
        self._appearance = Appearance(view, soft)
        self._usual_area = float((soft > 0.5).sum())
        self._search: Search | None = None

    def lose(self) -> None:
        """The object is known to be away on the present frame."""
        self._search = self._search or Search(self._soft, self._usual_area)

    def step(self, view: View) -> tuple[Plane, float]:
        """Move on to `view`: soft mask (h, w), empty while the object is lost, and presence in 0..1."""
        if view.after_cut:
            self._search = Search(self._soft, self._usual_area, anywhere=True)
        if self._search is None:
            carried = cv2.remap(self._soft, *view.origin, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        else:
            found = self._search.step(view, self._appearance)
            if found is None:
                return np.zeros_like(self._soft), 0.0
            carried, self._search = found, None
        soft, look = self._decide(view, np.asarray(carried))
        area = float((soft > 0.5).sum())
        if area < max(LOST_SHARE * self._usual_area, 1):
            self.lose()
            return np.zeros_like(self._soft), 0.0
        self._soft = soft
        if area > LEARN_SHARE * self._usual_area:
            self._appearance.learn(view, soft)
        self._usual_area += AREA_RATE * (area - self._usual_area)
        return soft, float(np.clip(look[soft > 0.5], 0, 1).mean())

    def _decide(self, view: View, carried: Plane) -> tuple[Plane, Plane]:
        """New soft mask and appearance score (h, w) from all evidence."""
        inside = (carried > 0.5).astype(np.uint8)
        if not inside.any():
            return np.zeros_like(carried), np.zeros_like(carried)
        distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
        distance -= cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
        odds = np.clip(distance / OUTLINE_PX, -MAX_OUTLINE_ODDS, MAX_OUTLINE_ODDS)
        odds = np.where(odds > 0, view.trust * odds + (1 - view.trust) * REVEALED_ODDS, odds)
        look = self._look(view, carried, distance)
        odds += LOOK_WEIGHT * np.clip(look, -MAX_LOOK, MAX_LOOK)
        odds -= STILL_WEIGHT * _moves_with_background(view, carried, look)
        return smooth_to_edges(view.lightness, (1 / (1 + np.exp(-odds))).astype(np.float32)), look

    def _look(self, view: View, carried: Plane, distance: Plane) -> Plane:
        """Appearance score (h, w) of the pixels in reach; -1 elsewhere."""
        h, w = view.features.shape[:2]
        scores = np.full((h, w), -1, np.float32)
        chosen = np.flatnonzero(cv2.resize(distance, (w, h), interpolation=cv2.INTER_AREA) > -REACH_PX)
        scores.ravel()[chosen] = self._appearance.score(view, chosen, pose_of(carried))
        return np.asarray(cv2.resize(scores, distance.shape[::-1], interpolation=cv2.INTER_LINEAR))


def _moves_with_background(view: View, carried: Plane, look: Plane) -> Plane:
    """Evidence (h, w), 0 or more, that a pixel moves as the background does while the object does not."""
    core = (carried > 0.5) & (look > 0.2) & (view.trust > 0.5)
    if core.sum() < 20:
        return np.zeros_like(look)
    background = np.median(view.speed[carried < 0.5]) + STILL_PX
    distinct = np.clip(np.log(np.median(view.speed[core]) / background), 0, 2)
    return np.asarray(distinct * np.exp(-((view.speed / background) ** 2) / 2), np.float32)
