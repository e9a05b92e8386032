"""Jointed figures that move: a body, a head and thin limbs, each of its own look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from refervid.training.masks.dice import along

KINDS = 2000
"""Different figures that are made up before training."""
MOST_BONES = 14
SWING = 0.35
"""Of a joint from shot to shot, as a share of what it bends at most."""
_PARENT, _ALONG, _LENGTH, _WIDTH, _TAPER, _ANGLE, _BEND = range(7)


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


class Figures:
    """A stock of skeletons, drawn in poses."""

    def __init__(self, random: np.random.Generator) -> None:
        self._bones = np.zeros((KINDS, MOST_BONES, 7), np.float32)
        for own in self._bones:
            bones = _skeleton(random)
            own[: len(bones)] = [
                (b.parent, b.along, b.length, b.width, b.taper, b.angle, b.bend) for b in bones
            ]

    def draw(
        self, count: int, length: int, side: int, random: np.random.Generator, device: torch.device
    ) -> Tensor:
        """(count, length, 4, side, side) float32 in 0..1: RGBA of figures in so many poses each."""
        bones = self._bones[random.integers(KINDS, size=count)]
        joints = (count, 1, MOST_BONES)
        swings = np.cumsum(
            random.normal(0, SWING * random.uniform(0, 1, (count, 1, 1)), (count, length, MOST_BONES)), 1
        )
        bends = (random.normal(0, 1, joints) + swings) * bones[:, None, :, _BEND]
        ends = _ends(bones, bends)
        palette = random.uniform(0, 1, (count, 5, 3))
        dress = random.integers(0, random.integers(1, 6, (count, 1)), (count, MOST_BONES))
        colours = np.take_along_axis(palette, dress[..., None], 1)
        order = random.permuted(np.tile(np.arange(MOST_BONES), (count, 1)), axis=1)
        return _painted(bones, ends, colours, order, side, device)


def _ends(bones: NDArray[np.float32], bends: NDArray[np.float64]) -> NDArray[np.float64]:
    """(count, poses, bones, 2, 2): both ends of every bone, in -1..1."""
    count, poses, _ = bends.shape
    found = np.zeros((count, poses, MOST_BONES, 2, 2))
    angles = np.zeros((count, poses, MOST_BONES))
    rows = np.arange(count)
    for number in range(MOST_BONES):
        bone = bones[:, number]
        parent = bone[:, _PARENT].astype(int)
        has = (parent >= 0) & (bone[:, _LENGTH] > 0) & (number > 0)
        start, end = found[rows, :, parent, 0], found[rows, :, parent, 1]
        found[:, :, number, 0] = np.where(
            has[:, None, None], start + bone[:, None, None, _ALONG] * (end - start), 0
        )
        angles[:, :, number] = (
            has[:, None] * angles[rows, :, parent] + bone[:, None, _ANGLE] + bends[:, :, number]
        )
        way = np.stack([np.cos(angles[:, :, number]), np.sin(angles[:, :, number])], -1)
        found[:, :, number, 1] = found[:, :, number, 0] + bone[:, None, None, _LENGTH] * way
    widest = bones[:, :, _WIDTH].max(axis=1)[:, None]
    flat = found.reshape(count, -1, 2)
    low, high = flat.min(axis=1) - widest, flat.max(axis=1) + widest
    scale = 2 / (high - low).max(axis=1)[:, None, None, None, None]
    centred: NDArray[np.float64] = (found - ((low + high) / 2)[:, None, None, None]) * scale
    bones[:, :, _WIDTH] *= scale[:, 0, 0, 0]
    return centred


def _painted(
    bones: NDArray[np.float32], ends: NDArray[np.float64], colours: NDArray[np.float64],
    order: NDArray[np.int64], side: int, device: torch.device,
) -> Tensor:  # fmt: skip
    count, poses = ends.shape[:2]
    rows = np.arange(count)
    steps = along(side, device)
    places = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1)
    picture = torch.zeros(count, poses, 4, side, side, device=device)
    for number in range(MOST_BONES):
        which = order[:, number]
        bone = torch.from_numpy(bones[rows, which]).to(device)
        joint = torch.from_numpy(ends[rows, :, which]).float().to(device)
        start, way = joint[:, :, 0], joint[:, :, 1] - joint[:, :, 0]
        from_start = places - start[:, :, None, None]
        share = (from_start * way[:, :, None, None]).sum(-1) / (way**2).sum(-1)[..., None, None].clamp(
            min=1e-6
        )
        share = share.clamp(0, 1)
        away = (from_start - share[..., None] * way[:, :, None, None]).norm(dim=-1)
        width, taper = bone[:, _WIDTH, None, None, None], bone[:, _TAPER, None, None, None]
        radius = (width / 2 * (1 + share * (taper - 1))).clamp(min=1.6 / side)
        cover = ((radius - away) * side / 2 + 0.5).clamp(0, 1) * (width > 0)
        colour = torch.from_numpy(colours[rows, which]).float().to(device)[:, None, :, None, None]
        picture[:, :, :3] = picture[:, :, :3].lerp(colour, cover[:, :, None])
        picture[:, :, 3] = torch.maximum(picture[:, :, 3], cover)
    return picture


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
