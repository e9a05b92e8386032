"""One object on its way through the clip in one direction."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from refervid.engines.trackers.flow.view import Plane, View
from refervid.types import Mask

BINS = (12, 16, 16)
BAND_PX = 6.0
GUIDE_RADIUS = 4
GUIDE_EPSILON = 1e-3
FORGET = 0.1


class Carrier:
    def __init__(self, view: View, mask: Mask) -> None:
        self._soft = mask.astype(np.float32)
        self._pivot = _histograms(view, self._soft)
        self._recent = self._pivot

    def step(self, view: View) -> tuple[Plane, float]:
        """Move on to `view`: soft mask (h, w) in 0..1 and presence in 0..1."""
        carried = cv2.remap(self._soft, *view.origin, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        inside = (carried > 0.5).astype(np.uint8)
        if not inside.any():
            self._soft = np.zeros_like(carried)
            return self._soft, 0.0
        distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
        distance -= cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
        colour = self._colour(view)
        evidence = 2 * distance / BAND_PX + np.log(colour / (1 - colour))
        soft = 1 / (1 + np.exp(-np.clip(evidence, -20, 20)))
        self._soft = np.clip(_guided(view.grey, soft.astype(np.float32)), 0, 1)
        self._recent = (1 - FORGET) * self._recent + FORGET * _histograms(view, self._soft)
        return self._soft, float(colour[self._soft > 0.5].mean()) if (self._soft > 0.5).any() else 0.0

    def _colour(self, view: View) -> Plane:
        counts = self._pivot + self._recent
        object_, rest = counts / counts.sum(axis=1, keepdims=True) + 1e-5
        return np.clip(object_ / (object_ + rest), 0.02, 0.98)[_bins(view)].astype(np.float32)


def _bins(view: View) -> NDArray[np.int32]:
    lightness, a, b = (view.lab[..., k].astype(np.int32) * BINS[k] >> 8 for k in range(3))
    return (lightness * BINS[1] + a) * BINS[2] + b


def _histograms(view: View, soft: Plane) -> NDArray[np.float32]:
    """(2, bins): object and rest."""
    bins = _bins(view).ravel()
    both = [np.bincount(bins, part.ravel(), np.prod(BINS)).reshape(BINS) for part in (soft, 1 - soft)]
    return np.stack([gaussian_filter(one, 1, mode="constant").ravel() for one in both]).astype(np.float32)


def _guided(guide: Plane, values: Plane) -> Plane:
    """Guided filter (He et al., ECCV 2010)."""

    def mean(plane: Plane) -> Plane:
        return cv2.blur(plane, (2 * GUIDE_RADIUS + 1, 2 * GUIDE_RADIUS + 1))

    mean_guide, mean_values = mean(guide), mean(values)
    slope = (mean(guide * values) - mean_guide * mean_values) / (
        mean(guide * guide) - mean_guide**2 + GUIDE_EPSILON
    )
    return mean(slope) * guide + mean(mean_values - slope * mean_guide)
