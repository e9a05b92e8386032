"""Things that move, turn and bend, and others beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from refervid.training.masks.dice import Dice, Numbers, Rows, along, by_scene
from refervid.training.masks.skins import Skins

TWINS, BARS = 0.3, 0.4
"""Shares of other things that look like the object, and of bars among what goes by in front."""


@dataclass(frozen=True)
class Thing:
    """`pictures` (n, T or 1, 4, P, P); `matrix` (n, T, 2, 3) from the crop to the picture, both -1..1;
    `middle` (n, T, 2) in the crop; `bends` (n, T, 2, 5, 5), steps in the crop.
    """

    pictures: Tensor
    matrix: Numbers
    middle: Numbers
    bends: Numbers


class Things:
    """Crops measure 2 across; `time` (n, T) counts usual steps from shot to shot."""

    def __init__(self, skins: Skins, dice: Dice) -> None:
        self._skins, self._dice = skins, dice

    def moving(self, half: Numbers, middle: Numbers, time: Numbers, pictures: Tensor) -> Thing:
        """About `middle` (n, T, 2); `half` (n,) its longer side."""
        random, (count, length) = self._dice.random, middle.shape[:2]
        lively = np.exp(random.normal(0, 0.7, (count, 1)))
        turn = random.normal(0, 0.35, (count, 1)) + lively * random.normal(0, 0.1, (count, 1)) * time
        turn = turn + random.normal(0, 0.03, (count, length))
        size = half[:, None] * np.exp(random.normal(0, 0.05, (count, length)))
        drift = 0.04 * lively[..., None] * random.normal(0, 1, (count, 1, 2)) * time[..., None]
        stretch = np.exp(random.normal(0, 0.14, (count, 1, 2)) + drift.clip(-0.25, 0.25))
        mirror = np.stack([random.choice([-1, 1], count), np.ones(count)], -1)[:, None]
        matrix = _inverse(turn, size[..., None] * stretch * mirror, middle)
        return Thing(pictures, matrix, middle, self._bends(half, lively, time))

    def layer(self, thing: Thing, side: int) -> Tensor:
        """(n, T, 4, S, S): RGBA of the thing alone."""
        count, length = thing.matrix.shape[:2]
        theta, bends = (self._dice.to(own).flatten(0, 1) for own in (thing.matrix, thing.bends))
        grid = F.affine_grid(theta, [count * length, 1, side, side], align_corners=False)
        bend = F.interpolate(bends, (side, side), mode="bicubic", align_corners=False)
        # The picture's axes see them turned, which changes nothing random.
        grid = grid + bend.permute(0, 2, 3, 1) * theta[:, :, :2].norm(dim=2)[:, None, None]
        pictures = thing.pictures.expand(-1, length, -1, -1, -1)
        drawn = F.grid_sample(premultiplied(pictures).flatten(0, 1), grid, align_corners=False)
        return straight(by_scene(drawn, count))

    def beside(
        self, rows: Rows, target: Thing, half: Numbers, drift: Numbers, time: Numbers, ground: Rows
    ) -> Thing:
        """Something else near the object. `half`, `drift`, `time` and `ground` are of all scenes."""
        random, count = self._dice.random, len(rows)
        half, drift, time = half[rows], drift[rows], time[rows]
        gap = 2 * half * random.uniform(0.3, 0.95, count)
        own = random.normal(0, 0.06, (count, 1, 2)) * time[..., None]
        # Half of them stand still, so that they go by as the ground does; the rest keep up with the object.
        stays, wanders = random.random((2, count, 1, 1)) < 0.5
        around = (gap[:, None] * self._dice.ways(count))[:, None]
        middle = target.middle[rows] + around - drift * stays + own * wanders
        pictures = self._skins.draw(time.shape[1], ground[rows])
        twins = self._dice.some(count, TWINS)
        size = half * random.uniform(0.3, 1.3, count)
        if len(twins):
            alike = target.pictures[rows[twins]]
            gain = self._dice.to(np.exp(random.normal(0, 0.06, (len(twins), 3))))[:, None, :, None, None]
            pictures = pictures.expand(-1, max(pictures.shape[1], alike.shape[1]), -1, -1, -1).clone()
            pictures[twins] = torch.cat([(alike[:, :, :3] * gain).clamp(0, 1), alike[:, :, 3:]], 2)
            size[twins] = half[twins] * random.uniform(0.6, 1.2, len(twins))
        return self.moving(size, middle, time, pictures)

    def cover(
        self, rows: Rows, target: Thing, half: Numbers, time: Numbers, ground: Rows, side: int
    ) -> Tensor:
        """(n, T, 4, S, S): something in front that goes by, a thing or a bar."""
        random, (count, length) = self._dice.random, time.shape
        drift = random.normal(0, 0.12, (count, 1, 2)) * (np.arange(length) - length / 2)[:, None]
        thing = self.beside(rows, target, half, drift, time, ground)
        layer = self.layer(thing, side)
        bars = self._dice.some(len(rows), BARS)
        if len(bars):
            layer[bars] = self._bars(thing.middle[bars], half[rows[bars]], side)
        return layer

    def _bends(self, half: Numbers, lively: Numbers, time: Numbers) -> Numbers:
        random, count = self._dice.random, len(half)
        at_rest, there, back = random.normal(0, 1, (3, count, 1, 2, 5, 5))
        phase, pace = random.uniform(0, 2 * np.pi, (count, 1)), random.uniform(0.2, 1.2, (count, 1))
        swing = phase + pace * time
        sine, cosine = ((lively * wave)[..., None, None, None] for wave in (np.sin(swing), np.cos(swing)))
        some = (random.random(count) > 0.3) * half
        bends: Numbers = 0.075 * at_rest + 0.06 * (there * sine + back * cosine)
        return bends * some[:, None, None, None, None]

    def _bars(self, middle: Numbers, half: Numbers, side: int) -> Tensor:
        random, (count, length) = self._dice.random, middle.shape[:2]
        angle = random.choice([0, np.pi / 2], count) + random.normal(0, 0.3, count)
        normal = np.stack([np.cos(angle), np.sin(angle)], -1)
        offset = self._dice.to((middle * normal[:, None]).sum(-1))
        width = self._dice.to(half * random.uniform(0.02, 0.3, count))
        steps = along(side, self._dice.device)
        y, x = torch.meshgrid(steps, steps, indexing="ij")
        to_x, to_y = self._dice.to(normal)[:, :, None, None, None].unbind(1)
        away = (x * to_x + y * to_y - offset[..., None, None]).abs()
        alpha = ((width[:, None, None, None] - away) * side / 2 + 0.5).clamp(0, 1)
        skin = self._skins.texture(self._skins.some_photos(count))
        skin = F.interpolate(skin, (side, side), mode="bilinear", align_corners=False)
        return torch.cat([skin[:, None].expand(-1, length, -1, -1, -1), alpha[:, :, None]], 2)


def premultiplied(layer: Tensor) -> Tensor:
    """RGBA (n, T, 4, h, w) whose colours are weighed by alpha, as can be filtered; `straight` undoes it."""
    return torch.cat([layer[:, :, :3] * layer[:, :, 3:], layer[:, :, 3:]], 2)


def straight(layer: Tensor) -> Tensor:
    return torch.cat([layer[:, :, :3] / layer[:, :, 3:].clamp(min=1e-3), layer[:, :, 3:]], 2)


def over(below: Tensor, above: Tensor) -> Tensor:
    """One RGBA layer over another."""
    return straight(premultiplied(above) + premultiplied(below) * (1 - above[:, :, 3:]))


def paste(canvas: Tensor, layer: Tensor) -> Tensor:
    """An RGBA layer over an RGB picture."""
    return canvas.lerp(layer[:, :, :3], layer[:, :, 3:])


def _inverse(turn: Numbers, scale: Numbers, middle: Numbers) -> Numbers:
    """(n, T, 2, 3): from a crop to the picture that is scaled, turned and moved to `middle` there."""
    cos, sin = np.cos(turn), np.sin(turn)
    forth = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2) * scale[..., None, :]
    back = np.linalg.inv(forth)
    return np.concatenate([back, -back @ middle[..., None]], -1)
