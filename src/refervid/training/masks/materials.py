"""Cut-out shapes and photographs to make training pictures of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import SettingsError

Picture = NDArray[np.uint8]

SHAPE_SIDE, PHOTO_SIDE = 192, 1024
"""Pictures are kept with at most so long a side in pixels."""
LEAST_SHAPE, LEAST_PHOTO = 40, 240
ENDINGS = {".png", ".jpg", ".jpeg", ".webp"}
SHAPE_FILL = 0.04, 0.95
"""Share of its box that a shape fills; what fills all of it is a picture with a background."""


class Materials:
    """`shapes` RGBA and `photos` RGB, (h, w, 4 or 3) uint8; shapes in groups that are used equally often."""

    def __init__(self, shapes: Sequence[Sequence[Picture]], photos: Sequence[Picture]) -> None:
        self._groups, self._photos = shapes, photos

    def photo(self, random: np.random.Generator) -> Picture:
        return self._photos[int(random.integers(len(self._photos)))]

    def shape(self, random: np.random.Generator) -> Picture:
        group = self._groups[int(random.integers(len(self._groups)))]
        return group[int(random.integers(len(group)))]


def read_materials(shapes: Sequence[Path], photos: Sequence[Path], limit: int) -> Materials:
    """The pictures with alpha in each folder of `shapes`, at most `limit` of one, and all of `photos`.

    Raises `SettingsError` for a folder without any.
    """
    groups = [_pictures(folder, _shape, limit) for folder in shapes]
    scenes = [photo for folder in photos for photo in _pictures(folder, _photo, None)]
    return Materials(groups, scenes)


def _pictures(folder: Path, read: Callable[[Path], Picture | None], limit: int | None) -> list[Picture]:
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in ENDINGS)
    chosen = np.random.default_rng(0).permutation(len(files))[:limit]
    found = [picture for number in chosen if (picture := read(files[number])) is not None]
    if not found:
        raise SettingsError(f"{folder}: no pictures to train on")
    return found


def _shape(file: Path) -> Picture | None:
    picture = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != 3 or picture.shape[2] != 4 or picture.dtype != np.uint8:
        return None
    x, y, w, h = cv2.boundingRect((picture[..., 3] > 127).astype(np.uint8))
    if min(w, h) < LEAST_SHAPE // 4 or max(w, h) < LEAST_SHAPE:
        return None
    picture = _at_most(picture[y : y + h, x : x + w], SHAPE_SIDE)
    fill = float((picture[..., 3] > 127).mean())
    if not SHAPE_FILL[0] < fill < SHAPE_FILL[1]:
        return None
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA), np.uint8)


def _photo(file: Path) -> Picture | None:
    picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if picture is None or min(picture.shape[:2]) < LEAST_PHOTO:
        return None
    return np.asarray(cv2.cvtColor(_at_most(picture, PHOTO_SIDE), cv2.COLOR_BGR2RGB), np.uint8)


def _at_most(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
