"""What things look like: shapes and figures in colours and textures of photographs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from refervid.training.masks.dice import Dice, Numbers, Rows
from refervid.training.masks.figures import Figures
from refervid.training.masks.materials import PHOTO_SIDE, SHAPE_SIDE, Materials

FIGURES, HIDDEN = 0.3, 0.2
"""Shares of things that are jointed figures, and that have the ground's texture."""
PLAIN, LIT, MIXED, TEXTURED = 0.1, 0.35, 0.2, 0.35
"""Shares of things in colours of their own, lit by a photograph's texture, mixed with it, and all of it."""


class Skins:
    """Pictures (n, T or 1, 4, P, P) RGBA in 0..1 of one thing a row."""

    def __init__(self, materials: Materials, dice: Dice) -> None:
        self._materials, self._dice = materials, dice
        self._figures = Figures(np.random.default_rng(0))

    def some_photos(self, count: int) -> Rows:
        return self._dice.random.integers(len(self._materials.photos), size=count)

    def draw(self, length: int, ground: Rows) -> Tensor:
        """`ground` (n,): the photographs that lie behind."""
        count, random = len(ground), self._dice.random
        shapes = self._materials.shapes[self._dice.index(self._materials.some_shapes(random, count))]
        pictures = (shapes.float() / 255)[:, None]
        figures = self._dice.some(count, FIGURES)
        if len(figures):
            pictures = pictures.repeat(1, length, 1, 1, 1)
            pictures[figures] = self._figures.draw(
                len(figures), length, SHAPE_SIDE, random, self._dice.device
            )
        return self._dressed(pictures, ground)

    def texture(self, photo: Rows) -> Tensor:
        """(n, 3, P, P) in 0..1: random pieces of photographs."""
        random, count = self._dice.random, len(photo)
        cut = PHOTO_SIDE * random.uniform(0.1, 0.6, count)
        corner = random.uniform(0, 1, (2, count)) * (PHOTO_SIDE - cut)
        steps = np.arange(SHAPE_SIDE) / SHAPE_SIDE
        y, x = (
            self._dice.index((corner[axis][:, None] + cut[:, None] * steps).astype(np.int64))
            for axis in (0, 1)
        )
        index = self._dice.index(photo)[:, None, None, None]
        channel = torch.arange(3, device=self._dice.device)[None, :, None, None]
        return self._materials.photos[index, channel, y[:, None, :, None], x[:, None, None, :]].float() / 255

    def _dressed(self, pictures: Tensor, ground: Rows) -> Tensor:
        random, count = self._dice.random, len(pictures)
        hidden = random.random(count) < HIDDEN
        texture = self.texture(np.where(hidden, ground, self.some_photos(count)))[:, None]
        kind = random.choice(4, count, p=[PLAIN, LIT, MIXED, TEXTURED])
        contrast = np.where(kind == 1, random.uniform(0.5, 1.5, count), 0)
        share = np.select([kind == 2, kind == 3], [0.7, 1.0], 0.0)
        lit = 1 + self._dice.wide(contrast) * (2 * texture.mean(2, keepdim=True) - 1)
        own = (random.random(count) < 0.6)[:, None]
        gain = np.where(own, random.uniform(0.4, 1.4, (count, 3)), 1)
        shift = np.where(own, random.uniform(-0.16, 0.16, (count, 3)), 0)
        colours = (self._coloured(pictures[:, :, :3], gain, shift) * lit).lerp(
            texture, self._dice.wide(share)
        )
        shade = self._dice.to(random.normal(0, 0.25, (count, 1, 2, 2)))
        shade = F.interpolate(shade, (SHAPE_SIDE, SHAPE_SIDE), mode="bilinear", align_corners=True)
        return torch.cat([(colours * (1 + shade[:, None])).clamp(0, 1), pictures[:, :, 3:]], 2)

    def _coloured(self, rgb: Tensor, gain: Numbers, shift: Numbers) -> Tensor:
        return (
            rgb * self._dice.to(gain)[:, None, :, None, None] + self._dice.to(shift)[:, None, :, None, None]
        )
