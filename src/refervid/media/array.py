"""Frames that are already in memory as a clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import EmptyClip, UnreadableMedia
from refervid.core.types import Frame
from refervid.media.clip import Clip
from refervid.media.limits import check_fps


class ArrayClip(Clip):
    """`frames` (T, H, W, 3) uint8 RGB, upright, shown at `times_s` (T,) seconds or else at i / fps.

    The array is not copied. Raises `UnreadableMedia` for another shape or dtype, or times that do not
    increase; `EmptyClip` for T = 0; `SettingsError` for an `fps` that is no rate.
    """

    def __init__(
        self,
        frames: NDArray[np.uint8],
        times_s: NDArray[np.float64] | None = None,
        *,
        fps: float = 25.0,
        name: str = "array",
    ) -> None:
        if not isinstance(frames, np.ndarray):
            raise UnreadableMedia(f"{frames!r:.60} is no array; give (T, H, W, 3) uint8 RGB")
        if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
            raise UnreadableMedia(
                f"frames of shape {frames.shape} and type {frames.dtype}; give (T, H, W, 3) uint8 RGB"
            )
        if not len(frames):
            raise EmptyClip("the array holds no frames")
        check_fps(fps)
        times = np.arange(len(frames)) / fps if times_s is None else np.asarray(times_s, np.float64)
        if times.shape != (len(frames),) or not (np.diff(times) > 0).all():
            raise UnreadableMedia(f"times_s must be {len(frames)} strictly increasing seconds, one per frame")
        self._frames = frames
        self.source = Path(name)
        self.name = name
        self.height, self.width = frames.shape[1:3]
        self.times_s = times - times[0]
        self.notes = []

    def frame(self, index: int) -> Frame:
        self._check_index(index)
        frame: Frame = self._frames[index].copy()
        return frame
