"""One object's masks over a clip, kept run-length encoded so that length costs almost nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from refervid.core.types import Mask, Pivot

_MOST_DIGITS = 7
"""Of a number of 32 bits."""


def encode_mask(mask: Mask) -> bytes:
    """COCO compressed run-length code of a bool (H, W) mask, without its size."""
    return cast(bytes, coco.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"])


def decode_mask(counts: bytes, height: int, width: int) -> Mask:
    """Inverse of `encode_mask`: bool (H, W). Raises ValueError unless the code covers the frame exactly.

    pycocotools leaves memory uninitialised behind a code that is too short, and warns in every call with
    numpy 2, where an interrupt may be lost.
    """
    runs = checked_runs(counts, height, width)
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(width, height).T


def checked_runs(counts: bytes, height: int, width: int) -> NDArray[np.int64]:
    """Lengths of the runs of pixels outside, inside, outside ... down the columns.

    Raises ValueError unless the code covers the frame exactly.
    """
    runs = _run_lengths(counts)
    if not len(runs) or runs.min() < 0 or runs.sum() != height * width:
        raise ValueError(f"the code does not cover {width}x{height} pixels")
    return runs


def _run_lengths(counts: bytes) -> NDArray[np.int64]:
    """As `checked_runs`, of a frame of any size; empty if `counts` is no code.

    Numbers are written in digits of 5 bits, the lowest first; bit 32 says that another digit follows, bit
    16 of the last one is the sign (`rleFrString` of COCO's API).
    """
    digits = np.frombuffer(counts, np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero((digits & 32) == 0)
    sizes = np.diff(ends, prepend=-1)
    is_code = len(ends) and ends[-1] == len(digits) - 1 and sizes.max() <= _MOST_DIGITS
    if not is_code or digits.min() < 0 or digits.max() > 63:
        return np.empty(0, np.int64)
    starts = ends - sizes + 1
    places = np.arange(len(digits)) - np.repeat(starts, sizes)
    runs = np.add.reduceat((digits & 31) << (5 * places), starts)
    runs -= np.where(digits[ends] & 16, 1 << (5 * sizes), 0)
    # From the fourth on, a run is written as the difference from the one before the last.
    for chain in (runs[1::2], runs[2::2]):
        chain[:] = chain.cumsum()
    return runs


class Track:
    """Masks of one object, one per frame of the clip; frames not yet written are empty.

    `presence` is (T,) float32 in 0..1: how sure the tracker is that the object is in the frame. `written` is
    (T,) bool: the frames that were come to, whether or not the object is there.
    `logits`, where they are kept, is (T, h, w) float16 or float32 on a grid of their own that covers the
    whole frame.
    """

    def __init__(self, frames: int, height: int, width: int) -> None:
        self.height = height
        self.width = width
        self._empty = encode_mask(np.zeros((height, width), bool))
        self._counts = [self._empty] * frames
        self.presence: NDArray[np.float32] = np.zeros(frames, np.float32)
        self.written: NDArray[np.bool_] = np.zeros(frames, bool)
        self.logits: NDArray[np.floating] | None = None

    def __len__(self) -> int:
        return len(self._counts)

    def __getitem__(self, index: int) -> Mask:
        return decode_mask(self._counts[index], self.height, self.width)

    def __setitem__(self, index: int, mask: Mask) -> None:
        if mask.shape != (self.height, self.width):
            raise ValueError(f"mask of shape {mask.shape} in a track of {self.height}x{self.width} frames")
        self._counts[index] = encode_mask(mask)
        self.written[index] = True

    def copy(self) -> Track:
        """Another track with the same masks."""
        twin = Track(len(self), self.height, self.width)
        twin._counts = list(self._counts)
        twin.presence = self.presence.copy()
        twin.written = self.written.copy()
        twin.logits = None if self.logits is None else self.logits.copy()
        return twin

    def clear(self, index: int) -> None:
        """As if this frame had not been written."""
        self.leave_empty(index)
        self.written[index] = False

    def leave_empty(self, index: int) -> None:
        """The object is not in this frame."""
        self._counts[index] = self._empty
        self.presence[index] = 0
        self.written[index] = True

    def take(self, other: Track, frames: Iterable[int]) -> None:
        """These frames as they are in `other`."""
        for index in frames:
            self._counts[index] = other._counts[index]
            self.presence[index] = other.presence[index]
            self.written[index] = other.written[index]

    def __iter__(self) -> Iterator[Mask]:
        return (self[index] for index in range(len(self)))

    def rle(self, index: int) -> dict[str, object]:
        """COCO object `{"size": [H, W], "counts": str}` of one frame."""
        return {"size": [self.height, self.width], "counts": self._counts[index].decode("ascii")}

    def put_rle(self, index: int, counts: str) -> None:
        """Store one frame's mask as the COCO counts that `rle` gives."""
        self._counts[index] = counts.encode("ascii")
        self.written[index] = True

    def stack(self) -> NDArray[np.bool_]:
        """All masks, bool (T, H, W): allocates that many bytes."""
        masks = np.zeros((len(self), self.height, self.width), bool)
        for index in range(len(self)):
            masks[index] = self[index]
        return masks

    def areas(self) -> NDArray[np.int64]:
        """(T,) number of pixels per frame."""
        # One by one: given a list, pycocotools 2.0.11 puts the number of masks into a uint8 on its way.
        return np.array([coco.area(mask) for mask in self._objects()], np.int64)

    def boxes_xyxy(self) -> NDArray[np.float32]:
        """(T, 4) tight boxes; NaN where the mask is empty."""
        boxes = np.asarray(coco.toBbox(self._objects()), np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        boxes[self.areas() == 0] = np.nan
        return boxes

    def _objects(self) -> list[dict[str, object]]:
        size = [self.height, self.width]
        return [{"size": size, "counts": counts} for counts in self._counts]


@dataclass(frozen=True, eq=False)
class Underway:
    """What trackers report while they work: `tracks` as they stand, and the `pivots` they start from."""

    tracks: Sequence[Track]
    pivots: Sequence[Sequence[Pivot]]


def union(tracks: Iterable[Track], frames: int, height: int, width: int) -> Track:
    """Frame-by-frame union; presence is the largest. Without tracks: an empty track."""
    total = Track(frames, height, width)
    for track in tracks:
        for index, counts in enumerate(track._counts):
            if counts == track._empty:
                continue
            if total._counts[index] == total._empty:
                total._counts[index] = counts
            else:
                pair = [{"size": [height, width], "counts": c} for c in (total._counts[index], counts)]
                total._counts[index] = coco.merge(pair)["counts"]
        np.maximum(total.presence, track.presence, out=total.presence)
    return total
