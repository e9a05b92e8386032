"""One object's masks over a clip, kept run-length encoded so that length costs almost nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from refervid.core.rle import decode_mask, encode_mask
from refervid.core.types import Mask, Pivot


class Track:
    """Masks of one object, one per frame of the clip; frames not yet written are empty.

    `presence` is (T,) float32 in 0..1: how sure the tracker is that the object is in the frame. `written` is
    (T,) bool: the frames that were come to, whether or not the object is there.
    `logits`, where they are kept, is (T, h, w) float16 or float32 on a grid of their own that covers the
    whole frame.

    >>> track = refervid.Track(2, 4, 6)
    >>> track[0] = np.ones((4, 6), bool)
    >>> track.areas().tolist()
    [24, 0]
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


class Masked:
    """What has a `track`, seen as arrays."""

    track: Track

    @property
    def masks(self) -> NDArray[np.bool_]:
        """All masks, bool (T, H, W), decoded anew at each call; `track[i]` decodes one."""
        return self.track.stack()

    @property
    def boxes_xyxy(self) -> NDArray[np.float32]:
        """(T, 4) tight boxes in pixels of the displayed frame; NaN where the mask is empty."""
        return self.track.boxes_xyxy()

    @property
    def areas(self) -> NDArray[np.int64]:
        """(T,) mask pixels per frame."""
        return self.track.areas()


@dataclass(frozen=True, eq=False)
class Underway:
    """What trackers report while they work: `tracks` as they stand, and the `pivots` they start from."""

    tracks: Sequence[Track]
    pivots: Sequence[Sequence[Pivot]]


def union(tracks: Iterable[Track], frames: int, height: int, width: int) -> Track:
    """Frame-by-frame union; presence is the largest, and what one of them has written is. Without tracks: an
    empty track.
    """
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
        total.written |= track.written
    return total
