"""Jointed figures: a body, a head and thin limbs, each of its own look, in two poses."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 192


@dataclass(frozen=True)
class _Bone:
    """`length` and `width` in pixels, `angle` against its parent's in radians; `along` 0..1 is where on the
    parent it begins."""

    parent: int
    along: float
    length: float
    width: float
    taper: float
    angle: float
    bend: float


def figure_pair(random: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Two poses of one figure, RGBA (192, 192, 4) uint8."""
    bones = _skeleton(random)
    colours = random.integers(0, 256, (random.integers(1, 5), 3))
    dress = random.integers(0, len(colours), len(bones))
    order = random.permutation(len(bones))
    bends = [bone.bend for bone in bones]
    first = random.normal(0, bends)
    second = first + random.normal(0, 0.6, len(bones)) * np.array(bends)
    return (
        _draw(bones, first, colours[dress], order),
        _draw(bones, second, colours[dress], order),
    )


def _skeleton(random: np.random.Generator) -> list[_Bone]:
    """A person, an animal, or something with arms."""
    kind = random.integers(3)
    size = random.uniform(0.8, 1.2)
    thin = random.uniform(0.5, 1.3)
    if kind == 0:
        bones = [_Bone(-1, 0, 50, 30 * thin, 0.8, np.pi / 2 + random.normal(0, 0.3), 0.2)]
        bones.append(_Bone(0, -0.15, 14, 20 * size, 0.9, np.pi, 0.3))
        for joint, swing in ((1.0, 0.6), (1.0, 0.6), (0.05, 1.2), (0.05, 1.2)):
            length = (38 if joint == 1.0 else 28) * random.uniform(0.85, 1.15)
            width = (13 if joint == 1.0 else 9) * thin
            bones.append(_Bone(0, joint, length, width, 0.8, 0, swing))
            bones.append(_Bone(len(bones) - 1, 1, length * 0.95, width * 0.75, 0.7, 0, 0.8))
        return bones
    if kind == 1:
        bones = [_Bone(-1, 0, 75 * size, 34 * thin, 0.9, random.choice([0, np.pi]), 0.2)]
        bones.append(_Bone(0, 1, 36, 18 * thin, 0.7, -0.9 * random.choice([-1, 1]), 0.3))
        bones.append(_Bone(1, 1, 22, 15 * thin, 0.6, 0.9, 0.5))
        bones.append(_Bone(0, 0, 40 * random.random(), 6 * thin, 0.5, 2.5, 0.6))
        for joint in (0.05, 0.12, 0.88, 0.95):
            side = np.pi / 2
            bones.append(_Bone(0, joint, 34, 11 * thin, 0.7, side, 0.4))
            bones.append(_Bone(len(bones) - 1, 1, 30, 7 * thin, 0.8, 0, 0.5))
        return bones
    bones = [_Bone(-1, 0, 40, 40 * random.random() + 4, 1, random.uniform(0, 2 * np.pi), 0.2)]
    for _ in range(random.integers(3, 10)):
        parent = int(random.integers(len(bones)))
        bones.append(
            _Bone(
                parent,
                random.random(),
                random.uniform(20, 60),
                random.uniform(2, 14),
                random.uniform(0.4, 1),
                random.uniform(-np.pi, np.pi),
                0.4,
            )
        )
    return bones


def _draw(
    bones: list[_Bone], bends: NDArray[np.float64], colours: NDArray[np.int64], order: NDArray[np.int64]
) -> NDArray[np.uint8]:
    starts, angles = np.zeros((len(bones), 2)), np.zeros(len(bones))
    ends = np.zeros((len(bones), 2))
    for number, bone in enumerate(bones):
        if bone.parent >= 0:
            starts[number] = starts[bone.parent] + bone.along * (ends[bone.parent] - starts[bone.parent])
            angles[number] = angles[bone.parent]
        angles[number] += bone.angle + bends[number]
        ends[number] = starts[number] + bone.length * np.array(
            [np.cos(angles[number]), np.sin(angles[number])]
        )
    reach = np.concatenate([starts, ends])
    widest = max(bone.width for bone in bones)
    low, high = reach.min(axis=0) - widest, reach.max(axis=0) + widest
    scale = (SIDE - 2) / (high - low).max()
    picture = np.zeros((SIDE, SIDE, 4), np.uint8)
    for number in order:
        bone = bones[number]
        colour = (*map(int, colours[number]), 255)
        steps = max(int(bone.length / max(bone.width, 2) * 4), 2)
        for part in np.linspace(0, 1, steps):
            place = (starts[number] + part * (ends[number] - starts[number]) - low) * scale
            radius = max(bone.width / 2 * (1 + part * (bone.taper - 1)) * scale, 0.8)
            cv2.circle(
                picture, tuple(int(v * 16) for v in place), int(radius * 16), colour, -1, cv2.LINE_AA, 4
            )
    return picture
