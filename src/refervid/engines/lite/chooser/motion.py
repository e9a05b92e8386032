"""How well a region's motion over the clip fits a motion word.

Speeds are shares of the frame's diagonal a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.chooser.point_tracks import PointTrack
from refervid.engines.lite.fuzzy import rise
from refervid.engines.lite.language import Attribute

MOVES = (0.012, 0.05)
"""Speed at which a thing begins to count as moving (errors of flow are smaller), and surely moves."""
GROWS = (0.05, 0.3)
"""Growth (logarithm of the size) from which a thing begins to count as coming near, and surely does."""
GONE = 0.2
"""Share of its points below which a region counts as out of sight."""
STRETCHES = 8
"""A sequence of motions is cut at the ends of so many equal stretches, of more if it has more steps."""
_WHILE = {"rising": "up"}
"""What is seen of it while it happens."""
_WITHIN = {**_WHILE, "stops": "still", "starts": "moving"}
"""What is seen of it within a sequence, where "stops" is the stretch that follows the stop."""
TOLD_IN_PART = ("resting", "rising", "walking", "dancing", "driving", "drifting", "swinging")
"""Of these only whether something moves is measured: who swings a club does not swing as a whole."""
_DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


@dataclass(frozen=True)
class Motions:
    """The part of a point track between two of its rows, with what all measures need."""

    point_track: PointTrack
    seconds: NDArray[np.float64]
    diagonal: float
    start: int
    end: int

    def part(self, start: int, end: int) -> Motions:
        return Motions(self.point_track, self.seconds, self.diagonal, start, end)

    @property
    def _known(self) -> NDArray[np.intp]:
        inside = np.arange(self.start, self.end)
        return inside[np.isfinite(self.point_track.agitation[inside])]

    @property
    def speed(self) -> float:
        """What the thing reaches a quarter of the time, its limbs' motion included."""
        known = self._known
        if not len(known):
            return 0.0
        return float(np.percentile(self.point_track.agitation[known], 75)) / self.diagonal

    @property
    def path(self) -> NDArray[np.float64]:
        """(N, 2) positions in the scene (camera's motion removed), in lengths of the thing itself."""
        known = self._known
        steps = self.point_track.velocity[known] * self.seconds[known, None]
        return np.vstack([np.zeros((1, 2)), np.cumsum(steps, axis=0)]) / max(self.point_track.length, 1.0)

    def range_of(self, values: NDArray[np.float64]) -> float:
        inside = values[self.start : self.end + 1]
        inside = inside[np.isfinite(inside)]
        return float(inside[-1] - inside[0]) if len(inside) else 0.0


def motions_of(point_track: PointTrack, scene: Scene) -> Motions:
    """All that a point track holds."""
    seconds = np.diff(point_track.times_s, append=point_track.times_s[-1])
    return Motions(point_track, seconds, float(np.hypot(*scene.size)), 0, len(seconds) - 1)


def motion_fit(moves: Motions, value: str) -> float:
    """How well the whole stretch fits one canonical motion word."""
    grown = moves.range_of(moves.point_track.growth)
    moving = max(rise(moves.speed, *MOVES), rise(abs(grown), *GROWS))
    match value:
        case "still":
            return 1 - moving
        case "standing":  # who stands may wave, but goes nowhere
            return 1 - min(moving, max(_passage(moves), rise(abs(grown), *GROWS)))
        case "resting":  # who sits may stir or be carried, and who stands still does not sit
            return 0.75 - moving / 2
        case "stirring":  # who turns their head may stand still
            return 0.25 + moving / 2
        case "rising":  # who stands up has done so before the clip, may be, or leans over a table
            return max(0.25 + moving / 2, _direction(moves, (0, -1)))
        case "left" | "right" | "up" | "down":
            return _direction(moves, _DIRECTIONS[value])
        case "towards":
            return rise(grown, *GROWS)
        case "away":
            return rise(-grown, *GROWS)
        case "fast":
            return rise(moves.speed, 0.06, 0.25)
        case "slow":
            return moving * rise(moves.speed, 0.25, 0.08)
        case "running":
            return rise(moves.speed, 0.03, 0.12)
        case "jumping":
            return rise(_hop(moves), 0.08, 0.35)
        case "spinning":
            turned = np.abs(moves.range_of(moves.point_track.turn))
            return max(rise(turned, 0.4, 2.0), 0.6 * moving)
        case "falling":
            return _direction(moves, (0, 1))
        case "swinging":
            return moving * max(0.6, rise(_wandering(moves), 1.5, 4.0))
        case "crossing":
            return moving * _passage(moves)
        case "enters":
            return _absence(moves, at_start=True)
        case "leaves":
            return _absence(moves, at_start=False)
        case "hidden":
            return rise(_lowest_support(moves), 0.7, 0.2)
        case "stops":
            return _change(moves)
        case "starts":
            return _change(moves, backwards=True)
        case _:  # moving, and all else of `TOLD_IN_PART`
            return moving


