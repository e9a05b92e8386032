"""The clip: a video or a folder of frames, readable again and at random without holding its frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from refervid.types import Frame, Waveform


class Clip:
    """A decoded video.

    `times_s` (T,) float64, strictly increasing, first 0; `height`, `width` of the displayed frame;
    `notes` in plain words: rotation applied, sizes changed, decoded less than promised, ...;
    `complete` is False when the file ended before the time its header promises.
    """

    source: Path
    name: str
    height: int
    width: int
    times_s: NDArray[np.float64]
    notes: list[str]
    complete: bool

    def __len__(self) -> int:
        """Number of frames T."""
        raise NotImplementedError

    def frame(self, index: int) -> Frame:
        """One frame; neighbours are cheap, far ones cost a seek."""
        raise NotImplementedError

    def frames(self, indices: Sequence[int] | None = None) -> Iterator[tuple[int, Frame]]:
        """`(index, frame)` in increasing order for all frames, or those named; decodes as a stream."""
        raise NotImplementedError

    @property
    def has_audio(self) -> bool:
        raise NotImplementedError

    def waveform(self, sample_rate: int = 16_000) -> Waveform:
        """The clip's sound as mono. Raises `NoAudioStream`."""
        raise NotImplementedError


def open_clip(
    path: str | Path, *, audio: str | Path | None = None, strict: bool = False, max_pixels: int | None = None
) -> Clip:
    """Open a video file or a folder of frames."""
    raise NotImplementedError
