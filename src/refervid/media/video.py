"""A video file as a clip."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock

from refervid.core.errors import TruncatedMedia
from refervid.core.types import Frame
from refervid.media.audio import SoundSource, has_sound
from refervid.media.clip import Clip
from refervid.media.frame_index import build_index
from refervid.media.frame_reader import FrameReader
from refervid.media.limits import DEFAULT_MAX_PIXELS, check_size
from refervid.media.picture_format import DisplayFormat

CACHE_BYTES = 64 * 2**20
"""Room for a second or two of frames: 53 of 854x480, 10 of 1920x1080."""


class VideoClip(Clip):
    """Any video file that libav can decode.

    A frame that turns out to be undecodable after opening is replaced by the one before it, as a
    player would show it, and a note says so: T and the times never change.
    """

    def __init__(
        self, path: str | Path, *, strict: bool = False, max_pixels: int = DEFAULT_MAX_PIXELS
    ) -> None:
        self.source = Path(path)
        self.files = (self.source,)
        self.name = self.source.stem
        self._index = build_index(self.source, max_pixels)
        self.times_s = self._index.times_s
        self.notes = list(self._index.notes)
        self.complete = self._index.promised_s is None
        if strict and not self.complete:
            raise TruncatedMedia(f"{path}: {self.notes[-1]}; without `--strict` what is there is used")
        self._max_pixels = max_pixels
        self._reader = FrameReader(self.source, self._index, max_pixels)
        _, first = self._reader.read(0)
        self._format = DisplayFormat.of(first, self._reader.pixel_aspect)
        self.notes += self._format.notes
        self.width, self.height = self._format.display_size
        check_size(self.source, self.width, self.height, len(self), max_pixels)
        if has_sound(self.source):
            self.sound = SoundSource(self.source, self._index.start_s)
        self._cache: OrderedDict[int, Frame] = OrderedDict()
        self._lock = Lock()  # questions about a clip are asked in parallel, and a decoder does not stand that
        self._asked = 0
        self._cached_frames = max(1, CACHE_BYTES // (3 * self.width * self.height))

    def frame(self, index: int) -> Frame:
        self._check_index(index)
        with self._lock:
            if index not in self._cache:
                self._fill_cache(index)
            self._asked = index
            return self._cache[index].copy()

    def _fill_cache(self, index: int) -> None:
        # Someone who walks backwards will want the frames that are passed on the way here.
        first = max(0, index - self._cached_frames + 1) if index < self._asked else index
        for passed in range(first, index + 1):
            self._cache[passed] = self._decode(self._reader, passed)
            self._cache.move_to_end(passed)
        while len(self._cache) > self._cached_frames:
            self._cache.popitem(last=False)

    def frames(self, indices: Sequence[int] | None = None) -> Iterator[tuple[int, Frame]]:
        reader = FrameReader(self.source, self._index, self._max_pixels)
        for index in range(len(self)) if indices is None else sorted(set(indices)):
            self._check_index(index)
            yield index, self._decode(reader, index)

    def _decode(self, reader: FrameReader, index: int) -> Frame:
        found, frame = reader.read(index)
        if found != index:
            self._note("some frames could not be decoded: the frame before stands in for each")
        if (frame.width, frame.height) != self._format.stored_size:
            self._note(f"the picture size changes: all frames are scaled to {self.width}x{self.height}")
        return self._format.convert(frame)
