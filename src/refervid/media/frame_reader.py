"""Random access to the decoded frames of a video file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from refervid.core.errors import EmptyClip
from refervid.media.container import decode_frames, open_video, seek_key_frame
from refervid.media.frame_index import FrameIndex, frame_stamp


class FrameReader:
    """Decodes a file from the nearest key frame on, always one frame ahead of what it gave."""

    def __init__(self, path: Path, index: FrameIndex, max_pixels: int) -> None:
        self._path = path
        self._index = index
        self._max_pixels = max_pixels
        self._open()
        self._next = next(self._frames, None)
        if self._next is None:
            raise EmptyClip(f"{path} has a video stream, but not one of its frames can be decoded")
        self._shown = self._next

    def __del__(self) -> None:
        # libav's buffers are large, and the garbage collector does not see their size.
        self._file.close()

    @property
    def pixel_aspect(self) -> Fraction | None:
        """Width of a pixel over its height, where the file states it."""
        aspect: Fraction | None = self._stream.sample_aspect_ratio
        return aspect

    def read(self, index: int) -> tuple[int, Any]:
        """The frame on show at `index`, with its own position (another where `index` cannot be decoded)."""
        ahead = self._next[0] if self._next else len(self._index)
        if index < self._shown[0] or self._index.key_before(index) > ahead:
            self._seek(index)
        while self._next is not None and self._next[0] <= index:
            self._shown = self._next
            self._next = next(self._frames, None)
        return self._shown

    def _seek(self, index: int) -> None:
        """Start again from a key frame at or before `index`; go farther back where the file misleads."""
        keys = self._index.keys
        for key in keys[1 : np.searchsorted(keys, index, side="right")][::-1]:
            if not seek_key_frame(self._container, self._stream, int(self._index.stamps[key])):
                break
            self._frames = _numbered_frames(self._container, self._stream, self._index)
            # What comes before the first key frame leans on pictures that were not decoded.
            self._next = next((item for item in self._frames if self._index.is_key(item[0])), None)
            if self._next is not None and self._next[0] <= index:
                self._shown = self._next
                return
        self._file.close()
        self._open()
        self._next = next(self._frames, None)
        if self._next is not None:
            self._shown = self._next

    def _open(self) -> None:
        self._file = ExitStack()
        self._container, self._stream = self._file.enter_context(open_video(self._path, self._max_pixels))
        self._frames = _numbered_frames(self._container, self._stream, self._index)


def _numbered_frames(container: Any, stream: Any, index: FrameIndex) -> Iterator[tuple[int, Any]]:
    """Decoded frames from the current position, with their position in the index."""
    if not index.by_stamp:
        yield from enumerate(decode_frames(container, stream))
        return
    for frame in decode_frames(container, stream):
        place = index.place_of(frame_stamp(frame))
        if place is not None:
            yield place, frame
