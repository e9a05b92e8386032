"""Clips of textured things that move in front of a textured background, with known masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.media.folder import FolderClip
from tests.clips import write_pictures

HEIGHT, WIDTH = 144, 216
RED, BLUE, GREEN, GREY = (190, 50, 40), (40, 70, 190), (60, 170, 70), (120, 120, 120)

Place = Callable[[int], tuple[float, float]]
"""Centre (x, y) in pixels by frame index."""


def cloth(size: tuple[int, int], colour: Sequence[int], contrast: float, seed: int) -> NDArray[np.uint8]:
    """(h, w, 3) of one colour with blotches and grain."""
    random = np.random.default_rng(seed)
    noise = random.standard_normal((*size, 3)).astype(np.float32)
    blotches = cv2.GaussianBlur(noise, (0, 0), 4)
    grain = cv2.GaussianBlur(noise, (0, 0), 1)
    shaded = np.asarray(colour) + contrast * (blotches / blotches.std() + grain)
    return np.clip(shaded, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Thing:
    """An ellipse that moves; things listed later lie in front.

    `hole` is the share of its radii that is cut out of its middle; `growth` how much larger it gets with
    every frame; things of one colour and `skin` look the same.
    """

    colour: tuple[int, int, int]
    place: Place
    radii: tuple[float, float] = (22, 16)
    hole: float = 0.0
    growth: float = 0.0
    skin: int | None = None


@dataclass(frozen=True)
class Made:
    """`masks[thing][frame]` (H, W) bool are the visible parts."""

    clip: FolderClip
    masks: list[list[NDArray[np.bool_]]]


def made_clip(
    folder: Path,
    things: Sequence[Thing],
    frames: int = 16,
    *,
    pillar: tuple[int, int] | None = None,
    pan: float = 0.0,
    cut_at: int | None = None,
    crop: int = 0,
    shake: float = 0.0,
    blur: int = 0,
) -> Made:
    """`pillar` (x0, x1) stands in front of all; `pan` is the camera's shift in pixels a frame; from frame
    `cut_at` on another background is seen; `crop` rows and columns are cut off below and on the right.
    `shake` pixels (standard deviation) the camera jumps about; `blur` pixels long is the streak that motion
    to the right leaves."""
    background = cloth((HEIGHT, WIDTH + 2 * WIDTH), GREY, 16, 1)
    stone = cloth((HEIGHT, WIDTH), (205, 200, 120), 10, 2)
    skins = [
        cloth((HEIGHT, WIDTH), thing.colour, 22, 3 + (number if thing.skin is None else thing.skin))
        for number, thing in enumerate(things)
    ]
    jumps = np.random.default_rng(7).normal(0, shake, (frames, 2)) if shake else np.zeros((frames, 2))
    pictures, masks = [], [[] for _ in things]
    ys, xs = np.mgrid[0:HEIGHT, 0:WIDTH]
    for index in range(frames):
        jump_x, jump_y = np.round(jumps[index])
        left = WIDTH + round(pan * index - jump_x) - (WIDTH if cut_at is not None and index >= cut_at else 0)
        picture = np.roll(background[:, left : left + WIDTH], int(jump_y), axis=0).copy()
        seen: list[NDArray[np.bool_]] = []
        for thing, skin in zip(things, skins, strict=True):
            x, y = thing.place(index)
            x, y = x + jump_x, y + jump_y
            size = 1 + thing.growth * index
            radius = ((xs - x) / thing.radii[0]) ** 2 + ((ys - y) / thing.radii[1]) ** 2
            ellipse = (radius < size**2) & (radius >= (thing.hole * size) ** 2)
            shifted = cv2.warpAffine(
                skin, np.float32([[1, 0, x - WIDTH / 2], [0, 1, y - HEIGHT / 2]]), (WIDTH, HEIGHT)
            )
            picture[ellipse] = shifted[ellipse]
            seen = [mask & ~ellipse for mask in seen] + [ellipse]
        if pillar is not None:
            picture[:, slice(*pillar)] = stone[:, slice(*pillar)]
            for mask in seen:
                mask[:, slice(*pillar)] = False
        if blur:
            picture = cv2.blur(picture, (blur, 1))
        kept = np.s_[: HEIGHT - crop, : WIDTH - crop]
        pictures.append(np.ascontiguousarray(picture[kept]))
        for own, mask in zip(masks, seen, strict=True):
            own.append(mask[kept])
    return Made(FolderClip(write_pictures(folder, pictures)), masks)


def red_and_blue(folder: Path, frames: int) -> Made:
    """A red thing goes right, a blue one below it left; they never meet."""
    things = [Thing(RED, lambda i: (50 + 4 * i, 45)), Thing(BLUE, lambda i: (160 - 4 * i, 105))]
    return made_clip(folder, things, frames)


def box_of(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    ys, xs = np.nonzero(mask)
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float32)


def iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0
