"""Pairs of shots from masks that people drew: stills in COCO's layout, and clips in YouTube-VOS's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO

from refervid.core.errors import SettingsError
from refervid.media.folder import read_picture
from refervid.training.masks.collage import Collage, Shot
from refervid.training.masks.examples import PairSource
from refervid.training.masks.materials import read_materials
from refervid.training.masks.recipe import CocoData, CollageData, Data, VideoData

MARGIN = 1.25, 1.9
"""Sides of a crop per longer side of the object."""
LEAST_SIDE_PX = 16


class MixedPairs:
    """Draws alike from several sources."""

    def __init__(self, data: Sequence[Data], side: int) -> None:
        """Raises `SettingsError` for a source without anything to train on."""
        self._sources = [_source(one, side) for one in data]

    def pair(self, random: np.random.Generator) -> tuple[Shot, Shot]:
        return self._sources[int(random.integers(len(self._sources)))].pair(random)


class StillPairs:
    """The second shot is the first picture moved, turned and bent."""

    def __init__(self, data: CocoData, side: int) -> None:
        self._side, self._images = side, data.images
        self._coco = COCO(str(data.annotations))
        self._ids = [
            one["id"]
            for one in self._coco.dataset["annotations"]
            if not one.get("iscrowd") and min(one["bbox"][2:]) >= LEAST_SIDE_PX
        ]
        if not self._ids:
            raise SettingsError(f"{data.annotations}: no masks of {LEAST_SIDE_PX} pixels and more")

    def pair(self, random: np.random.Generator) -> tuple[Shot, Shot]:
        found = self._coco.anns[self._ids[int(random.integers(len(self._ids)))]]
        picture = read_picture(self._images / self._coco.imgs[found["image_id"]]["file_name"])
        mask = self._coco.annToMask(found).astype(np.float32)
        return _shot(picture, mask, random, self._side), _shot(picture, mask, random, self._side, bent=True)


class ClipPairs:
    """Two frames of a clip with the same object."""

    def __init__(self, data: VideoData, side: int) -> None:
        self._side, self._root, self._gap = side, data.root, data.gap
        folders = sorted((data.root / "Annotations").glob("*"))
        self._clips = [files for folder in folders if len(files := sorted(folder.glob("*.png"))) > 1]
        if not self._clips:
            raise SettingsError(f"{data.root}: no folder Annotations with clips of masks")

    def pair(self, random: np.random.Generator) -> tuple[Shot, Shot]:
        while True:
            files = self._clips[int(random.integers(len(self._clips)))]
            first = int(random.integers(len(files)))
            second = int(np.clip(first + random.integers(-self._gap, self._gap + 1), 0, len(files) - 1))
            ids = [np.asarray(read_picture(files[index], as_stored=True)) for index in (first, second)]
            ids = [one if one.ndim == 2 else one.max(axis=2) for one in ids]
            objects = [
                value
                for value in np.unique(ids[0])
                if 0 < value < 255 or (value == 255 and ids[0].max() == 255)
            ]
            if not objects:
                continue
            chosen = objects[int(random.integers(len(objects)))]
            masks = [(one == chosen).astype(np.float32) for one in ids]
            if not masks[1].any():
                masks[1][:] = 0
            pictures = [read_picture(self._picture(files[index])) for index in (first, second)]
            return (
                _shot(pictures[0], masks[0], random, self._side),
                _shot(pictures[1], masks[1], random, self._side, around=masks[0]),
            )

    def _picture(self, annotation: Path) -> Path:
        return self._root / "JPEGImages" / annotation.parent.name / f"{annotation.stem}.jpg"


def _source(data: Data, side: int) -> PairSource:
    match data:
        case CollageData():
            return Collage(read_materials(data.shapes, data.photos, data.limit), side)
        case CocoData():
            return StillPairs(data, side)
    return ClipPairs(data, side)


def _shot(
    picture: NDArray[np.uint8],
    mask: NDArray[np.float32],
    random: np.random.Generator,
    side: int,
    *,
    bent: bool = False,
    around: NDArray[np.float32] | None = None,
) -> Shot:
    """A crop around the object, or where it is away, around where it was."""
    where = mask if mask.any() or around is None else around
    x, y, w, h = cv2.boundingRect((where > 0.5).astype(np.uint8))
    scale = side / (max(w, h, LEAST_SIDE_PX) * random.uniform(*MARGIN))
    middle = np.array([x + w / 2, y + h / 2]) + random.normal(0, 0.05, 2) * max(w, h)
    turn = random.normal(0, 0.1) if bent else 0.0
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    whole = np.column_stack([matrix, side / 2 - matrix @ middle])
    rgb = cv2.warpAffine(picture, whole, (side, side), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    cut = cv2.warpAffine(mask, whole, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return Shot(np.asarray(rgb, np.uint8), np.asarray(cut, np.float32))
