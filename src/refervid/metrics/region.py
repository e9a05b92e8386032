"""Region similarity J: intersection over union of masks (DAVIS; Perazzi et al. 2016, section 4)."""

from __future__ import annotations

from collections.abc import Sequence

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


def cropped(masks: Sequence[NDArray[np.bool_]]) -> list[NDArray[np.bool_]]:
    """The part of one frame that any of these bool (H, W) masks holds, with a pixel around it: scores there
    are those of the whole frame."""
    held = masks[0]
    for mask in masks[1:]:
        held = held | mask
    rows = np.flatnonzero(held.any(1))
    if not len(rows):
        return [mask[:1, :1] for mask in masks]
    vertical = slice(max(rows[0] - 1, 0), rows[-1] + 2)
    columns = np.flatnonzero(held[vertical].any(0))
    horizontal = slice(max(columns[0] - 1, 0), columns[-1] + 2)
    return [mask[vertical, horizontal] for mask in masks]


def frame_jaccard(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> float:
    """J of one frame, bool (H, W) both; 1 where both masks are empty."""
    both = np.count_nonzero(truth & prediction)
    union = np.count_nonzero(truth) + np.count_nonzero(prediction) - both
    return both / union if union else 1.0


def jaccard(
    truth: NDArray[np.bool_], prediction: NDArray[np.bool_], void: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """J of every frame, (T,) in 0..1; 1 where both masks are empty.

    `truth`, `prediction` and `void` (pixels that count for neither) are bool (T, H, W).
    """
    truth, prediction = without_void(truth, prediction, void)
    # Frame by frame, because counting along axes is ten times slower.
    pairs = zip(truth, prediction, strict=True)
    return np.array([frame_jaccard(*cropped(pair)) for pair in pairs], np.float64)
