"""Long-RVOS' measures of when an answer is there (Liang et al. 2025; public repository Long_RVOS, folder
eval/eval_long_rvos)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def temporal_and_video_iou(
    j: NDArray[np.float64], true: NDArray[np.bool_], predicted: NDArray[np.bool_]
) -> tuple[float, float]:
    """tIoU and vIoU of one sentence from J (T,) and where truth and prediction hold anything, both (T,).

    tIoU compares the two sets of frames. vIoU sums J over the frames that both hold and divides by how many
    either does. Both are 1 where there is no such frame.
    """
    both, either = true & predicted, np.count_nonzero(true | predicted)
    if not either:
        return 1.0, 1.0
    return np.count_nonzero(both) / either, float(j[both].sum()) / either
