"""Pictures one after the other as a clip: arrays, PIL images and paths, from a list or a generator."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from refervid.core.errors import EmptyClip, UnreadableMedia
from refervid.core.types import Frame
from refervid.media.clip import Clip
from refervid.media.folder import USUAL_FPS, read_picture
from refervid.media.limits import DEFAULT_MAX_PIXELS, check_fps, check_size

Picture = NDArray[np.uint8] | Image.Image | str | os.PathLike[str]
"""uint8 (H, W, 3) RGB, (H, W, 4) RGBA or (H, W) grey; a PIL image; the path of a JPEG or PNG."""


class PictureListClip(Clip):
    """Pictures in the order they come in, shown at `times_s` (T,) seconds from the first, or else at i / fps.

    Paths are read when their frame is asked for; all else stays in memory. Pictures of another size than the
    first are scaled to it. Raises `EmptyClip` for none, `UnreadableMedia` for what is no picture,
    `MediaTooLarge` as soon as the pictures so far exceed `max_pixels`, `SettingsError` for an `fps` that is
    no rate.
    """

    def __init__(
        self,
        pictures: Iterable[Picture],
        *,
        fps: float | None = None,
        times_s: NDArray[np.float64] | None = None,
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> None:
        if fps is not None:
            check_fps(fps)
        self.source = Path("pictures")
        self.name = "pictures"
        self.notes = []
        self._max_pixels = max_pixels
        self._pictures: list[Picture] = []
        for picture in pictures:
            if not self._pictures:
                self.height, self.width = self._read(picture).shape[:2]
            elif not isinstance(picture, str | os.PathLike):
                self._read(picture)  # what is no picture is better told now than in the midst of the work
            self._pictures.append(picture)
            check_size(self.source, self.width, self.height, len(self._pictures), max_pixels)
        if not self._pictures:
            raise EmptyClip("there are no pictures: give at least one")
        if fps is None and times_s is None and len(self._pictures) > 1:
            self.notes.append(f"the pictures carry no times: {USUAL_FPS:g} fps assumed (fps)")
        steps_s = np.arange(len(self._pictures)) / (fps or USUAL_FPS)
        self.times_s = steps_s if times_s is None else times_s

    def frame(self, index: int) -> Frame:
        self._check_index(index)
        return self._fitted(self._read(self._pictures[index]))

    def _read(self, picture: object) -> Frame:
        """As RGB, and the caller's own."""
        if isinstance(picture, str | os.PathLike):
            return read_picture(Path(picture), self._max_pixels)
        if isinstance(picture, Image.Image):
            try:  # PIL decodes a file only now
                return np.array(ImageOps.exif_transpose(picture).convert("RGB"))
            except (OSError, SyntaxError, ValueError) as error:
                raise UnreadableMedia(f"{told(picture)} is damaged ({error}): give a whole one") from error
        if isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.size:
            match picture.shape:
                case (_, _, 3 | 4):
                    return np.array(picture[..., :3])
                case (_, _):
                    return np.repeat(picture[..., None], 3, axis=2)
        raise UnreadableMedia(
            f"{told(picture)} is no picture: give uint8 (H, W, 3) RGB, a PIL image, or a JPEG's or PNG's path"
        )


def told(value: object) -> str:
    """What a value is, in words."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)} items"
    return f"a value of type {type(value).__name__}"
