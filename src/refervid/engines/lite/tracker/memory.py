"""What is remembered of an object's looks: some frames whole, all of them in a linear test."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from refervid.engines.lite.tracker.crop import Plane
from refervid.engines.lite.tracker.sight import CELLS, Sight, shares
from refervid.models.mask_decoder import HELD, equations, likeness, nearness, solve, votes

RECENT = 2
CHOSEN = 2
"""Frames kept between the pivots and the recent ones, spread evenly over the time since."""
FIRST_GAP = 5
"""Frames from one that is kept to the next, at first."""
RECENT_REACH, FAR_REACH = 0.2, 0.5
"""Shares of a crop's side that parts of the object move, from the frame before and over longer times."""
AGREEMENT = 0.6
"""Intersection over union of what a pivot tells of another and what that one shows, from which on they are of
one object: more than where one is half of the other."""
PIVOT_SHARE = 0.5
"""Weight of the pivots in votes and linear test against all later frames together."""
RATE = 0.1
"""Weight of a new frame in the linear test: it forgets over ten frames; by eye."""
SAME_COLOURS = 0.25
"""Colours that two views of an object share at least: half of the least that any two true masks of one object
share in the development clips of DAVIS (0.49; on five of the six 0.64 and more)."""


@dataclass(frozen=True)
class Entry:
    """`keys` and `values` of the decoder, labels first; `colours` (terms,): its shares of them."""

    keys: Tensor
    values: Tensor
    colours: NDArray[np.float32]

    @classmethod
    def of(cls, sight: Sight, odds: Plane) -> Entry:
        return cls(sight.keys, sight.values(odds), _colours(sight, odds))

    def agrees_with(self, other: Entry) -> bool:
        """Does it tell from this frame what the other shows?"""
        voted = _votes(other.keys, [self], _FAR)[:, 0] > 0
        shown = other.values[:, 0] > 0
        return bool((voted & shown).sum() >= AGREEMENT * (voted | shown).sum())


class Memory:
    """Bounded: the pivots given, `CHOSEN` frames since and the last `RECENT`."""

    def __init__(self, pivots: list[Entry], test: tuple[Tensor, Tensor]) -> None:
        """`test`: equations of the pivots."""
        self._pivots = pivots
        self._chosen: list[Entry] = []
        self._recent: deque[Entry] = deque(maxlen=RECENT)
        self._pivot_test = self._since = test
        self._seen = 0
        self._gap = FIRST_GAP
        self._solve()

    def learn(self, sight: Sight, odds: Plane) -> None:
        if len(self._recent) == RECENT and self._seen % self._gap == 0:
            self._chosen.append(self._recent[0])
            if len(self._chosen) > CHOSEN:
                self._chosen = self._chosen[1::2] if len(self._chosen) % 2 == 0 else self._chosen[::2]
                self._gap *= 2
        self._recent.append(Entry.of(sight, odds))
        self._seen += 1
        fresh = test_of(sight, odds)
        self._since = mixed(self._since, fresh, RATE)
        self._solve()

    def known(self, sight: Sight) -> dict[str, NDArray[np.float32]]:
        """Votes of the pivots and of later frames (`CELLS`, `CELLS`), likeness (h, w), and what their places
        held beside labels (2 `HELD`, `CELLS`, `CELLS`).
        """
        first = _votes(sight.keys, self._pivots, _bias(len(self._pivots), 0))
        since = [*self._chosen, *self._recent]
        recent = _votes(
            sight.keys,
            since or self._pivots,
            _bias(len(self._chosen), len(self._recent) or len(self._pivots)),
        )
        planes = torch.cat([first, recent], 1).T.reshape(-1, CELLS, CELLS).numpy()
        labels, held = planes[:: 1 + HELD], np.delete(planes, [0, 1 + HELD], axis=0)
        return {
            "first": labels[0],
            "recent": labels[1],
            "held": held,
            "likeness": self._likeness(sight),
        }

    def allows(self, sight: Sight, odds: Plane) -> bool:
        """May this be the object? Place and shape do not tell it from what takes its very place, which has
        other colours, nor from what is at the picture's edge when it has gone, which looks like what was
        around it.
        """
        looks = cv2.resize(self._likeness(sight), odds.shape, interpolation=cv2.INTER_LINEAR)
        seen = _colours(sight, odds)
        entries = (*self._pivots, *self._chosen, *self._recent)
        shared = max(float(np.minimum(entry.colours, seen).sum()) for entry in entries)
        return shared >= SAME_COLOURS and bool(looks[odds > 0].mean() > 0)

    def search(self, key: Tensor, trait: Tensor) -> tuple[Tensor, Tensor]:
        """Votes (places,) and likeness (h, w) of a whole picture: `key` (places, D), `trait` (D, h, w)."""
        voted = _votes(key, self._pivots, None)[:, 0]
        since = [*self._chosen, *self._recent]
        if since:
            # The pivots vote by themselves, or errors made since would outvote what is known.
            voted = voted.lerp(_votes(key, since, None)[:, 0], 1 - PIVOT_SHARE)
        return voted, likeness(trait[None], self._coefficients)[0]

    def _likeness(self, sight: Sight) -> NDArray[np.float32]:
        looks: NDArray[np.float32] = likeness(sight.traits[None], self._coefficients)[0].numpy()
        return looks

    def _solve(self) -> None:
        products, targets = mixed(self._since, self._pivot_test, PIVOT_SHARE)
        self._coefficients = solve(products, targets)


def _colours(sight: Sight, odds: Plane) -> NDArray[np.float32]:
    shown = sight.colours[odds > 0].sum(axis=0)
    return np.asarray(shown / max(float(shown.sum()), 1e-6), np.float32)


def test_of(sight: Sight, odds: Plane) -> tuple[Tensor, Tensor]:
    trait = sight.traits[None]
    return equations(trait, shares(odds, trait.shape[-1])[None])


def mixed(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], share: float) -> tuple[Tensor, Tensor]:
    """The first with `share` of it replaced by the other."""
    return one[0].lerp(other[0], share), one[1].lerp(other[1], share)


_RECENT = nearness(CELLS, CELLS, RECENT_REACH * CELLS)
_FAR = nearness(CELLS, CELLS, FAR_REACH * CELLS)


@cache
def _bias(far: int, recent: int) -> Tensor:
    """(cells, M) for entries that lie far back, and then recent ones."""
    return torch.cat([_FAR] * far + [_RECENT] * recent + [_FAR[:, :0]], 1)


def _votes(key: Tensor, entries: list[Entry], bias: Tensor | None) -> Tensor:
    """(places, 1 + `HELD`)"""
    memory = torch.cat([entry.keys for entry in entries])
    values = torch.cat([entry.values for entry in entries])
    return votes(key[None], memory[None], values[None], bias)[0]
