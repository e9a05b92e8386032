"""Region similarity J: intersection over union of masks (DAVIS; Perazzi et al. 2016, section 4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def without_void(
    truth: NDArray[np.bool_], prediction: NDArray[np.bool_], void: NDArray[np.bool_] | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Both masks with the void pixels set to background; all of one shape, any number of axes.

    Raises ValueError when the shapes differ.
    """
    shapes = {mask.shape for mask in (truth, prediction, void) if mask is not None}
    if len(shapes) > 1:
        raise ValueError(
            f"masks of different shapes: {sorted(shapes)}; resize the prediction to the truth first"
        )
    if void is None:
        return truth, prediction
    return truth & ~void, prediction & ~void


def frame_jaccard(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> float:
    """J of one frame, bool (H, W) both; 1 where both masks are empty."""
    union = np.count_nonzero(truth | prediction)
    return np.count_nonzero(truth & prediction) / union if union else 1.0


def jaccard(
    truth: NDArray[np.bool_], prediction: NDArray[np.bool_], void: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """J of every frame, (T,) in 0..1; 1 where both masks are empty.

    `truth`, `prediction` and `void` (pixels that count for neither) are bool (T, H, W).
    """
    truth, prediction = without_void(truth, prediction, void)
    # Frame by frame, because counting along axes is ten times slower.
    pairs = zip(truth, prediction, strict=True)
    return np.array([frame_jaccard(t, p) for t, p in pairs], np.float64)
