"""One pass over frames in one direction, for all objects at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from refervid.core.types import Mask
from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.tracker.pivots import Pivots
from refervid.engines.lite.tracker.rivals import Rivals
from refervid.engines.lite.tracker.search import place_of
from refervid.engines.lite.tracker.seed import Seed
from refervid.engines.lite.tracker.sight import Eyes, Found
from refervid.engines.lite.tracker.target import Aim, Target
from refervid.engines.lite.tracker.view import View

Answer = tuple[Mask, float] | None
"""An object's mask (H, W) at clip size with its presence; None: it is not there."""


class Sweep:
    """All objects in one direction, each on the frames whose nearest pivot lies behind."""

    def __init__(self, eyes: Eyes, scene: Scene, pivots: Sequence[Pivots], direction: int) -> None:
        self._eyes, self._scene, self._direction = eyes, scene, direction
        self._pivots = pivots
        self._targets: dict[int, Target] = {}
        self._rivals = Rivals()

    def enter(self, first: int) -> None:
        """Begin with frame `first`, carrying what has its nearest pivot right before it."""
        for number, pivots in enumerate(self._pivots):
            seed = pivots.seeds.get(first - self._direction)
            if seed is not None and not seed.empty:
                self._targets[number] = Target(
                    seed, pivots.memory(first - self._direction), self._scene.picture_size
                )

    def forget(self, number: int) -> None:
        """Carry an object no further."""
        self._targets.pop(number, None)
        self._rivals.forget(number)

    def visit(self, view: View) -> dict[int, Answer]:
        """What is carried onto this frame, or starts there, by its place among the pivots."""
        answers = self._start(view)
        active = self._carried(view)
        aims = self._aims(view, active)
        sights = self._eyes.look(view.picture, [aim.crop for aim in aims.values()]) if aims else []
        known = [
            {**aim.known, **self._targets[number].memory.known(sight)}
            for (number, aim), sight in zip(aims.items(), sights, strict=True)
        ]
        decoded = self._eyes.decode(sights, known)
        found = {
            number: Found(seen.odds - aim.against, seen.presence)
            for (number, aim), seen in zip(aims.items(), decoded, strict=True)
        }
        self._rivals.divide(active, {number: aim.crop for number, aim in aims.items()}, found)
        answers |= dict.fromkeys(active)
        for number, sight in zip(aims, sights, strict=True):
            target = active[number]
            if target.settle(sight, found[number]):
                answers[number] = at_clip_size(self._scene, target.seed), target.presence
        self._rivals.meet(active)
        return answers

    def _start(self, view: View) -> dict[int, Answer]:
        """The objects that have a pivot on this frame start anew from that."""
        answers: dict[int, Answer] = {}
        for number, pivots in enumerate(self._pivots):
            if view.index not in pivots.seeds:
                continue
            seed = pivots.seeds[view.index]
            answers[number] = at_clip_size(self._scene, seed), 1.0 - seed.empty
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
            for number, pivots in enumerate(self._pivots)
            if number in self._targets
            and view.index not in pivots.seeds
            and pivots.nearest_is_behind(view.index, self._direction)
        }

    def _aims(self, view: View, active: Mapping[int, Target]) -> dict[int, Aim]:
        aims = {}
        for number, target in active.items():
            if view.after_cut:
                target.lose()
                target.anywhere = True
            if not target.lost:
                aims[number] = target.aim(view)
                continue
            target.wait()
            crop = place_of(self._eyes, view, target, self._rivals.of(number, active))
            if crop is not None:
                aims[number] = Aim(crop, {})
        return aims


def at_clip_size(scene: Scene, seed: Seed) -> Mask:
    if seed.exact is not None:
        assert seed.exact.mask is not None
        return seed.exact.mask
    (height, width), (h, w) = scene.clip_size, scene.picture_size
    return seed.crop.spread(seed.odds, (height, width), (width / w, height / h), -1) > 0
