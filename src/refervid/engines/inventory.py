"""What a finder says is in a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from refervid.core.boxes import SAME_OBJECT, box_iou
from refervid.core.track import Track
from refervid.core.types import Candidate


@dataclass(frozen=True, eq=False)
class ObjectTrack:
    """One thing over the clip: on which N frames it was seen, and what it may be.

    `frame_indices` (N,) int64, increasing; `boxes_xyxy` (N, 4) float32 in pixels of the displayed frame;
    `scores` (N,) float32, how surely it is a thing at all; `names` nouns with probabilities, likeliest first
    (they do not exclude each other); `colours` (22,) float32: shares of the eleven colour terms in its upper
    and its lower half, summing to 1, or all 0 where nobody measured them. `masks` are those of the whole
    clip, where the finder segments.
    """

    number: int
    frame_indices: NDArray[np.int64]
    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    names: Mapping[str, float]
    colours: NDArray[np.float32] = field(default_factory=lambda: np.zeros(22, np.float32))
    masks: Track | None = None

    @property
    def sureness(self) -> float:
        """To compare tracks by: how surely it is a thing, the more the oftener it was seen."""
        often: float = len(self.scores) ** 0.5
        return float(self.scores.mean()) * often

    def box_at(self, frame_index: int) -> NDArray[np.float32] | None:
        """(4,) where it is on a frame, between sightings by interpolation; None before and after them."""
        frames = self.frame_indices
        if not frames[0] <= frame_index <= frames[-1]:
            return None
        return np.array([np.interp(frame_index, frames, side) for side in self.boxes_xyxy.T], np.float32)

    def candidate_at(self, frame_index: int) -> Candidate | None:
        """The same as a candidate, with its mask where there are masks."""
        box, mask = self.box_at(frame_index), None
        if self.masks is not None:
            mask = self.masks[frame_index]
            box = box if mask.any() else None
        score = float(self.scores.mean())
        return None if box is None else Candidate(box, score, next(iter(self.names), ""), mask)


@dataclass(frozen=True)
class Inventory:
    """What is in a clip, by the time of its first sighting; `frame_indices` are the frames looked at."""

    tracks: Sequence[ObjectTrack]
    frame_indices: Sequence[int]
    notes: Sequence[str] = ()


def tracks_at(tracks: Sequence[ObjectTrack], frame_index: int) -> list[tuple[ObjectTrack, Candidate]]:
    """Those that are on a frame, and where."""
    return [(track, mark) for track in tracks if (mark := track.candidate_at(frame_index)) is not None]


def covering(
    there: Sequence[tuple[ObjectTrack, Candidate]], box_xyxy: NDArray[np.float32]
) -> list[ObjectTrack]:
    """Of the tracks on a frame (`tracks_at`) those that hold the object in a box (4,), the nearest first."""
    shares = [(box_iou(box_xyxy, mark.box_xyxy), track) for track, mark in there]
    shares.sort(key=lambda pair: -pair[0])
    return [track for share, track in shares if share >= SAME_OBJECT]
