"""Whole clips: a scene, its pictures, the truth and the sentences, all from one seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Frame
from refervid.datasets.synthetic.render import Pose, Toy, paint
from refervid.datasets.synthetic.scene import SceneSettings, Thing, draw_scene
from refervid.datasets.synthetic.scenery import pan, random_texture
from refervid.datasets.synthetic.sentences import Sentence, sentences_of
from refervid.datasets.synthetic.things import toy_of

Split = Literal["train", "valid", "test"]
_SPLITS: dict[str, int] = {"train": 0, "valid": 1, "test": 2}

_SPRITE_REACH = 1.3
"""Half the side of a thing's picture in radii: a square's corner lies at 1.16."""
_MARGIN = 24
"""Pixels of background beyond the frame, for panning."""
_SEEN = 0.3
"""Of a thing's pixels must be seen, in three quarters of the frames, for a sentence to speak of it."""


@dataclass(frozen=True, eq=False)
class MadeClip:
    """`frames` (T, H, W, 3) uint8 RGB; `ids` (T, H, W) uint8, 0 = background, i + 1 = things[i]."""

    name: str
    frames: NDArray[np.uint8]
    ids: NDArray[np.uint8]
    things: tuple[Thing, ...]
    sentences: tuple[Sentence, ...]


def make_clip(settings: SceneSettings, split: Split, index: int, seed: int = 0) -> MadeClip:
    """Clip `index` of a split: always the same for the same arguments, never the same in two splits.

    It has at least one sentence.
    """
    random = np.random.default_rng([seed, _SPLITS[split], index])
    while True:
        things = draw_scene(settings, random)
        frames, ids, seen = _render(things, settings, random)
        referable = (seen >= _SEEN).mean(axis=0) >= 0.75
        sentences = sentences_of(things, referable.tolist(), settings.width, settings.height, random)
        if sentences:
            return MadeClip(f"{split}-{seed}-{index:06d}", frames, ids, tuple(things), tuple(sentences))


def _render(
    things: Sequence[Thing], settings: SceneSettings, random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float64]]:
    """Frames, ids, and which share of its pixels each thing shows, (T, things)."""
    height, width = settings.height, settings.width
    background = random_texture(random, height + 2 * _MARGIN, width + 2 * _MARGIN)
    drift = random.uniform(-1.5, 1.5, 2)
    post = _post(settings, random)
    sprites = [_sprite(toy_of(thing.look, random), float(thing.radii.max())) for thing in things]
    frames = np.empty((settings.frames, height, width, 3), np.uint8)
    ids = np.zeros((settings.frames, height, width), np.uint8)
    seen = np.zeros((settings.frames, len(things)))
    for time in range(settings.frames):
        x, y = _MARGIN + (time - settings.frames / 2) * drift
        picture = pan(background, height, width, x, y).astype(np.float32)
        areas = [
            _put(picture, ids[time], number, sprite, thing, time)
            for number, (sprite, thing) in enumerate(zip(sprites, things, strict=True), start=1)
        ]
        if post is not None:
            area, texture = post
            picture[area] = texture
            ids[time][area] = 0
        counts = np.bincount(ids[time].ravel(), minlength=len(things) + 1)[1:]
        seen[time] = counts / np.maximum(areas, 1)
        frames[time] = np.clip(picture + random.normal(0, 2, (height, width, 1)), 0, 255)
    return frames, ids, seen


def _post(settings: SceneSettings, random: np.random.Generator) -> tuple[tuple[slice, slice], Frame] | None:
    """A textured post or beam that stays where it is."""
    if random.random() >= settings.posts:
        return None
    thickness = int(settings.height * random.uniform(0.06, 0.1))
    upright = random.random() < 0.5
    start = int(random.uniform(0.1, 0.9) * (settings.width if upright else settings.height)) - thickness // 2
    strip = slice(max(0, start), start + thickness)
    area = (slice(None), strip) if upright else (strip, slice(None))
    shape = np.empty((settings.height, settings.width), bool)[area].shape
    return area, random_texture(random, *shape)


def _sprite(toy: Toy, radius: float) -> NDArray[np.float32]:
    """The thing as RGB and coverage, (n, n, 4), in its largest size."""
    half = int(np.ceil(_SPRITE_REACH * radius))
    colour, coverage = paint(toy, Pose(half, half, radius), (0, 0, 2 * half, 2 * half))
    return np.concatenate([colour * coverage[..., None], coverage[..., None]], axis=2)


def _put(
    picture: NDArray[np.float32],
    ids: NDArray[np.uint8],
    number: int,
    sprite: NDArray[np.float32],
    thing: Thing,
    time: int,
) -> int:
    """Lay the thing over the picture; gives the number of pixels it covers."""
    height, width = ids.shape
    centre, radius = thing.centres[time], thing.radii[time]
    reach = _SPRITE_REACH * radius + 1
    left, top = np.maximum(0, (centre - reach).astype(int))
    right, bottom = np.minimum((width, height), (centre + reach).astype(int) + 1)
    scale, half = thing.radii.max() / radius, sprite.shape[0] / 2
    cosine, sine = scale * np.cos(thing.turns[time]), scale * np.sin(thing.turns[time])
    turn = np.array([[cosine, sine], [-sine, cosine]])
    # Pixel centres lie at +0.5 in our coordinates and at integers in OpenCV's.
    origin = turn @ (np.array([left, top]) + 0.5 - centre) + half - 0.5
    matrix = np.concatenate([turn, origin[:, None]], axis=1)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(sprite, matrix, (int(right - left), int(bottom - top)), flags=flags)
    area = picture[top:bottom, left:right]
    area *= 1 - laid[..., 3:]
    area += laid[..., :3]
    solid = laid[..., 3] > 0.5
    ids[top:bottom, left:right][solid] = number
    return int(solid.sum())
