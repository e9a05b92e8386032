"""A first look: what would be answered of half a second of a clip, long before all of it was looked at.

It is made by the same engines, of a part of the clip, and it is no answer: what moves later, or is not in
sight here, may be what is meant. What no sentence is needed for can be done before one is written, by
`Pipeline.look_ahead` of a part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from refervid.core.types import Mask
from refervid.media.clip import Clip
from refervid.media.part import PartClip
from refervid.media.timing import frame_step
from refervid.report.result import Result

FRAMES, RATE_HZ = 4, 6.0
"""Enough to see how things move, and, at twice the finder's rate, to find them twice."""
PLACES = (0.5, 0.25, 0.75)
"""In shares of the clip's length, one after the other until something is seen."""
LEAST_FRAMES = 8 * FRAMES
"""A shorter clip has been looked at nearly as soon."""


@dataclass(frozen=True, eq=False)
class FirstLook:
    """On frame `frame` the masks (H, W) of what each sentence would mean; empty where nothing was seen."""

    frame: int
    masks: tuple[Mask, ...]


def first_look(parts: Sequence[Clip], answer: Callable[[Clip], Sequence[Result]]) -> FirstLook | None:
    """What `answer` gives for one of the parts of a clip; None: on none of them was anything seen."""
    for part in parts:
        results = answer(part)
        areas = np.sum([result.areas for result in results], axis=0)
        if areas.any():
            best = int(areas.argmax())
            return FirstLook(part.origin(best)[1], tuple(result.track[best] for result in results))
    return None


def parts_to_look_at(clip: Clip) -> list[PartClip]:
    """In the order in which to look; none of a short clip. Each begins with a full second, where the finder
    looks most closely: it need not look there again.
    """
    if len(clip) < LEAST_FRAMES:
        return []
    parts = []
    times_s, step_s = clip.times_s, frame_step(clip.times_s)
    every = max(1, round(1 / (RATE_HZ * step_s)))
    for place in PLACES:
        second = np.floor(times_s[int(place * len(clip))])
        first = int(np.searchsorted(times_s, second - step_s / 2))
        last = min(first + (FRAMES - 1) * every, len(clip) - 1)
        end_s = np.nextafter(times_s[last], np.inf)
        parts.append(PartClip(clip, start_s=times_s[first], end_s=end_s, every=every))
    return parts
