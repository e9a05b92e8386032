"""Made-up scenes: an object that moves among others over a photograph, in crops around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from refervid.training.masks.camera import Camera
from refervid.training.masks.dice import Dice, Numbers, Rows, by_scene
from refervid.training.masks.materials import Materials
from refervid.training.masks.skins import Skins
from refervid.training.masks.things import Thing, Things, over, paste

OTHERS, COVERS = (0.5, 0.5, 0.5), (0.35, 0.2)
"""Chances of things behind the object, and in front of it."""
GONE, LATER, RIDDEN, SHADOWS = 0.08, 0.35, 0.15, 0.3
"""Shares of scenes in which the object is away for some shots, in which much time goes by after the first,
of objects of two things, and of those that cast a shadow."""


@dataclass(frozen=True)
class Shots:
    """`rgb` (B, T, 3, S, S) in 0..255; `mask` (B, T, S, S) in 0..1; `origin` (B, T, S / 2, S / 2, 2): where
    places of a shot were on the shot before, in -1..1 across its crop (`grid_sample`, corners not aligned).
    """

    rgb: Tensor
    mask: Tensor
    origin: Tensor


class Scenes:
    """Draws scenes with everything random in them."""

    def __init__(self, materials: Materials, seed: int) -> None:
        self._photos = materials.photos
        self._dice = Dice(seed, materials.photos.device)
        self._skins = Skins(materials, self._dice)
        self._things, self._camera = Things(self._skins, self._dice), Camera(self._dice)

    def draw(self, count: int, length: int, side: int) -> Shots:
        """`count` scenes of `length` shots of `side` pixels. The object is there on the first."""
        random = self._dice.random
        photo, time = self._skins.some_photos(count), self._times(count, length)
        speed = np.exp(random.normal(np.log(0.06), 0.9, (count, 1, 1))).clip(0, 0.35)
        flight = self._dice.ways(count)[:, None] * speed * time[..., None]
        half = 1 / random.uniform(1.25, 1.9, count)
        off = random.normal(0, 0.07, (count, length, 2))  # how far a tracker's crop is off
        target = self._things.moving(half, off, time, self._skins.draw(length, photo))
        place, matrix = self._ground(flight - off)
        canvas = self._camera.blurred(self._photograph(photo, place, matrix, side), 0.3, 0.15)
        for chance in OTHERS:
            rows = self._dice.some(count, chance)
            if len(rows):
                thing = self._things.beside(rows, target, half, flight, time, photo)
                canvas[rows] = paste(canvas[rows], self._things.layer(thing, side))
        layer = self._camera.smeared(self._object(target, half, time, photo, side))
        rows = self._dice.some(count, SHADOWS)
        canvas[rows] = self._camera.shaded(canvas[rows], layer[rows])
        canvas, mask = paste(canvas, layer), layer[:, :, 3].clone()
        for chance in COVERS:
            rows = self._dice.some(count, chance)
            if len(rows):
                cover = self._things.cover(rows, target, half, time, photo, side)
                canvas[rows] = paste(canvas[rows], cover)
                mask[rows] = mask[rows] * (1 - cover[:, :, 3])
        origin = self._origin(target, place, matrix, mask)
        rgb, mask = self._camera.filmed(*self._camera.ended(canvas, mask, flight))
        return Shots(rgb, mask, origin)

    def _times(self, count: int, length: int) -> Numbers:
        """(B, T): of every shot, in usual steps."""
        later = np.where(self._dice.random.random(count) < LATER, self._dice.random.integers(3, 10, count), 0)
        times: Numbers = np.arange(length) + later[:, None] * (np.arange(length) > 0.0)
        return times

    def _object(self, target: Thing, half: Numbers, time: Numbers, photo: Rows, side: int) -> Tensor:
        """RGBA of the object: some are two things, as a rider and what is ridden are one; some are away."""
        random, (count, length) = self._dice.random, time.shape
        layer = self._things.layer(target, side)
        rows = self._dice.some(count, RIDDEN)
        if len(rows):
            size = half[rows] * random.uniform(0.4, 0.8, len(rows))
            middle = target.middle[rows] + random.normal(0, 0.3, (len(rows), 1, 2)) * half[rows, None, None]
            pictures = self._skins.draw(length, photo[rows])
            rider = self._things.moving(size, middle, time[rows], pictures)
            layer[rows] = over(layer[rows], self._things.layer(rider, side))
        there = np.ones((count, length))
        for row in self._dice.some(count, GONE):
            first = random.integers(1, length)
            there[row, first : first + random.integers(1, length + 1)] = 0
        layer[:, :, 3:] *= self._dice.to(there)[:, :, None, None, None]
        return layer

    def _ground(self, flight: Numbers) -> tuple[Numbers, Numbers]:
        """Where the crop lies in the photograph: middle (B, T, 2), and matrix (B, T, 2, 2)."""
        random, (count, length, _) = self._dice.random, flight.shape
        zoom = np.exp(np.cumsum(random.normal(0, 0.03, (count, length)), 1))
        cut = random.uniform(0.15, 0.75, (count, 1)) * zoom
        turn = np.cumsum(random.normal(0, 0.01, (count, length)), 1)
        flip = random.choice([-1, 1], (count, 1))
        cos, sin = np.cos(turn), np.sin(turn)
        axes = np.stack([np.stack([flip * cos, -sin], -1), np.stack([flip * sin, cos], -1)], -2)
        matrix = cut[..., None, None] * axes
        start = random.uniform(-1, 1, (count, 1, 2)) * (1 - cut[:, :1, None]).clip(0)
        return start + (matrix @ flight[..., None])[..., 0], matrix

    def _photograph(self, photo: Rows, place: Numbers, matrix: Numbers, side: int) -> Tensor:
        """(B, T, 3, S, S) in 0..1"""
        random, (count, length) = self._dice.random, place.shape[:2]
        pictures = self._photos[self._dice.index(photo)].float() / 255
        theta = self._dice.to(np.concatenate([matrix, place[..., None]], -1))
        shots = []
        for index in range(length):
            grid = F.affine_grid(theta[:, index], [count, 1, side, side], align_corners=False)
            shots.append(F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False))
        gain = random.uniform(0.6, 1.3, (count, 1)) * np.exp(random.normal(0, 0.12, (count, 3)))
        shift = random.uniform(-0.1, 0.1, (count, 1)) + random.normal(0, 0.03, (count, 3))
        gains, shifts = (self._dice.to(own)[:, None, :, None, None] for own in (gain, shift))
        return (torch.stack(shots, 1) * gains + shifts).clamp(0, 1)

    def _origin(self, target: Thing, place: Numbers, matrix: Numbers, mask: Tensor) -> Tensor:
        """What optical flow would say: the object's motion on it, the ground's elsewhere, with errors."""
        count, length, side = mask.shape[0], mask.shape[1], mask.shape[2] // 2
        before = np.maximum(np.arange(length) - 1, 0)
        full = np.concatenate([target.matrix, np.tile([0.0, 0, 1], (count, length, 1, 1))], -2)
        own = (np.linalg.inv(full[:, before]) @ full)[..., :2, :]
        back = np.linalg.inv(matrix[:, before])
        moved = np.concatenate([back @ matrix, back @ (place - place[:, before])[..., None]], -1)
        of_object, of_ground = (
            F.affine_grid(
                self._dice.to(theta).flatten(0, 1), [count * length, 1, side, side], align_corners=False
            )
            for theta in (own, moved)
        )
        # Flow is smooth: near the object all moves as it does.
        near = F.avg_pool2d(F.max_pool2d(mask.flatten(0, 1)[:, None], 7, 2, 3), 5, 1, 2)[:, 0, ..., None]
        origin = of_ground.lerp(of_object, near) + flow_errors(self._dice, count, length, side)
        return by_scene(origin, count)


def flow_errors(dice: Dice, count: int, length: int, side: int) -> Tensor:
    """(count length, side, side, 2): smooth, in -1..1 across the crop."""
    size = np.exp(dice.random.normal(np.log(0.012), 0.7, (count, length, 1, 1, 1)))
    error = dice.to(size * dice.random.normal(0, 1, (count, length, 2, 6, 6))).flatten(0, 1)
    return F.interpolate(error, (side, side), mode="bicubic", align_corners=False).permute(0, 2, 3, 1)
