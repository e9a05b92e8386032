"""All pivots of one object, as seeds to start from and looks to remember."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from torch import Tensor

from refervid.core.types import Pivot
from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.computing import on_all_cores
from refervid.engines.lite.tracker.memory import Entry, Memory, mixed, test_of
from refervid.engines.lite.tracker.seed import Seed, is_correction, seed_of
from refervid.engines.lite.tracker.sight import Eyes
from refervid.engines.lite.tracker.target import Target, look
from refervid.engines.lite.tracker.view import View

NEAREST = 4
"""Pivots whose looks are remembered at a time."""


class Pivots:
    """`seeds` by frame: boxes and masks become seeds first, then corrections, those near a seed first."""

    def __init__(self, eyes: Eyes, scene: Scene, pivots: Sequence[Pivot]) -> None:
        self._eyes, self._scene = eyes, scene
        self._look = lru_cache(maxsize=2 * NEAREST)(self._look_anew)
        given: dict[int, list[Pivot]] = {}
        for pivot in pivots:
            given.setdefault(pivot.frame_index, []).append(pivot)
        corrections = {index: own for index, own in given.items() if is_correction(own)}
        first = [index for index in given if index not in corrections]
        seeds = on_all_cores(lambda index: seed_of(eyes, View(scene, index), given[index]), first)
        self.seeds = dict(zip(first, seeds, strict=True))
        self._refine(given)
        while corrections:
            pairs = [(abs(index - start), index, start) for index in corrections for start in self._starts()]
            if pairs:
                _, index, start = min(pairs)
                carried = self._carry(start, index)
            else:
                index, carried = min(corrections), None
            self.seeds[index] = seed_of(eyes, View(scene, index), corrections.pop(index), carried)
        self._places = np.array(sorted(self._starts()))

    @property
    def mark_nothing(self) -> bool:
        return not len(self._places)

    def nearest_is_behind(self, index: int, direction: int) -> bool:
        """Is it, for a sweep in `direction`? At equal distance the frame belongs to the forward sweep."""
        passed = (index - self._places) * direction
        ahead = -passed[passed < 0]
        lead = ahead.min() - passed[passed > 0].min() if len(ahead) else 1
        return bool(lead > 0 or (lead == 0 and direction > 0))

    def memory(self, index: int, without: bool = False) -> Memory:
        """Of the pivots nearest to a frame that do not contradict the first; `without` the one on it."""
        starts = sorted(self._starts(), key=lambda start: abs(start - index))
        near = [self._look(start) for start in starts if not (without and start == index)][:NEAREST]
        looks = [look for look in near if look is near[0] or near[0][0].agrees_with(look[0])]
        test = looks[0][1]
        for number, (_, other) in enumerate(looks[1:], 2):
            test = mixed(test, other, 1 / number)
        return Memory([entry for entry, _ in looks], test)

    def _starts(self) -> list[int]:
        return [index for index, seed in self.seeds.items() if not seed.empty]

    def _look_anew(self, index: int) -> tuple[Entry, tuple[Tensor, Tensor]]:
        seed = self.seeds[index]
        [sight] = self._eyes.look(self._scene.picture(index), [seed.crop])
        return Entry.of(sight, seed.odds), test_of(sight, seed.odds)

    def _refine(self, given: dict[int, list[Pivot]]) -> None:
        """What boxes on several frames hold is found once more, with what the others hold in mind."""
        boxes = [index for index in self._starts() if self.seeds[index].exact is None]
        if len(self._starts()) < 2:
            return
        boxes.sort()
        memories = [self.memory(index, without=True) for index in boxes]
        better = on_all_cores(
            lambda pair: seed_of(self._eyes, View(self._scene, pair[0]), given[pair[0]], memory=pair[1]),
            zip(boxes, memories, strict=True),
        )
        self.seeds |= {index: seed for index, seed in zip(boxes, better, strict=True) if not seed.empty}
        self._look.cache_clear()

    def _carry(self, start: int, end: int) -> Seed | None:
        """The mask that reaches frame `end` from the seed on frame `start`."""
        direction = 1 if end > start else -1
        target = Target(self.seeds[start], self.memory(start), self._scene.picture_size)
        for index in range(start + direction, end + direction, direction):
            view = View(self._scene, index, direction)
            [seen] = look(self._eyes, view, [target], [target.aim(view)])
            if not target.settle(*seen):
                return None
        return target.seed
