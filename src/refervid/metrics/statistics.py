"""Mean, recall and decay of a measure over frames (DAVIS; Perazzi et al. 2016, section 4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Statistics:
    """Over the frames of one object.

    `mean`; `recall`: share of frames above one half; `decay`: mean of the first quarter less the last's.
    """

    mean: float
    recall: float
    decay: float


def statistics(values: NDArray[np.float64]) -> Statistics:
    """Statistics of a (T,) series, T >= 1; NaN values are left out of the means, and count as not recalled.

    As `db_statistics` of davis2017-evaluation, where neighbouring quarters share a frame. That one keeps
    frame numbers in unsigned bytes, so that its decay is wrong from 256 frames on; this one is right.
    """
    borders = np.round(np.linspace(1, len(values), 5) + 1e-10).astype(int) - 1
    first, last = values[borders[0] : borders[1] + 1], values[borders[3] : borders[4] + 1]
    return Statistics(_mean(values), float(np.mean(values > 0.5)), _mean(first) - _mean(last))


def _mean(values: NDArray[np.float64]) -> float:
    """Mean without NaN; NaN when nothing is left."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
