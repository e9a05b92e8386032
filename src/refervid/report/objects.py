"""The objects that an answer is made of: two black things are two objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from refervid.core.track import Masked, Track, union
from refervid.core.types import Pivot
from refervid.media.clip import Clip


@dataclass(frozen=True, eq=False)
class TrackedObject(Masked):
    """One object of an answer, with what its track started from.

    `id` counts an answer's objects from 1, or all that a session ever had. `whole` is the track as the
    tracker gave it; `shown` (T,) bool are the frames on which it counts, such as those at which it is heard,
    None: all; on the others `track` is empty. `name` is what sounds.
    """

    id: int
    pivots: tuple[Pivot, ...] = field(repr=False)
    whole: Track = field(repr=False)
    name: str = ""
    shown: NDArray[np.bool_] | None = field(default=None, repr=False)

    track: Track = field(init=False, repr=False)

    def __post_init__(self) -> None:
        track = self.whole
        if self.shown is not None:
            track = Track(len(self.whole), self.whole.height, self.whole.width)
            track.take(self.whole, np.flatnonzero(self.shown).tolist())
        object.__setattr__(self, "track", track)


def union_of(objects: Sequence[TrackedObject], clip: Clip) -> Track:
    """The answer that objects make together: frame by frame, each where it counts."""
    tracks = [one.track for one in objects]
    return tracks[0] if len(tracks) == 1 else union(tracks, len(clip), clip.height, clip.width)
