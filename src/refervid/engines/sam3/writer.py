"""Tracks from what the network says frame by frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from refervid.core.track import Track


@dataclass(frozen=True)
class _Said:
    """Of one frame: logits (h, w) and how surely each object is there, by the objects' ids."""

    index: int
    logits: Mapping[int, Tensor]
    scores: Mapping[int, float]
    hidden: frozenset[int]


class TrackWriter:
    """Frames wait for `delay` more: an object that turns out to be none within that time was never there, and
    takes no pixels from others. As `postprocess_outputs` of `Sam3VideoProcessor`.
    """

    def __init__(self, frames: int, height: int, width: int, delay: int) -> None:
        self.tracks: dict[int, Track] = {}
        self._size = frames, height, width
        self._delay = delay
        self._waiting: deque[_Said] = deque()
        self._removed: set[int] = set()

    def add(self, said: Any, concepts: Mapping[int, int]) -> None:
        """What `Sam3VideoModel` says of one frame; `concepts` by object."""
        logits = {number: mask[0].cpu() for number, mask in said.obj_id_to_mask.items()}
        scores = {number: float(said.obj_id_to_tracker_score.get(number, 0.0)) for number in logits}
        self._waiting.append(_Said(said.frame_idx, logits, scores, frozenset(said.suppressed_obj_ids)))
        self._removed |= said.removed_obj_ids
        if len(self._waiting) >= max(self._delay, 1):
            self._write(self._waiting.popleft(), concepts)

    def finish(self, concepts: Mapping[int, int]) -> dict[int, Track]:
        """Everything by object, without objects that were removed or never seen."""
        while self._waiting:
            self._write(self._waiting.popleft(), concepts)
        return {number: track for number, track in self.tracks.items() if number not in self._removed}

    def _write(self, said: _Said, concepts: Mapping[int, int]) -> None:
        frames, height, width = self._size
        numbers = [one for one in sorted(said.logits) if one not in said.hidden and one not in self._removed]
        if not numbers:
            return
        logits = torch.stack([said.logits[number] for number in numbers]).float()
        full = F.interpolate(logits[:, None], (height, width), mode="bilinear")[:, 0] > 0
        groups: dict[int, list[int]] = {}
        for row, number in enumerate(numbers):
            groups.setdefault(concepts[number], []).append(row)
        scores = [said.scores[number] for number in numbers]
        masks = full.numpy()
        for rows in groups.values():
            _take_apart(masks, rows, scores)
        for row, number in enumerate(numbers):
            if masks[row].any():
                track = self.tracks.setdefault(number, Track(frames, height, width))
                track[said.index] = masks[row]
                track.presence[said.index] = scores[row]


def _take_apart(
    masks: np.ndarray[Any, np.dtype[np.bool_]], rows: Sequence[int], scores: Sequence[float]
) -> None:
    """A pixel belongs to the surest of the objects of one concept, of equals to the first."""
    taken = np.zeros(masks.shape[1:], bool)
    for row in sorted(rows, key=lambda one: -scores[one]):
        masks[row] &= ~taken
        taken |= masks[row]
