"""Edge-aware smoothing."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.engines.lite.tracker.view import Plane

RADIUS_PX = 4
EDGE_VARIANCE = 1e-3
"""Variance of lightness (0..1) from which on a difference counts as an edge."""


def smooth_to_edges(guide: Plane, values: Plane) -> Plane:
    """Guided filter (He et al., ECCV 2010): smooths `values` in 0..1 up to the edges of `guide` in 0..1."""

    def mean(plane: NDArray[np.floating]) -> Plane:
        size = 2 * RADIUS_PX + 1
        return np.asarray(cv2.blur(plane, (size, size)), np.float32)

    mean_guide, mean_values = mean(guide), mean(values)
    covariance = mean(guide * values) - mean_guide * mean_values
    variance = mean(guide * guide) - mean_guide * mean_guide
    slope = covariance / (variance + np.float32(EDGE_VARIANCE))
    smoothed = mean(slope) * guide + mean(mean_values - slope * mean_guide)
    return np.asarray(np.clip(smoothed, 0, 1), np.float32)
