"""What an object looks like against its surroundings: a kernel classifier learnt while tracking.

Ridge regression on random Fourier features (Rahimi and Recht, NIPS 2007) of colour at three scales,
texture at two and the place relative to the object. Its normal equations are kept apart for the
pivot, which is certain and never forgotten, and for the frames since, which fade.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.engines.trackers.flow.view import IMAGE_FEATURES, STRIDE, Plane, View

COMPONENTS = 200
"""Random Fourier features; twice as many gain less than 0.01 J."""
IMAGE_WIDTH, COLOUR_WIDTH, PLACE_WIDTH = 1.0, 1.2, 0.6
"""Inverse kernel widths of blurred colour and texture, of sharp colour, and of place."""
RIDGE = 1e-2
PIVOT_SHARE = 0.5
"""Weight of the pivot against all later frames together."""
LEARNING_RATE = 0.05
SAMPLES = 3000


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

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        widths = np.array([COLOUR_WIDTH] * 3 + [IMAGE_WIDTH] * (IMAGE_FEATURES - 3) + [PLACE_WIDTH] * 2)
        directions = random.standard_normal((IMAGE_FEATURES + 2, COMPONENTS)) * widths[:, None]
        self._directions = directions.astype(np.float32)
        self._phases = (random.random(COMPONENTS) * 2 * np.pi).astype(np.float32)
        self._pivot: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        self._since: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        self._weights = np.zeros(COMPONENTS, np.float32)

    def learn(self, view: View, soft: Plane) -> None:
        """Take in a frame whose soft mask (h, w) is not empty; the first one is the pivot."""
        h, w = view.features.shape[:2]
        object_ = cv2.resize(soft, (w, h), interpolation=cv2.INTER_AREA).ravel()
        chosen = _sample(object_, (h, w), view.index)
        components = self._components(view, chosen, pose_of(soft))
        sure = np.abs(2 * object_[chosen] - 1)[:, None]
        sign = np.sign(object_[chosen] - 0.5)
        equations = (
            ((sure * components).T @ components / len(chosen)).astype(np.float64),
            ((sure * components).T @ sign / len(chosen)).astype(np.float64),
        )
        if self._pivot is None or self._since is None:
            self._pivot = self._since = equations
        else:
            self._since = (
                (1 - LEARNING_RATE) * self._since[0] + LEARNING_RATE * equations[0],
                (1 - LEARNING_RATE) * self._since[1] + LEARNING_RATE * equations[1],
            )
        products, targets = (
            PIVOT_SHARE * pivot + (1 - PIVOT_SHARE) * since
            for pivot, since in zip(self._pivot, self._since, strict=True)
        )
        ridge = RIDGE / COMPONENTS * np.eye(COMPONENTS)
        self._weights = np.linalg.solve(products + ridge, targets).astype(np.float32)

    def score(self, view: View, chosen: NDArray[np.intp], pose: Pose) -> NDArray[np.float32]:
        """Scores of the pixels `chosen` (flat indices into the grid of `view.features`)."""
        return self._components(view, chosen, pose) @ self._weights

    def _components(self, view: View, chosen: NDArray[np.intp], pose: Pose) -> NDArray[np.float32]:
        h, w = view.features.shape[:2]
        ys, xs = np.unravel_index(chosen, (h, w))
        place_x = 2 * np.tanh((xs * STRIDE - pose.x) / (3 * pose.spread_x))
        place_y = 2 * np.tanh((ys * STRIDE - pose.y) / (3 * pose.spread_y))
        image = view.features.reshape(h * w, -1)[chosen]
        features = np.column_stack([image, place_x, place_y]).astype(np.float32)
        scale = np.float32(np.sqrt(2 / COMPONENTS))
        return scale * np.cos(features @ self._directions + self._phases)


def _sample(object_: Plane, size: tuple[int, int], seed: int) -> NDArray[np.intp]:
    """Pixels to learn from: half of the object, half of the rest and there more nearby than far."""
    inside = object_ > 0.5
    away = cv2.distanceTransform((~inside).astype(np.uint8).reshape(size), cv2.DIST_L2, 3).ravel()
    nearby = np.where(inside, 0, 0.1 + np.exp(-away / np.sqrt(inside.sum() + 1)))
    chance = inside / max(inside.sum(), 1) + nearby / nearby.sum()
    return np.random.default_rng(seed).choice(len(chance), min(SAMPLES, len(chance)), p=chance / chance.sum())
