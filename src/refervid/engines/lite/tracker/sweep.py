"""One pass over frames in one direction, for all objects at once."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import TypeVar

from refervid.core.types import Mask
from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.computing import CORES, on_all_cores
from refervid.engines.lite.tracker.crop import Crop, Plane
from refervid.engines.lite.tracker.pivots import Pivots
from refervid.engines.lite.tracker.rivals import Rivals
from refervid.engines.lite.tracker.search import place_of
from refervid.engines.lite.tracker.seed import SURE_ODDS, Seed
from refervid.engines.lite.tracker.sight import Eyes, Found, Sight
from refervid.engines.lite.tracker.target import Aim, Target, look
from refervid.engines.lite.tracker.view import View

T = TypeVar("T")

FARTHEST_BACK = 32
"""Frames at most that an object which is found again is followed back."""

Answer = tuple[Mask, float] | None
"""An object's mask (H, W) at clip size with its presence; None: it is not there."""


class Sweep:
    """All objects in one direction, each on the frames whose nearest pivot lies behind.

    `pivots` by the objects' numbers may change between visits.
    """

    def __init__(self, eyes: Eyes, scene: Scene, pivots: Mapping[int, Pivots], direction: int) -> None:
        self._eyes, self._scene, self._direction = eyes, scene, direction
        self._pivots = pivots
        self._targets: dict[int, Target] = {}
        self._rivals = Rivals()
        self._away: defaultdict[int, deque[int]] = defaultdict(deque)
        self._shown: deque[dict[int, tuple[Crop, Plane]]] = deque(maxlen=FARTHEST_BACK + 1)

    def enter(self, first: int) -> None:
        """Begin with frame `first`, carrying what has its nearest pivot right before it."""
        for number, pivots in self._pivots.items():
            seed = pivots.seeds.get(first - self._direction)
            if seed is not None and not seed.empty:
                self._targets[number] = Target(
                    seed, pivots.memory(first - self._direction), self._scene.picture_size
                )

    def forget(self, number: int) -> None:
        """Carry an object no further."""
        self._targets.pop(number, None)
        self._away.pop(number, None)
        self._rivals.forget(number)

    def known(self, view: View) -> Iterator[tuple[int, int, Answer]]:
        """Frames with an object's number and answer, which after this visit are known for good: where an
        object is not found it may still be, too small a part of it to be found, until it is found again.
        """
        for number, answer in self.visit(view).items():
            away = self._away[number]
            if answer is None:
                away.append(view.index)
                if len(away) > FARTHEST_BACK:
                    yield away.popleft(), number, None
                continue
            yield view.index, number, answer
            if away:
                again = view.index not in self._pivots[number].seeds
                before = self._followed_back(number, view, away) if again else {}
                yield from ((index, number, before.get(index)) for index in away)
                away.clear()

    def visit(self, view: View) -> dict[int, Answer]:
        """What is carried onto this frame, or starts there, by its number."""
        answers = self._start(view)
        active = self._carried(view)
        for target in active.values():
            if view.after_cut:
                target.lose()
                target.anywhere = True
            if target.lost:
                target.wait()
        seen = self._on_all_cores(partial(self._look, view, active), active)
        found = {number: one for number, (_, one) in seen.items()}
        self._rivals.divide(active, {number: sight.crop for number, (sight, _) in seen.items()}, found)
        answers |= dict.fromkeys(active)
        answers |= self._on_all_cores(
            lambda own: {
                number: self._settle(active[number], seen[number][0], found[number]) for number in own
            },
            found,
        )
        self._rivals.meet(active)
        self._shown.append({number: (one.crop, one.odds) for number, one in active.items() if not one.lost})
        return answers

    def _followed_back(self, number: int, view: View, away: Sequence[int]) -> dict[int, Answer]:
        """Answers on the last frames of `away`, as far as what is found on this frame was there already."""
        answers: dict[int, Answer] = {}
        target = deepcopy(self._targets[number])
        for past, index in enumerate(reversed(away), 1):
            before = View(self._scene, index, -self._direction)
            if index != view.index - past * self._direction or before.after_cut:
                break
            [(sight, found)] = look(self._eyes, before, [target], [target.aim(before)])
            for other, (crop, odds) in self._shown[-1 - past].items():
                if self._rivals.differ(number, other):
                    found.odds[crop.sample(odds, sight.crop.places(), -SURE_ODDS) > 0] = -SURE_ODDS
            answer = self._settle(target, sight, found)
            if answer is None:
                break
            answers[index] = answer
        return answers

    def _on_all_cores(
        self, work: Callable[[Sequence[int]], dict[int, T]], numbers: Iterable[int]
    ) -> dict[int, T]:
        """What `work` finds for these objects, which the cores share."""
        numbers = list(numbers)
        groups = [group for first in range(CORES) if (group := numbers[first::CORES])]
        found: dict[int, T] = {}
        for part in on_all_cores(work, groups):
            found |= part
        return found

    def _start(self, view: View) -> dict[int, Answer]:
        """The objects that have a pivot on this frame start anew from that."""
        answers: dict[int, Answer] = {}
        for number, pivots in self._pivots.items():
            if view.index not in pivots.seeds:
                continue
            seed = pivots.seeds[view.index]
            answers[number] = mask_of(self._scene, seed), 1.0 - seed.empty
            if not seed.empty:
                self._targets[number] = Target(seed, pivots.memory(view.index), self._scene.picture_size)
                self._rivals.forget(number)
            elif number in self._targets:
                self._targets[number].lose()
        return answers

    def _carried(self, view: View) -> dict[int, Target]:
        """The objects that come onto this frame from the one before."""
        return {
            number: self._targets[number]
            for number, pivots in self._pivots.items()
            if number in self._targets
            and view.index not in pivots.seeds
            and pivots.nearest_is_behind(view.index, self._direction)
        }

    def _look(
        self, view: View, active: Mapping[int, Target], numbers: Sequence[int]
    ) -> dict[int, tuple[Sight, Found]]:
        """What is seen of these objects where they are thought to be, if anything looks like them."""
        aims: dict[int, Aim] = {}
        for number in numbers:
            target = active[number]
            if not target.lost:
                aims[number] = target.aim(view)
                continue
            crop = place_of(self._eyes, view, target, self._rivals.of(number, active))
            if crop is not None:
                aims[number] = Aim(crop, {})
        return dict(
            zip(aims, look(self._eyes, view, [active[one] for one in aims], [*aims.values()]), strict=True)
        )

    def _settle(self, target: Target, sight: Sight, found: Found) -> Answer:
        if not target.settle(sight, found):
            return None
        return at_clip_size(self._scene, target.crop, target.odds), target.presence


def mask_of(scene: Scene, seed: Seed) -> Mask:
    """(H, W) at clip size."""
    if seed.exact is not None:
        assert seed.exact.mask is not None
        return seed.exact.mask
    return at_clip_size(scene, seed.crop, seed.odds)


def at_clip_size(scene: Scene, crop: Crop, odds: Plane) -> Mask:
    """(H, W): where the odds (`GRID`, `GRID`) of a crop are above 0."""
    (height, width), (h, w) = scene.clip_size, scene.picture_size
    return crop.spread(odds, (height, width), (width / w, height / h))
