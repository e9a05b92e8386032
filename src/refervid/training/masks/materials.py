"""Cut-out shapes and photographs to make training pictures of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from refervid.core.errors import SettingsError

Picture = NDArray[np.uint8]

SHAPE_SIDE, PHOTO_SIDE = 128, 448
"""Pictures are kept as squares of so many pixels; shapes have their longer side so, and are centred."""
LEAST_SHAPE, LEAST_PHOTO = 40, 240
LONG = 0.3
"""From which on a photograph is longer than wide by so much of its width, it gives two squares."""
ENDINGS = {".png", ".jpg", ".jpeg", ".webp"}
SHAPE_FILL = 0.04, 0.95
"""Share of its box that a shape fills; what fills all of it is a picture with a background."""


@dataclass(frozen=True)
class Materials:
    """`shapes` (N, 4, S, S) RGBA and `photos` (P, 3, S, S) RGB, uint8; `groups` (G, 2): the first shape of
    each folder and the one after its last. Folders are used equally often.
    """

    shapes: Tensor
    groups: NDArray[np.int64]
    photos: Tensor

    def some_shapes(self, random: np.random.Generator, count: int) -> NDArray[np.int64]:
        first, end = self.groups[random.integers(len(self.groups), size=count)].T
        chosen: NDArray[np.int64] = random.integers(first, end)
        return chosen


def read_materials(
    shapes: Sequence[Path], photos: Sequence[Path], limit: int, device: torch.device
) -> Materials:
    """The pictures with alpha in each folder of `shapes`, at most `limit` of one, and all of `photos`.

    Raises `SettingsError` for a folder without any.
    """
    groups = [_pictures(folder, _shape, limit) for folder in shapes]
    ends = np.cumsum([len(group) for group in groups])
    scenes = [photo for folder in photos for photo in _pictures(folder, _photo, None)]
    return Materials(
        _stacked([picture for group in groups for picture in group], device),
        np.stack([np.concatenate([[0], ends[:-1]]), ends], 1),
        _stacked(scenes, device),
    )


def _stacked(pictures: list[Picture], device: torch.device) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous().to(device)


def _pictures(folder: Path, read: Callable[[Path], list[Picture]], limit: int | None) -> list[Picture]:
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in ENDINGS)
    chosen = np.random.default_rng(0).permutation(len(files))[:limit]
    with ThreadPoolExecutor() as threads:
        found = [
            picture for own in threads.map(read, [files[number] for number in chosen]) for picture in own
        ]
    if not found:
        raise SettingsError(
            f"{folder}: no pictures to train on (cut-outs with alpha of {LEAST_SHAPE} pixels or more, "
            f"photographs of {LEAST_PHOTO}); bench/mask_materials.py says where they come from"
        )
    return found


def _shape(file: Path) -> list[Picture]:
    picture = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != 3 or picture.shape[2] != 4 or picture.dtype != np.uint8:
        return []
    x, y, w, h = cv2.boundingRect((picture[..., 3] > 127).astype(np.uint8))
    if min(w, h) < LEAST_SHAPE // 4 or max(w, h) < LEAST_SHAPE:
        return []
    picture = _scaled(picture[y : y + h, x : x + w], SHAPE_SIDE / max(w, h))
    fill = float((picture[..., 3] > 127).mean())
    if not SHAPE_FILL[0] < fill < SHAPE_FILL[1]:
        return []
    h, w = picture.shape[:2]
    top, left = (SHAPE_SIDE - h) // 2, (SHAPE_SIDE - w) // 2
    square = np.zeros((SHAPE_SIDE, SHAPE_SIDE, 4), np.uint8)
    square[top : top + h, left : left + w] = cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA)
    return [square]


def _photo(file: Path) -> list[Picture]:
    """The square in the middle, or of a long picture those at both ends."""
    picture = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)
    if picture is None or min(picture.shape[:2]) < LEAST_PHOTO:
        return []
    picture = np.asarray(picture, np.uint8)
    picture = _scaled(picture, PHOTO_SIDE / min(picture.shape[:2]))
    more = np.array(picture.shape[:2]) - PHOTO_SIDE
    corners = [more * 0, more] if more.max() > LONG * PHOTO_SIDE else [more // 2]
    return [picture[y : y + PHOTO_SIDE, x : x + PHOTO_SIDE] for y, x in corners]


def _scaled(picture: Picture, scale: float) -> Picture:
    h, w = (max(round(side * scale), 1) for side in picture.shape[:2])  # exact for the side that counts
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (w, h), interpolation=how), np.uint8)
