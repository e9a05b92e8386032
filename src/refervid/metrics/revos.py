"""ReVOS' accuracy and robustness of one frame (Yan et al. 2024, "VISA"; public repository VISA, file
tools/metrics.py)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_EPSILON = 1e-6
"""Pixels; keeps the quotient finite where a frame has no foreground."""


def pixel_accuracy(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> float:
    """Share of the pixels on which both masks (H, W) agree."""
    return float(np.mean(truth == prediction))


def robustness(
    truth: NDArray[np.bool_], prediction: NDArray[np.bool_], foreground: NDArray[np.bool_]
) -> float:
    """1 less the predicted pixels outside the truth as a share of the foreground, at least 0; masks (H, W).

    The foreground is everything that any sentence of the video means.
    """
    outside = np.count_nonzero(prediction & ~truth)
    return max(1 - outside / (np.count_nonzero(foreground) + _EPSILON), 0.0)
