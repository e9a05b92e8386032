"""Which of the things that move make the sound, and when?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from refervid.core.types import Interval
from refervid.engines.lite.analysis.sound import Envelopes
from refervid.engines.lite.chooser.motion import MOVES
from refervid.engines.lite.chooser.point_tracks import PointTrack, PointTracks
from refervid.engines.lite.chooser.region import Region, overlap, same_thing
from refervid.engines.lite.chooser.synchrony import (
    COMPARISONS,
    NOTHING_MOVES,
    SHORTEST_S,
    Synchrony,
    synchrony,
    weightiest,
)

ALSO_SOUNDS = 0.75
"""A second thing sounds too if its correlation reaches this share of the best one's."""
AS_GOOD = 0.85
"""Of the regions of one thing that correlate nearly as well, the detector's favourite is taken."""
LEAST_SCORE = 0.2
"""Fragments and patches of colour that a detector scores lower have motions of their own, but no sound."""
SILENT = 0.5
"""Beside what sounds, a thing that correlates by less than this share of its correlation does not."""
RESTS = 0.15
"""Below this share of its fastest motion a thing rests."""
BRIDGED_S = 0.75
"""Pauses that are shorter do not end a span of sounding: between two knocks, or barks."""
MARGIN_S = 0.15
"""Added at both ends of a span: a knock is heard when the motion ends."""


@dataclass
class Source:
    """A thing that sounds: where it is best seen, in which stretches it is heard, and why."""

    region: Region
    spans: list[Interval] = field(default_factory=list)
    reasons: list[Synchrony] = field(default_factory=list)

    rivals: int = 1
    """Things that were compared with the sound, it among them: the best of many is easily good by chance."""

    @property
    def correlation(self) -> float:
        return max(reason.correlation for reason in self.reasons)

    @property
    def chance(self) -> float:
        """0..1: how likely one of so many things, compared in so many ways, goes with a foreign sound as well
        (Sidak's correction, which is an upper bound as the ways are alike).
        """
        alone = min(reason.chance for reason in self.reasons)
        return float(1 - (1 - alone) ** (self.rivals * COMPARISONS))


def sounding_regions(
    regions: Sequence[Region], sound: Envelopes, spans: Sequence[Interval]
) -> tuple[list[Source], Synchrony]:
    """The things whose motion goes with the sound in one of `spans` (clip's time), surest first.

    Also the best likeness of all, convincing or not.
    """
    point_tracks = PointTracks(regions)
    moving = [region for region in regions if _travels(region, point_tracks[region])]
    rivals = max(Counter(region.frame_index for region in moving).values(), default=1)
    sources: list[Source] = []
    best = NOTHING_MOVES
    waiting = list(spans)
    while waiting:
        span = waiting.pop()
        found = {region: synchrony(point_tracks[region], sound, span) for region in moving}
        best = weightiest([*found.values(), best])
        active: list[Interval] = []
        for region in _sounding_in(found, point_tracks):
            known = next((each for each in sources if _same(each.region, region, point_tracks)), None)
            if known is None:
                sources.append(known := Source(region, rivals=rivals))
            heard = moving_in(point_tracks[region], span)
            known.spans += heard
            known.reasons.append(found[region])
            active += heard
        # What is heard while these rest has another source.
        if active:
            waiting += [each for each in without(span, active) if each.end_s - each.start_s >= SHORTEST_S]
    for source in sources:
        source.spans = _joined(source.spans)
    heard_at_all = [source for source in sources if source.spans]
    return sorted(heard_at_all, key=lambda source: -source.correlation), best


def _travels(region: Region, point_track: PointTrack) -> bool:
    """Does it move as a whole, at least a tenth of the time that it is seen?"""
    speed = np.linalg.norm(point_track.velocity[np.isfinite(point_track.agitation)], axis=1)
    enough = len(speed) and np.percentile(speed, 90) >= MOVES[1] * np.hypot(*region.scene.size)
    return bool(enough) and region.candidate.score >= LEAST_SCORE


def moving_in(point_track: PointTrack, span: Interval) -> list[Interval]:
    """The parts of a span in which the region moves; short rests are bridged."""
    motion = np.nan_to_num(point_track.agitation)
    moving = motion > RESTS * np.percentile(motion[np.isfinite(point_track.agitation)], 95)
    times = point_track.times_s[
        moving & (point_track.times_s >= span.start_s) & (point_track.times_s < span.end_s)
    ]
    if not len(times):
        return []
    breaks = np.flatnonzero(np.diff(times) > BRIDGED_S)
    starts, ends = times[np.r_[0, breaks + 1]], times[np.r_[breaks, len(times) - 1]]
    return [
        Interval(max(float(start) - MARGIN_S, span.start_s), min(float(end) + MARGIN_S, span.end_s))
        for start, end in zip(starts, ends, strict=True)
    ]


def without(span: Interval, taken: Sequence[Interval]) -> list[Interval]:
    """What is left of a span."""
    left, start = [], span.start_s
    for each in sorted(taken, key=lambda each: each.start_s):
        if each.start_s > start:
            left.append(Interval(start, each.start_s))
        start = max(start, each.end_s)
    return [*left, Interval(start, span.end_s)] if start < span.end_s else left


def _sounding_in(found: dict[Region, Synchrony], point_tracks: PointTracks) -> list[Region]:
    """One region of each thing that sounds, best first."""
    convincing = {
        region: each
        for region, each in found.items()
        if each.weight >= 1 and not _holds_a_silent_thing(region, found)
    }
    chosen: list[Region] = []
    for region in sorted(convincing, key=lambda region: -convincing[region].correlation):
        best = convincing[chosen[0]] if chosen else convincing[region]
        loud = convincing[region].correlation >= ALSO_SOUNDS * best.correlation
        if loud and not any(_same(region, other, point_tracks) for other in chosen):
            good = [
                other
                for other, each in convincing.items()
                if each.correlation >= AS_GOOD * convincing[region].correlation
                and _same(region, other, point_tracks)
            ]
            chosen.append(max(good, key=lambda other: other.candidate.score))
    return chosen


def _holds_a_silent_thing(group: Region, found: dict[Region, Synchrony]) -> bool:
    """Does it lie in pieces, of which one goes with the sound and another does not?"""
    if not group.scattered:
        return False
    parts = [
        region
        for region in found
        if region.frame_index == group.frame_index
        and region.area < group.area
        and same_thing(region.box, group.box)
    ]
    return any(
        found[one].weight >= 1
        and found[other].correlation < SILENT * found[one].correlation
        and overlap(one.box, other.box) == 0
        for one, other in permutations(parts, 2)
    )


def _same(one: Region, other: Region, point_tracks: PointTracks) -> bool:
    """Does one lie in the other wherever both can be followed to?"""
    return one is other or any(
        box is not None and same_thing(box, end.box)
        for start, end in ((one, other), (other, one))
        for box in [point_tracks.box(start, end.frame_index)]
    )


def _joined(spans: Sequence[Interval]) -> list[Interval]:
    """In order, those that touch made one."""
    joined: list[Interval] = []
    for each in sorted(spans, key=lambda each: each.start_s):
        if joined and each.start_s <= joined[-1].end_s:
            joined[-1] = Interval(joined[-1].start_s, max(joined[-1].end_s, each.end_s))
        else:
            joined.append(each)
    return joined
