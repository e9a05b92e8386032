"""The surest sightings of a track, spread over its time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Pivot
from refervid.engines.inventory import ObjectTrack

PIVOTS = 6
"""So many of a track without masks start the tracker."""


def surest(scores: NDArray[np.float32], count: int) -> list[int]:
    """Rows of the best of `scores` (N,), in order of time, in each of `count` equal parts; all of fewer."""
    parts: list[NDArray[np.intp]] = np.array_split(np.arange(len(scores)), min(count, len(scores)))
    return [int(part[scores[part].argmax()]) for part in parts]


def surest_pivots(tracks: Sequence[ObjectTrack]) -> list[Pivot]:
    """What starts the tracker on a thing that was seen as one track, or as several one after the other: its
    surest sighting in each of `PIVOTS` equal parts, in order of time.
    """
    frames = np.concatenate([track.frame_indices for track in tracks])
    boxes = np.concatenate([track.boxes_xyxy for track in tracks])
    scores = np.concatenate([track.scores for track in tracks])
    order = np.argsort(frames, kind="stable")
    return [Pivot(int(frames[row]), boxes[row]) for row in order[surest(scores[order], PIVOTS)]]
