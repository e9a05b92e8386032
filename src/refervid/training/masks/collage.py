"""Pairs of training pictures: an object among others over a photograph, and the same a moment later."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.training.masks.figures import figure_pair
from refervid.training.masks.materials import Materials, Picture

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Shot:
    """A square crop around an object: `rgb` (S, S, 3) uint8 and its `mask` (S, S) float32 in 0..1."""

    rgb: NDArray[np.uint8]
    mask: Plane


class Collage:
    """Draws pairs of shots of side `side`."""

    def __init__(self, materials: Materials, side: int) -> None:
        self._materials = materials
        self._side = side

    def pair(self, random: np.random.Generator) -> tuple[Shot, Shot]:
        """The object on two frames; on the second it is hidden or gone in one of twelve pairs."""
        grounds = self._ground_pair(random)
        size = self._side / random.uniform(1.25, 1.9)
        target = self._things(
            random, size, np.full(2, self._side / 2) + random.normal(0, 0.05, 2) * self._side
        )
        if random.random() < 0.15:
            # A rider and what is ridden, a person and what is carried are one object too.
            more = self._things(
                random, size * random.uniform(0.4, 0.8), target.middle + random.normal(0, 0.15, 2) * size
            )
            target = _Thing(
                [_over(a, b) for a, b in zip(target.layers, more.layers, strict=True)],
                target.middle,
                target.pictures,
            )
        behind = [self._other(random, target, size) for _ in range(random.integers(0, 4))]
        before = [self._cover(random, size) for _ in range(random.choice(3, p=[0.55, 0.3, 0.15]))]
        gone = random.random() < 1 / 12
        shots = []
        for index in (0, 1):
            canvas = grounds[index].astype(np.float32)
            for thing in behind:
                canvas = _paste(canvas, thing.layers[index])
            alpha = np.zeros((self._side, self._side), np.float32)
            if not (gone and index):
                canvas = _paste(canvas, target.layers[index])
                alpha = target.layers[index][..., 3].copy()
            for thing in before:
                canvas = _paste(canvas, thing.layers[index])
                alpha *= 1 - thing.layers[index][..., 3]
            shots.append((canvas, alpha))
        return self._finish(random, shots)

    def _ground_pair(self, random: np.random.Generator) -> list[NDArray[np.uint8]]:
        photo = self._materials.photo(random)
        side = min(photo.shape[:2])
        cut = side * random.uniform(0.15, 0.8)
        centre = random.uniform(cut / 2, np.array(photo.shape[1::-1]) - cut / 2)
        flip = random.choice([-1, 1])
        grounds = []
        for moved in (np.zeros(2), random.normal(0, 0.06, 2) * cut):
            scale = self._side / cut * random.uniform(0.93, 1.07)
            grounds.append(_warp_photo(photo, centre + moved, scale, flip, self._side))
        gain, shift = random.uniform(0.6, 1.3, 3), random.uniform(-25, 25, 3)
        return [np.clip(ground * gain + shift, 0, 255).astype(np.uint8) for ground in grounds]

    def _things(
        self,
        random: np.random.Generator,
        size: float,
        middle: NDArray[np.float64],
        pictures: tuple[Picture, Picture] | None = None,
    ) -> _Thing:
        """A shape or figure of about `size` pixels, in two poses."""
        if pictures is None:
            pictures = (self._materials.shape(random),) * 2 if random.random() < 0.7 else figure_pair(random)
        turn, mirror = random.normal(0, 0.35), random.choice([-1, 1])
        stretch = np.exp(random.normal(0, 0.12, 2))
        skin = _Skin(random, self._materials)
        layers = []
        sway = 0.0
        for index, picture in enumerate(pictures):
            scale = size / max(picture.shape[:2])
            if index:
                turn += random.normal(0, 0.15)
                scale *= np.exp(random.normal(0, 0.1))
                middle = middle + random.normal(0, 0.05, 2) * size
                sway = abs(random.normal(0, 0.06))
            layers.append(
                _placed(skin(picture), middle, scale * stretch, turn, mirror, self._side, sway, random)
            )
        return _Thing(layers, middle, pictures)

    def _other(self, random: np.random.Generator, target: _Thing, size: float) -> _Thing:
        """Something else beside the object, in one of four cases one that looks like it."""
        angle, gap = random.uniform(0, 2 * np.pi), size * random.uniform(0.3, 0.9)
        middle = target.middle + gap * np.array([np.cos(angle), np.sin(angle)])
        twin = target.pictures if random.random() < 0.25 else None
        return self._things(random, size * random.uniform(0.3, 1.2), middle, twin)

    def _cover(self, random: np.random.Generator, size: float) -> _Thing:
        """Something in front: a small thing or a bar."""
        middle = self._side * random.uniform(0.2, 0.8, 2)
        if random.random() < 0.5:
            return self._things(random, size * random.uniform(0.2, 0.6), middle)
        width = self._side * random.uniform(0.01, 0.08)
        angle = random.choice([0, np.pi / 2]) + random.normal(0, 0.3)
        along = np.array([np.cos(angle), np.sin(angle)]) * 2 * self._side
        patch = _patch(random, self._materials, (self._side, self._side)).astype(np.float32)
        layers = []
        for _ in range(2):
            alpha = np.zeros((self._side, self._side), np.float32)
            ends = [tuple(int(v * 16) for v in middle + sign * along) for sign in (-1, 1)]
            cv2.line(alpha, ends[0], ends[1], 1.0, max(round(width), 1), cv2.LINE_AA, 4)
            layers.append(np.dstack([patch, alpha]))
            middle = middle + random.normal(0, 0.05, 2) * self._side
        return _Thing(layers, middle, None)

    def _finish(self, random: np.random.Generator, shots: list[tuple[Plane, Plane]]) -> tuple[Shot, Shot]:
        """A camera's faults: blur, motion blur, low resolution, noise, compression, exposure."""
        coarse = random.uniform(1, 3.5) if random.random() < 0.4 else 1.0
        quality = int(random.integers(40, 96))
        noise = random.uniform(0, 5)
        light = _shade(random, self._side)
        done = []
        for rgb, mask in shots:
            rgb = np.asarray(rgb * (light * random.uniform(0.9, 1.1))[..., None], np.float32)
            if random.random() < 0.2:
                kernel = _streak(random)
                rgb, mask = cv2.filter2D(rgb, -1, kernel), cv2.filter2D(mask, -1, kernel)
            if coarse > 1:
                small = max(int(self._side / coarse), 16)
                rgb = cv2.resize(
                    cv2.resize(rgb, (small, small), interpolation=cv2.INTER_AREA), (self._side,) * 2
                )
            grain = random.normal(0, noise, (self._side // 2,) * 2).repeat(2, 0).repeat(2, 1)
            picture = np.clip(rgb + grain[..., None], 0, 255).astype(np.uint8)
            if quality < 85:
                picture = cv2.imdecode(
                    cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1
                )
            done.append(Shot(np.asarray(picture, np.uint8), np.asarray(np.clip(mask, 0, 1), np.float32)))
        return done[0], done[1]


@dataclass(frozen=True)
class _Thing:
    """`layers` RGBA (S, S, 4) float32 (alpha in 0..1) on both frames; `pictures` what they show."""

    layers: list[Plane]
    middle: NDArray[np.float64]
    pictures: tuple[Picture, Picture] | None


class _Skin:
    """The look of one thing: its own colours changed, or the texture of a photograph, or both."""

    def __init__(self, random: np.random.Generator, materials: Materials) -> None:
        self._gain = random.uniform(0.4, 1.4, 3) if random.random() < 0.6 else np.ones(3)
        self._shift = random.uniform(-40, 40, 3) if random.random() < 0.6 else np.zeros(3)
        self._texture = _patch(random, materials, (192, 192)).astype(np.float32)
        self._share = random.choice([0.0, 0.4, 0.7, 1.0], p=[0.2, 0.4, 0.25, 0.15])
        self._contrast = random.uniform(0.5, 1.5)

    def __call__(self, picture: NDArray[np.uint8]) -> Plane:
        h, w = picture.shape[:2]
        texture = self._texture[:h, :w]
        own = picture[..., :3] * self._gain + self._shift
        lit = own * (1 + self._contrast * (texture.mean(axis=2, keepdims=True) / 128 - 1))
        rgb = lit if self._share < 0.5 else own * (1 - self._share) + texture * self._share
        rgb = own if self._share == 0 else rgb
        return np.dstack([np.clip(rgb, 0, 255), picture[..., 3:] / 255]).astype(np.float32)


def _patch(random: np.random.Generator, materials: Materials, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A random piece (h, w, 3) of a photograph."""
    photo = materials.photo(random)
    cut = int(min(photo.shape[:2]) * random.uniform(0.08, 0.6))
    y, x = random.integers(0, np.array(photo.shape[:2]) - cut)
    piece = cv2.resize(photo[y : y + cut, x : x + cut], size[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(piece, np.uint8)


def _placed(
    picture: Plane, middle: NDArray[np.float64], scale: NDArray[np.float64], turn: float, mirror: int,
    side: int, sway: float, random: np.random.Generator,
) -> Plane:  # fmt: skip
    """The picture turned, stretched and bent, on a canvas of its own (S, S, 4)."""
    h, w = picture.shape[:2]
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.diag(scale * (mirror, 1))
    offset = middle - matrix @ (w / 2, h / 2)
    premultiplied = np.dstack([picture[..., :3] * picture[..., 3:], picture[..., 3]])
    layer = cv2.warpAffine(
        premultiplied, np.column_stack([matrix, offset]), (side, side), flags=cv2.INTER_LINEAR
    )
    if sway:
        coarse = random.normal(0, sway * 0.5 * side, (4, 4, 2)).astype(np.float32)
        bend = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
        ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
        layer = cv2.remap(layer, xs + bend[..., 0], ys + bend[..., 1], cv2.INTER_LINEAR)
    layer[..., :3] /= np.maximum(layer[..., 3:], 1e-3)
    return np.asarray(layer, np.float32)


def _over(below: Plane, above: Plane) -> Plane:
    alpha = above[..., 3] + below[..., 3] * (1 - above[..., 3])
    rgb = above[..., :3] * above[..., 3:] + below[..., :3] * below[..., 3:] * (1 - above[..., 3:])
    return np.dstack([rgb / np.maximum(alpha, 1e-3)[..., None], alpha]).astype(np.float32)


def _paste(canvas: Plane, layer: Plane) -> Plane:
    alpha = layer[..., 3:]
    return np.asarray(canvas * (1 - alpha) + layer[..., :3] * alpha, np.float32)


def _warp_photo(
    photo: NDArray[np.uint8], centre: NDArray[np.float64], scale: float, flip: int, side: int
) -> NDArray[np.uint8]:
    matrix = np.array(
        [[scale * flip, 0, side / 2 - scale * flip * centre[0]], [0, scale, side / 2 - scale * centre[1]]]
    )
    return np.asarray(
        cv2.warpAffine(photo, matrix, (side, side), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT),
        np.uint8,
    )


def _shade(random: np.random.Generator, side: int) -> Plane:
    coarse = random.uniform(0.75, 1.25, (3, 3)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)


def _streak(random: np.random.Generator) -> Plane:
    kernel = np.zeros((15, 15), np.float32)
    angle, length = random.uniform(0, np.pi), random.uniform(2, 7)
    step = np.array([np.cos(angle), np.sin(angle)]) * length
    start, end = (tuple(int(v) for v in np.round(7 + sign * step)) for sign in (-1, 1))
    cv2.line(kernel, start, end, 1.0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)
