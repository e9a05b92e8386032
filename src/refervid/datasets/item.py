"""What a data set asks: this reference, on this video, these frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from refervid.core.errors import DatasetError
from refervid.core.types import Frame, Mask, Reference
from refervid.media.audio import SoundSource
from refervid.media.clip import Clip
from refervid.media.folder import read_picture
from refervid.media.opening import open_clip


class Truth(Protocol):
    """The annotation of one item; can be pickled."""

    def at(self, position: int) -> tuple[Mask, Mask | None]:
        """Object and void of a frame, bool (H, W); `position` counts the item's frames from 0.

        Void pixels count neither way; None: there are none. Raises `DatasetError`.
        """
        ...


@dataclass(frozen=True)
class VideoSource:
    """A video of a data set: a file, or pictures in a given order.

    `name` is its folder among the predictions. `fps`: how many of the pictures make a second, where
    known. `sound` is a sound file of its own.
    """

    name: str
    path: Path
    pictures: tuple[Path, ...] = ()
    fps: float = 25.0
    sound: Path | None = None

    def open(self) -> Clip:
        """The clip to segment; raises what `open_clip` raises."""
        if not self.pictures:
            return open_clip(self.path, audio=self.sound)
        return PictureList(self)


class PictureList(Clip):
    """A clip of exactly the listed pictures: a folder may hold frames that the data set leaves out.

    They are taken as stored, because the annotations were made so, whatever EXIF data say of turning.
    """

    as_stored = True

    def __init__(self, source: VideoSource) -> None:
        self.source = source.path
        self.name = source.name
        self.notes = []
        self.files: tuple[Path, ...] = source.pictures
        self.height, self.width = read_picture(source.pictures[0], as_stored=True).shape[:2]
        self.times_s = np.arange(len(source.pictures)) / source.fps
        self.sound = None if source.sound is None else SoundSource(source.sound)

    def frame(self, index: int) -> Frame:
        self._check_index(index)
        picture = read_picture(self.files[index], as_stored=True)
        if picture.shape[:2] != (self.height, self.width):
            size = f"{picture.shape[1]}x{picture.shape[0]}"
            raise DatasetError(
                f"{self.files[index]}: is {size}, the first frame {self.width}x{self.height}; replace it"
            )
        return picture


@dataclass(frozen=True)
class Item:
    """One reference on one video.

    `frames` are the names of the frames that are predicted and scored, and `indices` their places in
    the clip. `truth` is None where the annotations are not public. `category` groups scores.
    """

    dataset: str
    video: VideoSource
    expression_id: str
    reference: Reference
    frames: tuple[str, ...]
    indices: tuple[int, ...]
    truth: Truth | None = None
    category: str = ""

    @property
    def name(self) -> str:
        """Unique in the data set."""
        return f"{self.video.name}/{self.expression_id}"

    def prediction(self, folder: Path, frame: str) -> Path:
        """Where the mask of one frame lies below a folder of predictions."""
        return folder / self.video.name / self.expression_id / f"{frame}.png"