def amount(moves: Motions, value: str) -> float:
    """The number that "the fastest", "the one that moves most" compare."""
    value = _WHILE.get(value, value)
    if value in ("still", "standing", "resting", "slow"):
        return -moves.speed
    if value in _DIRECTIONS:
        return float(moves.path[-1] @ _DIRECTIONS[value])
    if value in ("towards", "away"):
        return moves.range_of(moves.point_track.growth) * (1 if value == "towards" else -1)
    if value == "jumping":
        return _hop(moves)
    return moves.speed


def sequence_fit(moves: Motions, attributes: Sequence[Attribute]) -> float:
    """ "moves left and then stops": the best cut into as many stretches as there are phases."""
    phases = sorted({attribute.phase for attribute in attributes})
    cuts = np.linspace(moves.start, moves.end, max(STRETCHES, len(phases)) + 1).astype(int)

    def best(start: int, remaining: Sequence[int]) -> float:
        here = [attribute for attribute in attributes if attribute.phase == remaining[0]]
        if len(remaining) == 1:
            return _stretch_fit(moves.part(int(cuts[start]), moves.end), here)
        return max(
            min(_stretch_fit(moves.part(int(cuts[start]), int(cuts[cut])), here), best(cut, remaining[1:]))
            for cut in range(start + 1, len(cuts) - len(remaining) + 1)
        )

    return best(0, phases)


def onset(moves: Motions, value: str) -> float:
    """Time in seconds at which the motion is first seen for half a second; infinity: never."""
    value = _WHILE.get(value, value)
    times = moves.point_track.times_s
    for start in range(moves.start, moves.end):
        end = min(int(np.searchsorted(times, times[start] + 0.5)), moves.end)
        if end - start >= 2 and motion_fit(moves.part(start, end), value) > 0.5:
            return float(times[start])
    return float("inf")


def _stretch_fit(moves: Motions, attributes: Sequence[Attribute]) -> float:
    fits = []
    for attribute in attributes:
        value = _WITHIN.get(attribute.values[0], attribute.values[0])
        fit = motion_fit(moves, value)
        fits.append(1 - fit if attribute.negated else fit)
    return min(fits)


def _direction(moves: Motions, direction: tuple[int, int]) -> float:
    way = moves.path[-1]
    along = float(way @ direction)
    straight = along / max(float(np.linalg.norm(way)), 1e-6)
    return rise(along, 0.05, 0.4) * rise(straight, 0.2, 0.6)


def _passage(moves: Motions) -> float:
    """How surely it ends elsewhere than it began."""
    return rise(float(np.linalg.norm(moves.path[-1])), 0.3, 1.5)


def _hop(moves: Motions) -> float:
    """Largest rise above the straight line between start and end, in lengths of the thing."""
    height = -moves.path[:, 1]
    straight = np.linspace(height[0], height[-1], len(height))
    return float((height - straight).max())


def _wandering(moves: Motions) -> float:
    path = moves.path
    walked = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
    return walked / (float(np.linalg.norm(path[-1] - path[0])) + 0.3)


def _absence(moves: Motions, at_start: bool) -> float:
    """Out of sight in the first (last) tenth of the clip, but not at the other end."""
    support = moves.point_track.support[moves.start : moves.end + 1]
    tenth = max(len(support) // 10, 1)
    head, tail = float(support[:tenth].mean()), float(support[-tenth:].mean())
    away, there = (head, tail) if at_start else (tail, head)
    return rise(away, 0.6, GONE) * rise(there, GONE, 0.6)


def _lowest_support(moves: Motions) -> float:
    inside = moves.point_track.support[moves.start : moves.end + 1]
    return float(inside.min(initial=1.0))


def _change(moves: Motions, backwards: bool = False) -> float:
    third = max((moves.end - moves.start) // 3, 1)
    early = rise(moves.part(moves.start, moves.start + third).speed, *MOVES)
    late = rise(moves.part(moves.end - third, moves.end).speed, *MOVES)
    return late * (1 - early) if backwards else early * (1 - late)
