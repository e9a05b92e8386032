"""The surest sightings of a track, spread over its time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PIVOTS = 6
"""So many of a track without masks start the tracker."""


def surest(scores: NDArray[np.float32], count: int) -> list[int]:
    """Rows of the best of `scores` (N,), in order of time, in each of `count` equal parts; all of fewer."""
    parts: list[NDArray[np.intp]] = np.array_split(np.arange(len(scores)), min(count, len(scores)))
    return [int(part[scores[part].argmax()]) for part in parts]
