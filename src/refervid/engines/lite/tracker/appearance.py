"""What an object looks like against its surroundings, learnt while it is tracked.

A kernel classifier of colour at three scales, texture at two, and place relative to the object. Its
equations are kept apart for the pivot, which is certain and never forgotten, and for the frames
since, which fade.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.engines.lite.tracker.kernel import Equations, FourierFeatures
from refervid.engines.lite.tracker.view import IMAGE_FEATURES, STRIDE, Plane, View, to_features

COMPONENTS = 128
COLOUR_WIDTH, IMAGE_WIDTH, PLACE_WIDTH = 1.2, 1.0, 0.6
"""Inverse kernel widths of sharp colour, of blurred colour and texture, and of place."""
RIDGE = 1e-2
PIVOT_SHARE = 0.5
"""Weight of the pivot against all later frames together."""
LEARNING_RATE = 0.05
SAMPLES = 2000


@dataclass(frozen=True)
class Pose:
    """Centre and spread (standard deviations) of an object in analysis pixels."""

    x: float
    y: float
    spread_x: float
    spread_y: float


def pose_of(soft: Plane) -> Pose:
    """Moments of a soft mask that is not empty."""
    rows, columns = soft.sum(axis=1), soft.sum(axis=0)
    ys, xs = np.arange(len(rows)), np.arange(len(columns))
    total = float(soft.sum())
    x, y = float(columns @ xs) / total, float(rows @ ys) / total
    spread_x = float(np.sqrt(columns @ (xs - x) ** 2 / total))
    spread_y = float(np.sqrt(rows @ (ys - y) ** 2 / total))
    return Pose(x, y, spread_x + 2, spread_y + 2)


class Appearance:
    """Learns from soft masks; scores pixels: 1 looks like the object, -1 like its surroundings."""

    def __init__(self, view: View, pivot: Plane) -> None:
        """`colour` (3,) is the object's mean colour on the pivot, in `LAB_UNIT`."""
        share = to_features(pivot)
        self.colour = (view.features[..., :3] * share[..., None]).sum(axis=(0, 1)) / share.sum()
        widths = np.array([COLOUR_WIDTH] * 3 + [IMAGE_WIDTH] * (IMAGE_FEATURES - 3) + [PLACE_WIDTH] * 2)
        self._lift = FourierFeatures(widths, COMPONENTS)
        self._pivot = self._since = self._equations(view, pivot)
        self._weights = self._pivot.solve(RIDGE)

    def learn(self, view: View, soft: Plane) -> None:
        """Take in a frame whose soft mask (h, w) is not empty."""
        self._since = self._since.mixed(self._equations(view, soft), LEARNING_RATE)
        self._weights = self._since.mixed(self._pivot, PIVOT_SHARE).solve(RIDGE)

    def score(self, view: View, chosen: NDArray[np.intp], pose: Pose) -> NDArray[np.float32]:
        """Scores of the pixels `chosen` (flat indices into the grid of `view.features`)."""
        return self._components(view, chosen, pose) @ self._weights

    def _equations(self, view: View, soft: Plane) -> Equations:
        share = to_features(soft)
        chosen = _sample(share > 0.5, view.index)
        target = 2 * share.ravel()[chosen] - 1
        components = self._components(view, chosen, pose_of(soft))
        weights = (np.abs(target) / len(chosen)).astype(np.float32)
        return Equations.of(components, np.sign(target), weights)

    def _components(self, view: View, chosen: NDArray[np.intp], pose: Pose) -> NDArray[np.float32]:
        h, w = view.features.shape[:2]
        ys, xs = np.unravel_index(chosen, (h, w))
        place_x = 2 * np.tanh((xs * STRIDE - pose.x) / (3 * pose.spread_x))
        place_y = 2 * np.tanh((ys * STRIDE - pose.y) / (3 * pose.spread_y))
        image = view.features.reshape(h * w, -1)[chosen]
        return self._lift(np.column_stack([image, place_x, place_y]).astype(np.float32))


def _sample(inside: NDArray[np.bool_], seed: int) -> NDArray[np.intp]:
    """Pixels to learn from: half of the object, half of the rest and there more nearby than far."""
    away = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 3)
    nearby = np.where(inside, 0, 0.1 + np.exp(-away / np.sqrt(inside.sum() + 1)))
    chance = (inside / max(inside.sum(), 1) + nearby / max(nearby.sum(), 1)).ravel()
    random = np.random.default_rng(seed)
    chosen = random.choice(chance.size, min(SAMPLES, chance.size), p=chance / chance.sum())
    return np.asarray(chosen, np.intp)
