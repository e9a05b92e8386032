"""Objects of one call that are not the same thing do not share pixels, and do not swap places."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from refervid.engines.lite.tracker.crop import Crop, Plane
from refervid.engines.lite.tracker.seed import SURE_ODDS
from refervid.engines.lite.tracker.sight import Found
from refervid.engines.lite.tracker.target import Target

SAME_TARGET = 0.3
"""Two objects that share so much of the smaller when they first meet are one thing, pointed at twice."""
CONTEST_SHARE = 0.05
"""Share of an object that another must claim for its course to be trusted more than what is seen."""
COURSE_WEIGHT = 8.0
"""Log odds that an object one size off its course loses."""
MOST_OFF = 2.0
"""Sizes off its course beyond which more does not count: it may have turned."""


class Rivals:
    """Knows which pairs of objects are different things."""

    def __init__(self) -> None:
        self._different: dict[tuple[int, int], bool] = {}

    def forget(self, number: int) -> None:
        """This object starts anew."""
        self._different = {pair: known for pair, known in self._different.items() if number not in pair}

    def meet(self, targets: Mapping[int, Target]) -> None:
        """Judge the pairs that are both in sight for the first time."""
        seen = {number: target for number, target in targets.items() if not target.lost}
        for one, other in combinations(sorted(seen), 2):
            if (one, other) not in self._different:
                self._different[one, other] = _shared(seen[one], seen[other]) < SAME_TARGET

    def of(self, number: int, targets: Mapping[int, Target]) -> list[Target]:
        """The different things that are in sight."""
        return [target for other, target in targets.items() if not target.lost and self.differ(number, other)]

    def differ(self, one: int, other: int) -> bool:
        """Are they known to be different things?"""
        return self._different.get((min(one, other), max(one, other)), False)

    def divide(
        self, targets: Mapping[int, Target], crops: Mapping[int, Crop], found: dict[int, Found]
    ) -> None:
        """Pixels that two different things claim go to the one with the better odds, on its course."""
        odds = {number: each.odds for number, each in found.items()}
        for number in found:
            targets[number].contested = False
        for one, other in combinations(sorted(found), 2):
            if not self.differ(one, other) or not _touch(crops[one], crops[other]):
                continue
            for mine, theirs in ((one, other), (other, one)):
                places = crops[mine].places()
                rival = crops[theirs].sample(found[theirs].odds, places, -SURE_ODDS)
                own = found[mine].odds
                lead = own + _course(targets[mine], places) - rival - _course(targets[theirs], places)
                claimed = (own > 0) & (rival > 0)
                odds[mine] = np.where(claimed & (lead < 0), -SURE_ODDS, odds[mine])
                if claimed.sum() > CONTEST_SHARE * (own > 0).sum():
                    targets[mine].contested = True
        for number, plane in odds.items():
            found[number] = Found(plane, found[number].presence)


def _course(target: Target, places: NDArray[np.float32]) -> Plane:
    """Log odds: an object is where it was heading."""
    off = np.linalg.norm(places - (target.middle + target.speed), axis=-1) / target.size
    return np.asarray(-COURSE_WEIGHT * np.minimum(off, MOST_OFF), np.float32)


def _shared(one: Target, other: Target) -> float:
    """Share of the smaller one that both show."""
    rival = other.crop.sample(other.odds, one.crop.places(), -SURE_ODDS)
    both = np.count_nonzero((one.odds > 0) & (rival > 0)) * one.crop.cell_area
    return both / max(min(one.seen_area, other.seen_area), 1.0)


def _touch(one: Crop, other: Crop) -> bool:
    return (
        one.x < other.x + other.side
        and other.x < one.x + one.side
        and one.y < other.y + other.side
        and other.y < one.y + one.side
    )
