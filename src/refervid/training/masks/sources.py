"""Where scenes come from: made of pictures, or of masks that people drew, on stills and in clips."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools.coco import COCO
from torch.nn import functional as F

from refervid.core.errors import SettingsError
from refervid.media.folder import read_picture
from refervid.training.masks.dice import Dice, by_scene
from refervid.training.masks.materials import read_materials
from refervid.training.masks.recipe import CocoData, CollageData, Data, VideoData
from refervid.training.masks.scenes import Scenes, Shots, flow_errors

Frame = tuple[NDArray[np.uint8], NDArray[np.float32]]

MARGIN = 1.25, 1.9
"""Sides of a crop per longer side of the object."""
LEAST_SIDE_PX = 16
_TRIES = 1000
"""Frames that are looked at for one with an object."""


class Source(Protocol):
    def draw(self, count: int, length: int, side: int) -> Shots: ...


class Annotated(Protocol):
    def frames(self, random: np.random.Generator, length: int) -> list[Frame]:
        """So many pictures with an object's mask (h, w) in 0..1, which the first shows."""
        ...


class Sources:
    """Draws every batch from one of several sources."""

    def __init__(self, data: Sequence[Data], seed: int, device: torch.device) -> None:
        """Raises `SettingsError` for a source without anything to train on."""
        self._random = np.random.default_rng(seed)
        self._sources = [_source(one, seed + number, device) for number, one in enumerate(data)]

    def draw(self, count: int, length: int, side: int) -> Shots:
        return self._sources[int(self._random.integers(len(self._sources)))].draw(count, length, side)


class Crops:
    """Scenes from pictures whose masks people drew, read in threads: crops that follow the object."""

    def __init__(self, source: Annotated, seed: int, device: torch.device) -> None:
        self._source, self._dice = source, Dice(seed, device)

    def draw(self, count: int, length: int, side: int) -> Shots:
        seeds = self._dice.random.integers(2**32, size=count)
        with ThreadPoolExecutor() as threads:
            rows = list(threads.map(lambda seed: self._row(np.random.default_rng(seed), length, side), seeds))
        rgb, mask, places = (np.stack([row[part] for row in rows]) for part in range(3))
        before = places[:, np.maximum(np.arange(length) - 1, 0)]
        theta = self._dice.to((np.linalg.inv(before) @ places)[..., :2, :]).flatten(0, 1)
        grid = F.affine_grid(theta, [count * length, 1, side // 2, side // 2], align_corners=False)
        origin = grid + flow_errors(self._dice, count, length, side // 2)
        return Shots(
            self._dice.to(rgb).permute(0, 1, 4, 2, 3),
            self._dice.to(mask),
            by_scene(origin, count),
        )

    def _row(self, random: np.random.Generator, length: int, side: int) -> tuple[NDArray[np.generic], ...]:
        """RGB, masks, and matrices (T, 3, 3) from crops, -1..1, to the object's box, likewise."""
        shots = []
        box = np.zeros(4)
        for picture, mask in self._source.frames(random, length):
            if (mask > 0.5).any():
                x, y, w, h = cv2.boundingRect((mask > 0.5).astype(np.uint8))
                box = np.array([x + w / 2, y + h / 2, max(w, h, LEAST_SIDE_PX), 0])
            shots.append(_shot(picture, mask, box, random, side))
        return tuple(np.stack(parts) for parts in zip(*shots, strict=True))


class Stills:
    """The same picture again and again."""

    def __init__(self, data: CocoData) -> None:
        self._images = data.images
        try:
            self._coco = COCO(str(data.annotations))
            self._ids = [
                one["id"]
                for one in self._coco.dataset["annotations"]
                if not one.get("iscrowd") and min(one["bbox"][2:]) >= LEAST_SIDE_PX
            ]
        except (OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
            raise SettingsError(
                f"{data.annotations} cannot be read ({type(error).__name__}: {error}): give COCO's "
                "instances_*.json, with boxes and masks"
            ) from error
        if not self._ids:
            raise SettingsError(f"{data.annotations}: no masks of {LEAST_SIDE_PX} pixels and more")

    def frames(self, random: np.random.Generator, length: int) -> list[Frame]:
        found = self._coco.anns[self._ids[int(random.integers(len(self._ids)))]]
        picture = read_picture(self._images / self._coco.imgs[found["image_id"]]["file_name"])
        return [(picture, self._coco.annToMask(found).astype(np.float32))] * length


class Clips:
    """Frames of a clip at most `gap` annotated ones apart."""

    def __init__(self, data: VideoData) -> None:
        self._root, self._gap = data.root, data.gap
        folders = sorted((data.root / "Annotations").glob("*"))
        self._clips = [files for folder in folders if len(files := sorted(folder.glob("*.png"))) > 1]
        if not self._clips:
            raise SettingsError(f"{data.root}: no folder Annotations with clips of masks")

    def frames(self, random: np.random.Generator, length: int) -> list[Frame]:
        for _ in range(_TRIES):
            files = self._clips[int(random.integers(len(self._clips)))]
            steps = random.integers(1, self._gap + 1, length - 1) * random.choice([-1, 1])
            places = np.cumsum([random.integers(len(files)), *steps]).clip(0, len(files) - 1)
            ids = [_ids(files[place]) for place in places]
            objects = [
                value
                for value in np.unique(ids[0])
                if 0 < value < 255 or (value == 255 and ids[0].max() == 255)
            ]
            if objects:
                chosen = objects[int(random.integers(len(objects)))]
                return [
                    (read_picture(self._picture(files[place])), (own == chosen).astype(np.float32))
                    for place, own in zip(places, ids, strict=True)
                ]
        raise SettingsError(f"{self._root}: no object on any of {_TRIES} masks below Annotations")

    def _picture(self, annotation: Path) -> Path:
        return self._root / "JPEGImages" / annotation.parent.name / f"{annotation.stem}.jpg"


def _source(data: Data, seed: int, device: torch.device) -> Source:
    match data:
        case CollageData():
            return Scenes(read_materials(data.shapes, data.photos, data.limit, device), seed)
        case CocoData():
            return Crops(Stills(data), seed, device)
    return Crops(Clips(data), seed, device)


def _ids(file: Path) -> NDArray[np.uint8]:
    found = np.asarray(read_picture(file, as_stored=True))
    return found if found.ndim == 2 else found.max(axis=2)


def _shot(
    picture: NDArray[np.uint8], mask: NDArray[np.float32], box: NDArray[np.float64],
    random: np.random.Generator, side: int,
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float64]]:  # fmt: skip
    """A crop about the box (middle x, y, longer side), turned a little, and its matrix to the box."""
    size = box[2] * random.uniform(*MARGIN)
    turn = random.normal(0, 0.07)
    own = np.eye(3)
    own[:2, :2] = size / box[2] * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    own[:2, 2] = random.normal(0, 0.07, 2)
    # From pixels of the crop to -1..1, to the box, to pixels of the picture.
    start = np.array([[2 / side, 0, 1 / side - 1], [0, 2 / side, 1 / side - 1], [0, 0, 1]])
    end = np.array([[box[2] / 2, 0, box[0] - 0.5], [0, box[2] / 2, box[1] - 0.5], [0, 0, 1]])
    whole = (end @ own @ start)[:2]
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    if size > 2 * side:
        picture = cv2.blur(picture, (int(size / side),) * 2)
    rgb = cv2.warpAffine(picture, whole, (side, side), flags=how, borderMode=cv2.BORDER_REPLICATE)
    cut = cv2.warpAffine(mask, whole, (side, side), flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(rgb, np.uint8), np.asarray(cut, np.float32), own
