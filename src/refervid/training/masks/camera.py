"""What a camera, its light and the picture's end do to a scene. Pictures are (n, T, C, S, S) in 0..1."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from refervid.training.masks.dice import Dice, Numbers, along, by_scene
from refervid.training.masks.things import premultiplied, straight

BORDER = 0.15
"""Share of scenes in which the picture ends within the crop."""


class Camera:
    def __init__(self, dice: Dice) -> None:
        self._dice = dice

    def blurred(self, picture: Tensor, focus: float, streak: float) -> Tensor:
        """A share `focus` of the scenes out of focus, a share `streak` blurred by motion."""
        random, count = self._dice.random, len(picture)
        coarse = random.choice([0, 2, 3, 4], count, p=[1 - focus, focus * 0.5, focus * 0.3, focus * 0.2])
        for factor in (2, 3, 4):
            rows = np.flatnonzero(coarse == factor)
            if len(rows):
                own = picture[rows].flatten(0, 1)
                own = F.interpolate(
                    F.avg_pool2d(own, factor), own.shape[2:], mode="bilinear", align_corners=False
                )
                picture[rows] = by_scene(own, len(rows))
        rows = self._dice.some(count, streak)
        if len(rows):
            picture[rows] = self._streaked(picture[rows])
        return picture

    def smeared(self, layer: Tensor) -> Tensor:
        """Some RGBA layers blurred in themselves, as things are that move fast."""
        return straight(self.blurred(premultiplied(layer), 0.06, 0.12))

    def shaded(self, canvas: Tensor, layer: Tensor) -> Tensor:
        """With a soft shadow that an RGBA layer casts on what lies behind."""
        if not len(canvas):
            return canvas
        random, (count, _, _, side, _) = self._dice.random, canvas.shape
        soft = F.avg_pool2d(layer[:, :, 3], 9, 4, 4)
        soft = F.interpolate(soft, (side, side), mode="bilinear", align_corners=False)
        down, right = (int(step) for step in random.integers(-side // 32, side // 10, 2))
        depth = self._dice.to(random.uniform(0.2, 0.7, count))[:, None, None, None]
        return canvas * (1 - depth * torch.roll(soft, (down, right), (2, 3)))[:, :, None]

    def ended(self, canvas: Tensor, mask: Tensor, flight: Numbers) -> tuple[Tensor, Tensor]:
        """Some pictures end within the crop: beyond, a tracker repeats their edge."""
        random, (count, _, _, side, _) = self._dice.random, canvas.shape
        rows = self._dice.some(count, BORDER)
        if not len(rows):
            return canvas, mask
        end = random.integers(4, size=(len(rows), 1))
        places = []
        for axis in (0, 1):
            course = flight[rows][..., axis]
            edges = random.uniform(0.4, 1, (2, len(rows), 1))
            low = np.where(end == 2 * axis, -edges[0] - course, -1).clip(-1, -0.3)
            high = np.where(end == 2 * axis + 1, edges[1] - course, 1).clip(0.3, 1)
            steps = along(side, self._dice.device)
            places.append(steps.clamp(self._dice.to(low)[..., None], self._dice.to(high)[..., None]))
        x = places[0][:, :, None].expand(-1, -1, side, -1)
        y = places[1][:, :, :, None].expand(-1, -1, -1, side)
        both = torch.cat([canvas[rows], mask[rows][:, :, None]], 2).flatten(0, 1)
        grid = torch.stack([x, y], -1).flatten(0, 1)
        both = F.grid_sample(both, grid, "nearest", "border", align_corners=False)
        both = by_scene(both, len(rows))
        canvas[rows], mask[rows] = both[:, :, :3], both[:, :, 3]
        return canvas, mask

    def filmed(self, canvas: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Light, blur, low resolution and noise; RGB in 0..255."""
        random, (count, length, _, side, _) = self._dice.random, canvas.shape
        light = self._dice.to(random.uniform(0.75, 1.25, (count, 1, 3, 3)))
        light = F.interpolate(light, (side, side), mode="bicubic", align_corners=False)[:, None]
        gain = np.exp(random.normal(0, 0.05, (count, length, 1)) + random.normal(0, 0.03, (count, length, 3)))
        both = torch.cat([canvas * light * self._dice.to(gain)[..., None, None], mask[:, :, None]], 2)
        both = self.blurred(both, 0, 0.15)
        rgb = self.blurred(both[:, :, :3], 0.35, 0)
        shape = (count, length, 1, side, side)
        grain = torch.randn(shape, generator=self._dice.noise, device=self._dice.device)
        rgb = rgb + grain * self._dice.wide(random.uniform(0, 0.025, count))
        return (rgb.clamp(0, 1) * 255).round(), both[:, :, 3].clamp(0, 1)

    def _streaked(self, picture: Tensor) -> Tensor:
        random, (count, length, _, side, _) = self._dice.random, picture.shape
        way = self._dice.ways(count) * random.uniform(2, 8, (count, 1)) * 2 / side
        total = torch.zeros_like(picture)
        for step in (-1, -0.5, 0, 0.5, 1):
            theta = np.tile(np.eye(2, 3), (count, 1, 1))
            theta[..., 2] = way * step
            grid = F.affine_grid(
                self._dice.to(np.repeat(theta, length, 0)),
                [count * length, 1, side, side],
                align_corners=False,
            )
            moved = F.grid_sample(picture.flatten(0, 1), grid, padding_mode="border", align_corners=False)
            total += by_scene(moved, count) / 5
        return total
