"""Decoder answers as tracks, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from refervid.engines.trackers.sam2.network import Decoded
from refervid.engines.trackers.sam2.pixels import at_video_size
from refervid.track import Track
from refervid.types import Mask


def masks_of(decoded: Decoded, height: int, width: int) -> list[Mask]:
    """Bool (height, width) masks: logits at video size above 0."""
    return list((at_video_size(decoded.logits, height, width) > 0).cpu().numpy())


def presence_of(decoded: Decoded) -> list[float]:
    """How sure the decoder is that each object is in the frame, 0..1."""
    presence: list[float] = decoded.scores.sigmoid().tolist()
    return presence


class TrackWriter:
    """Tracks that fill up in any order of frames; with `keep_logits` the decoder's logits too."""

    def __init__(self, count: int, frames: int, height: int, width: int, *, keep_logits: bool) -> None:
        self.tracks = [Track(frames, height, width) for _ in range(count)]
        self._size = height, width
        self._keep_logits = keep_logits

    def write(self, index: int, rows: Sequence[int], decoded: Decoded) -> None:
        """What came out for the objects `rows` on frame `index`."""
        masks, presence = masks_of(decoded, *self._size), presence_of(decoded)
        for row, mask, present in zip(rows, masks, presence, strict=True):
            self.tracks[row][index] = mask
            self.tracks[row].presence[index] = present
        if self._keep_logits:
            logits = decoded.logits.to(torch.float16).cpu().numpy()
            for row, plane in zip(rows, logits, strict=True):
                self._logits(row, plane.shape)[index] = plane

    def _logits(self, row: int, shape: tuple[int, ...]) -> NDArray[np.float16]:
        track = self.tracks[row]
        if track.logits is None:
            track.logits = np.zeros((len(track), *shape), np.float16)
        return track.logits
