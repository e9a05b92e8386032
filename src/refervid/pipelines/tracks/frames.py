"""Which frames are shown: those on which the undecided tracks are to be seen, spread over the time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from refervid.core.spread import spread
from refervid.core.types import Interval
from refervid.engines.inventory import ObjectTrack
from refervid.media.clip import Clip

POOL = 128
"""Frames that are weighed against each other, evenly spread."""
TIE = 1e-3
"""Too little to change what is better."""


def frames_showing(
    clip: Clip,
    tracks: Sequence[ObjectTrack],
    count: int,
    *,
    seen: Sequence[int] = (),
    spans: Sequence[Interval] = (),
) -> tuple[int, ...]:
    """At most `count` frames in order, without those `seen` before where there are others.

    One by one the frame is taken that shows most of the tracks that were shown least, and is far from what
    is shown already. With `spans` only frames in them count, as long as they have enough.
    """
    shown = np.array([_shown(clip, track) for track in tracks])
    open_to = np.asarray(shown.any(axis=0))
    if not open_to.any():
        open_to[:] = True
    inside = open_to & _inside(clip, spans)
    open_to = inside if inside.sum() >= count else open_to
    fresh = open_to.copy()
    fresh[list(seen)] = False
    if not fresh.any():
        fresh, seen = open_to, ()
    pool = np.flatnonzero(fresh)
    pool = pool[spread(len(pool), POOL)]
    span = max(float(pool[-1] - pool[0]), 1.0)
    taken: list[int] = []
    views = np.zeros(len(shown))
    for _ in range(min(count, len(pool))):
        near = np.array([*taken, *seen], float)
        away = np.abs(pool[:, None] - near).min(axis=1) / span if len(near) else np.ones(len(pool))
        worth = (shown[:, pool] / (1 + views)[:, None]).mean(axis=0) + np.minimum(away, 1.0)
        if taken:  # of equal ones those far from the last: else what is left over lies at the start
            worth += TIE * np.abs(pool - taken[-1]) / span
        worth[np.isin(pool, taken)] = -1
        best = int(pool[worth.argmax()])
        taken.append(best)
        views += shown[:, best]
    return tuple(sorted(taken))


def _shown(clip: Clip, track: ObjectTrack) -> NDArray[np.bool_]:
    """(T,): whether it is to be seen, without its masks between its first and its last sighting."""
    if track.masks is not None:
        return np.asarray(track.masks.areas() > 0)
    index = np.arange(len(clip))
    return np.asarray((track.frame_indices[0] <= index) & (index <= track.frame_indices[-1]))


def _inside(clip: Clip, spans: Sequence[Interval]) -> NDArray[np.bool_]:
    found = np.full(len(clip), not spans)
    for span in spans:
        found |= (span.start_s <= clip.times_s) & (clip.times_s <= span.end_s)
    return found
