"""The clip: a video or a folder of frames, readable again and at random without holding its frames."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.digests import Digests
from refervid.core.errors import MediaNotFound, NoAudioStream
from refervid.core.types import Frame, Waveform
from refervid.media.audio import SoundSource, read_waveform


class Clip(ABC):
    """A decoded video.

    `times_s` (T,) float64, strictly increasing, first 0; `height`, `width` of the displayed frame;
    `notes` in plain words: rotation applied, sizes changed, decoded less than promised, ...;
    `complete` is False when the file ended before the time its header promises; `start_s` is where the first
    frame lies in what the clip is a part of;
    `sound` is where its sound can be read, or None; `files` are those that its frames are read from, none
    where they are in memory, and `as_stored` whether they are shown without the turn that their EXIF data
    ask for; `reading` is what `open_clip` was given besides its source, ready for JSON, or None for a clip
    that was made otherwise.

    >>> len(clip), clip.height, clip.width
    (12, 96, 144)
    >>> clip.frame(0).shape
    (96, 144, 3)
    """

    source: Path
    name: str
    height: int
    width: int
    times_s: NDArray[np.float64]
    notes: list[str]
    complete: bool = True
    start_s: float = 0.0
    sound: SoundSource | None = None
    files: Sequence[Path] = ()
    as_stored: bool = False
    reading: Mapping[str, Any] | None = None

    def __len__(self) -> int:
        """Number of frames T."""
        return len(self.times_s)

    @abstractmethod
    def frame(self, index: int) -> Frame:
        """One frame, the caller's own to change; neighbours are cheap, far ones cost a seek."""

    def origin(self, index: int) -> tuple[Clip, int]:
        """The clip that a frame is taken from, where this is a part of it, and its number there."""
        return self, index

    def frame_name(self, index: int) -> str:
        """What files about a frame are called, without suffix: its number, or the name of its picture."""
        return f"{index:05d}"

    def frames(self, indices: Sequence[int] | None = None) -> Iterator[tuple[int, Frame]]:
        """`(index, frame)` in increasing order for all frames, or those named; decodes as a stream."""
        for index in range(len(self)) if indices is None else sorted(set(indices)):
            yield index, self.frame(index)

    @property
    def has_audio(self) -> bool:
        """Whether it has sound, its own or one that was given."""
        return self.sound is not None

    def waveform(self, sample_rate: int = 16_000) -> Waveform:
        """The clip's sound as mono, from the first frame on. Raises `NoAudioStream`."""
        if self.sound is None:
            raise NoAudioStream(f"{self.source} has no sound: give a sound file, as `audio` (--audio)")
        waveform, notes = read_waveform(self.sound.path, sample_rate, from_s=self.sound.clip_start_s)
        for note in notes:
            self._note(note)
        return replace(waveform, name=self.name)

    def _fitted(self, picture: Frame) -> Frame:
        """`picture` at the clip's size."""
        if picture.shape[:2] == (self.height, self.width):
            return picture
        self._note(f"pictures of other sizes were scaled to {self.width}x{self.height}")
        scaled: Frame = cv2.resize(picture, (self.width, self.height), interpolation=cv2.INTER_AREA)
        return scaled

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _check_index(self, index: int) -> None:
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of a clip of {len(self)} frames")


def clip_digest(clip: Clip, digests: Digests) -> str:
    """Of the frames and their times: equal for the same part of the same content, wherever it lies.

    What is in no file counts by its pixels. Raises `MediaNotFound` for a file that is gone.
    """
    shown = [clip.height, clip.width, clip.as_stored, clip.start_s, clip.times_s.tolist()]
    if not clip.files:
        return digests.of([*shown, *(hashlib.sha256(frame.tobytes()).digest() for _, frame in clip.frames())])
    try:
        return digests.of([*shown, *clip.files])
    except OSError as error:
        raise MediaNotFound(f"{clip.source} can no longer be read ({error}): put it back") from error


def read_frames(clip: Clip, indices: Sequence[int]) -> NDArray[np.uint8]:
    """(len(indices), H, W, 3); indices may repeat, and are then read once."""
    by_index = dict(clip.frames(indices))
    return np.stack([by_index[index] for index in indices])
