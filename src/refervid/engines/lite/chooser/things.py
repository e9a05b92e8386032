"""Which tracks are one thing, which are meant together, and what the tracker starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from refervid.core.types import Pivot
from refervid.engines.inventory import ObjectTrack
from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.chooser.region import overlap
from refervid.engines.lite.chooser.selection import HOLDS, PLURAL_SHARE
from refervid.engines.lite.language import Expression
from refervid.engines.surest import surest_pivots

RIVAL = 0.7
"""Another thing that is worth so much of the best may be meant as well."""
SEEN_OF_EACH = ("colour", "part")
"""Statements that hold of a thing whatever the others are like, and surely."""
SAME_LOOKS = 0.6
"""Shared colours of two tracks that may be the same thing at different times."""
AGAIN_SHARE = 0.5 * PLURAL_SHARE
"""The same thing at another time may be turned, lit or cut off so that it fits what is said less well."""
AT_ONCE = 0.5
"""Two tracks with more than this share of the shorter one's sightings in common are two things, or a thing
and its part."""
SAME_PLACE = 0.6
"""Shared area, over the smaller's, from which on two tracks are one thing or its part."""


@dataclass(eq=False)
class WeighedTrack:
    """One track under one sentence: what it is worth, and how well each statement fits it."""

    track: ObjectTrack
    worth: float
    fits: dict[tuple[str, str], float]
    """(kind, words) -> fit."""

    @property
    def weakest(self) -> float:
        return min((fit for (kind, _), fit in self.fits.items() if kind != "prior"), default=1.0)


def chosen_groups(
    weighed: Sequence[WeighedTrack], expression: Expression
) -> tuple[list[list[WeighedTrack]], list[WeighedTrack]]:
    """Groups of tracks, each one thing at several times; and the rivals where one thing is asked for."""
    count = expression.count if expression.plural else 1
    groups: list[list[WeighedTrack]] = []
    rivals: list[WeighedTrack] = []
    for each in weighed:
        if each.worth < AGAIN_SHARE * weighed[0].worth:
            break
        again = [group for group in groups if all(_same_again(one.track, each.track) for one in group)]
        if again:
            again[0].append(each)
        elif (
            each.worth < PLURAL_SHARE * weighed[0].worth
            or (count is None and not _is_so_too(each, weighed[0]))
            or any(same_place(one.track, each.track) for group in groups for one in group)
        ):
            continue
        elif count is None or len(groups) < count:
            groups.append([each])
        elif each.worth >= RIVAL * weighed[0].worth:
            rivals.append(each)
    return groups, rivals


def _is_so_too(one: WeighedTrack, best: WeighedTrack) -> bool:
    """ "the brown dogs" are all that are brown, if the best is. What something is not is told less surely."""
    seen = [
        (kind, words)
        for (kind, words), fit in best.fits.items()
        if kind in SEEN_OF_EACH and not words.startswith("not ") and fit >= HOLDS
    ]
    return all(one.fits.get(said, 1.0) >= HOLDS for said in seen)


def _same_again(one: ObjectTrack, other: ObjectTrack) -> bool:
    """Alike, and mostly seen at other times; where they are seen together one is a part of the other."""
    together = np.intersect1d(one.frame_indices, other.frame_indices)
    if len(together) > AT_ONCE * min(len(one.frame_indices), len(other.frame_indices)):
        return False
    alike = float(np.minimum(one.colours, other.colours).sum()) >= SAME_LOOKS
    return alike and (not len(together) or same_place(one, other))


def same_place(one: ObjectTrack, other: ObjectTrack, least: float = SAME_PLACE) -> bool:
    rows = np.intersect1d(one.frame_indices, other.frame_indices, return_indices=True)[1:]
    pairs = zip(one.boxes_xyxy[rows[0]], other.boxes_xyxy[rows[1]], strict=True)
    shared = [overlap(a.astype(np.float64), b.astype(np.float64)) for a, b in pairs]
    return bool(shared) and float(np.median(shared)) >= least


def prominence(track: ObjectTrack, scene: Scene, seen: float) -> float:
    """0..1: of two things that fit alike the larger one that is seen for longer is meant."""
    height, width = scene.clip_size
    sides = track.boxes_xyxy[:, 2:] - track.boxes_xyxy[:, :2]
    share = float(np.sqrt(np.median(sides.prod(axis=1)) / (height * width)))
    return (0.25 + 0.75 * seen) * (0.5 + 0.5 * min(1.0, 2 * share))


def pivots_of(tracks: Sequence[ObjectTrack], sampled: Sequence[int]) -> list[Pivot]:
    """Its surest sightings, and where the thing was lost and found again, that it is away in between;
    in order of time.
    """
    pivots = surest_pivots(tracks)
    ends = sorted((int(track.frame_indices[0]), int(track.frame_indices[-1])) for track in tracks)
    for (_, left), (back, _) in pairwise(ends):
        unseen = [frame for frame in sampled if left < frame < back]
        # One look may fail; the first and the last one missed are those where it leaves and comes back.
        pivots += [Pivot(frame, np.zeros(4, np.float32)) for frame in unseen[1:-1]]
    return sorted(pivots, key=lambda pivot: pivot.frame_index)
