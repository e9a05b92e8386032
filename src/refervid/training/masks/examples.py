"""Training examples: pairs of shots with what is known beforehand on each."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from refervid.training.masks.collage import Shot
from refervid.training.masks.prompts import box_plane, carried_plane, points_plane

LEAST_AREA_PX = 80
"""Of the object on the first shot."""

FIRST = {
    ("box",): 0.5,
    ("box", "points"): 0.1,
    ("points",): 0.2,
    ("carried", "points"): 0.1,
    ("carried",): 0.1,
}
"""What is known on the first shot, and how often."""
SECOND = {
    ("votes", "likeness", "carried"): 0.45,
    ("votes", "likeness"): 0.2,
    ("votes", "likeness", "carried", "box"): 0.1,
    ("votes", "likeness", "box"): 0.1,
    ("votes", "likeness", "carried", "points"): 0.05,
    ("votes",): 0.05,
    ("carried", "likeness"): 0.05,
}
"""On the second; votes and likeness come from the first."""


class PairSource(Protocol):
    def pair(self, random: np.random.Generator) -> tuple[Shot, Shot]: ...


class Examples(Dataset[dict[str, Tensor]]):
    """`count` examples. Each: `rgb` (2, 3, S, S) uint8, `mask` (2, S, S), `remembered` (S, S): the first
    mask as a tracker would know it, `known` (2, 3, S, S): box, carried and points, and `use` (2,): whether
    votes and likeness of the second shot are given.
    """

    def __init__(self, source: PairSource, count: int, seed: int) -> None:
        self._source, self._count, self._seed = source, count, seed

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        random = np.random.default_rng((self._seed, index))
        while True:
            shots = self._source.pair(random)
            if (shots[0].mask > 0.5).sum() >= LEAST_AREA_PX:
                break
        chosen = [_draw(FIRST, random), _draw(SECOND, random)]
        first = shots[0].mask
        remembered = (carried_plane(first, random) + 1) / 2 if random.random() < 0.3 else first
        known = [_planes(shot, names, random) for shot, names in zip(shots, chosen, strict=True)]
        return {
            "rgb": torch.from_numpy(np.stack([shot.rgb for shot in shots])).permute(0, 3, 1, 2),
            "mask": torch.from_numpy(np.stack([shot.mask for shot in shots])),
            "remembered": torch.from_numpy(remembered),
            "known": torch.from_numpy(np.stack(known)),
            "use": torch.tensor([float(name in chosen[1]) for name in ("votes", "likeness")]),
        }


def _planes(shot: Shot, names: tuple[str, ...], random: np.random.Generator) -> NDArray[np.float32]:
    draws = {"box": box_plane, "carried": carried_plane, "points": points_plane}
    nothing = np.zeros_like(shot.mask)
    seen = bool((shot.mask > 0.5).any())
    # A box or point is given only for what is there; a carried mask may be stale.
    return np.stack(
        [
            draw(shot.mask, random) if name in names and (seen or name == "carried") else nothing
            for name, draw in draws.items()
        ]
    )


def _draw(chances: dict[tuple[str, ...], float], random: np.random.Generator) -> tuple[str, ...]:
    kinds = list(chances)
    return kinds[int(random.choice(len(kinds), p=list(chances.values())))]
