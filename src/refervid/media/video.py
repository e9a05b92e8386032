"""A video file as a clip."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from refervid.errors import EmptyClip, TruncatedMedia
from refervid.media.audio import SoundSource, has_sound
from refervid.media.clip import Clip
from refervid.media.container import decode_frames, open_container
from refervid.media.index import FrameIndex, build_index, frame_stamp, video_stream
from refervid.media.limits import DEFAULT_MAX_PIXELS, check_size
from refervid.media.picture_format import DisplayFormat
from refervid.types import Frame

CACHED_FRAMES = 24


class VideoClip(Clip):
    """Any video file that libav can decode.

    A frame in the middle that turns out to be undecodable is replaced by the one before it, as a
    player would show it, and a note says so: T and the times never change after opening.
    """

    def __init__(
        self, path: str | Path, *, strict: bool = False, max_pixels: int = DEFAULT_MAX_PIXELS
    ) -> None:
        self.source = Path(path)
        self.name = self.source.stem
        self._index = build_index(self.source, max_pixels)
        self.times_s = self._index.times_s
        self.notes = list(self._index.notes)
        self._reader = FrameReader(self.source, self._index)
        _, first = self._reader.read(0)
        self._format = DisplayFormat.of(first, self._reader.pixel_aspect)
        self.notes += self._format.notes
        self.width, self.height = self._format.display_size
        check_size(self.source, self.width, self.height, len(self), max_pixels)
        if has_sound(self.source):
            self.sound = SoundSource(self.source, self._index.start_s)
        self._cache: OrderedDict[int, Frame] = OrderedDict()
        self._asked = 0
        self._check_complete(strict)

    def frame(self, index: int) -> Frame:
        self._check_index(index)
        if index not in self._cache:
            # Someone who walks backwards will want the frames that are passed on the way here.
            first = max(0, index - CACHED_FRAMES + 1) if index < self._asked else index
            for passed in range(first, index + 1):
                self._cache[passed] = self._decode(self._reader, passed)
                self._cache.move_to_end(passed)
            while len(self._cache) > CACHED_FRAMES:
                self._cache.popitem(last=False)
        self._asked = index
        return self._cache[index].copy()

    def frames(self, indices: Sequence[int] | None = None) -> Iterator[tuple[int, Frame]]:
        reader = FrameReader(self.source, self._index)
        for index in range(len(self)) if indices is None else sorted(set(indices)):
            self._check_index(index)
            yield index, self._decode(reader, index)

    def _decode(self, reader: FrameReader, index: int) -> Frame:
        found, frame = reader.read(index)
        if found != index:
            self._note("some frames could not be decoded; the frame before stands in for each")
        if (frame.width, frame.height) != self._format.stored_size:
            self._note(
                f"the picture size changes in the file; all frames are scaled to {self.width}x{self.height}"
            )
        return self._format.convert(frame)

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _check_complete(self, strict: bool) -> None:
        promised_s = self._index.promised_s
        if promised_s is None:
            return
        self.complete = False
        message = f"decoded {self._index.decoded_s:.1f} s of {promised_s:.1f} s"
        if strict:
            raise TruncatedMedia(
                f"{self.source} ends early: {message}; leave out `--strict` to use what is there"
            )
        self.notes.append(f"{message}: the file ends early")


class FrameReader:
    """Decodes a file from the nearest key frame on, always one frame ahead of what it gave."""

    def __init__(self, path: Path, index: FrameIndex) -> None:
        self._path = path
        self._index = index
        self._rewind()
        self._next = next(self._frames, None)
        if self._next is None:
            raise EmptyClip(f"{path} has a video stream, but not one of its frames can be decoded")
        self._shown = self._next

    @property
    def pixel_aspect(self) -> Fraction | None:
        """Width of a pixel over its height, where the file states it."""
        aspect: Fraction | None = self._stream.sample_aspect_ratio
        return aspect

    def read(self, index: int) -> tuple[int, Any]:
        """The frame on show at `index`, with its own position (lower where `index` cannot be decoded)."""
        ahead = self._next[0] if self._next else len(self._index)
        if index < self._shown[0] or self._key_before(index) > ahead:
            self._seek(index)
        while self._next is not None and self._next[0] <= index:
            self._shown = self._next
            self._next = next(self._frames, None)
        return self._shown

    def _seek(self, index: int) -> None:
        """Start again from a key frame at or before `index`; go farther back where the file misleads."""
        keys = self._index.keys
        place = int(np.searchsorted(keys, index, side="right")) - 1
        while place > 0:
            self._container.seek(int(self._index.stamps[keys[place]]), stream=self._stream)
            self._frames = self._numbered()
            # What comes before the first key frame leans on pictures that were not decoded.
            self._next = next((item for item in self._frames if self._is_key(item[0])), None)
            if self._next is not None and self._next[0] <= index:
                self._shown = self._next
                return
            place -= 1
        self._rewind()
        self._next = next(self._frames, None)
        if self._next is not None:
            self._shown = self._next

    def _rewind(self) -> None:
        self._container = open_container(self._path)
        self._stream = video_stream(self._container)
        self._frames = self._numbered()

    def _numbered(self) -> Iterator[tuple[int, Any]]:
        """Decoded frames with their position in the index."""
        if not self._index.by_stamp:
            yield from enumerate(decode_frames(self._container, self._stream))
            return
        stamps = self._index.stamps
        for frame in decode_frames(self._container, self._stream):
            stamp = frame_stamp(frame)
            place = len(stamps) if stamp is None else int(np.searchsorted(stamps, stamp))
            if place < len(stamps) and stamps[place] == stamp:
                yield place, frame

    def _key_before(self, index: int) -> int:
        keys = self._index.keys
        return int(keys[np.searchsorted(keys, index, side="right") - 1])

    def _is_key(self, index: int) -> bool:
        return self._key_before(index) == index
