"""An object's region on one frame, found from a rough mark of it: a box, points, or a mask to correct.

As in GrabCut (Rother et al., SIGGRAPH 2004) the region and what tells it from the rest are estimated in
turn; here one kernel classifier of colour and motion against the camera takes the place of two colour
mixtures and the graph cut.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.engines.lite.tracker.edges import smooth_to_edges
from refervid.engines.lite.tracker.kernel import Equations, FourierFeatures
from refervid.engines.lite.tracker.view import LAB_UNIT, Plane, View

COMPONENTS = 150
COLOUR_WIDTH, MOTION_WIDTH = 0.5, 0.6
"""Inverse kernel widths: so wide that the region cannot be learnt by heart."""
RIDGE = 3.0
ROUNDS = 10
CERTAINTY = 2.0
"""Weight of the classifier's log odds."""
SAMPLES = 6000
SURE_ODDS = 8.0
SURE_WEIGHT = 2.0
"""Weight of the pixels that are known to belong, or not to, against all others of their side."""


def find_region(view: View, prior: Plane, sure: NDArray[np.int8]) -> Plane:
    """Soft mask (h, w) in 0..1.

    `prior` (h, w) holds log odds, -inf where the region cannot be; `sure` is 1 on pixels that are
    known to belong to it, -1 on pixels that are known not to, else 0.
    """
    h, w = prior.shape
    components = FourierFeatures(np.array([COLOUR_WIDTH] * 3 + [MOTION_WIDTH] * 2), COMPONENTS)
    lab, motion = view.lab / LAB_UNIT, _motion(view, ~np.isfinite(prior))
    lifted = components(np.dstack([lab, motion]).reshape(h * w, -1).astype(np.float32))
    possible = np.flatnonzero(np.isfinite(prior))
    chosen = _sample(prior)
    forced = np.where(sure == 0, np.where(np.isfinite(prior), 0, -SURE_ODDS), SURE_ODDS * sure).ravel()
    odds = np.where(forced == 0, SURE_ODDS, forced)
    for _ in range(ROUNDS):
        share = 1 / (1 + np.exp(-odds[chosen]))
        weights = share / share.sum(), (1 - share) / (1 - share).sum()
        balance = (weights[0] - weights[1]) / (weights[0] + weights[1])
        equations = Equations.of(lifted[chosen], balance, weights[0] + weights[1])
        for sign in np.unique(sure[sure != 0]):
            shown = lifted[sure.ravel() == sign]
            weight = np.full(len(shown), SURE_WEIGHT / len(shown))
            equations = equations.plus(Equations.of(shown, sign * np.ones(len(shown)), weight))
        coefficients = equations.solve(RIDGE)
        score = np.clip(lifted[possible] @ coefficients, -0.9, 0.9)
        odds[possible] = prior.ravel()[possible] + CERTAINTY * 2 * np.arctanh(score)
        odds = np.where(forced == 0, odds, forced)
    soft = (1 / (1 + np.exp(-odds))).astype(np.float32).reshape(h, w)
    soft = smooth_to_edges(view.lightness, soft)
    soft[~np.isfinite(prior) | (sure < 0)] = 0
    soft[sure > 0] = 1
    return soft


def _motion(view: View, outside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(h, w, 2): motion against the camera in units of the noise outside, long vectors shortened."""
    residual = view.residual
    length = np.linalg.norm(residual, axis=2, keepdims=True)
    noise = 0.5 + (np.median(length[outside]) if outside.any() else 0)
    return np.asarray(residual / np.maximum(length, 1e-6) * np.log1p(length / noise))


def _sample(prior: Plane) -> NDArray[np.intp]:
    """Flat indices of pixels to learn from: half of them possible; of the others more nearby than far."""
    possible = np.isfinite(prior)
    away = cv2.distanceTransform((~possible).astype(np.uint8), cv2.DIST_L2, 3)
    nearby = np.where(possible, 0, 0.2 + (away < np.sqrt(possible.sum()) / 2))
    chance = (possible / max(possible.sum(), 1) + nearby / max(nearby.sum(), 1)).ravel()
    random = np.random.default_rng(0)
    chosen = random.choice(chance.size, min(SAMPLES, chance.size), p=chance / chance.sum())
    return np.asarray(chosen, np.intp)
