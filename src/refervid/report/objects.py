"""The objects that an answer is made of: two black things are two objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from refervid.core.track import Track, union
from refervid.core.types import Pivot
from refervid.media.clip import Clip


@dataclass(frozen=True, eq=False)
class TrackedObject:
    """One object of an answer, with what its track started from.

    `id` counts an answer's objects from 1, or all that a session ever had. `whole` is the track as the
    tracker gave it; `shown` (T,) bool are the frames on which it counts, such as those at which it is heard,
    None: all. `name` is what sounds.
    """

    id: int
    pivots: tuple[Pivot, ...] = field(repr=False)
    whole: Track = field(repr=False)
    name: str = ""
    shown: NDArray[np.bool_] | None = field(default=None, repr=False)

    @cached_property
    def track(self) -> Track:
        """`whole`, empty on the frames that do not count."""
        if self.shown is None:
            return self.whole
        gated = Track(len(self.whole), self.whole.height, self.whole.width)
        for index in np.flatnonzero(self.shown).tolist():
            gated[index] = self.whole[index]
            gated.presence[index] = self.whole.presence[index]
        return gated

    @property
    def masks(self) -> NDArray[np.bool_]:
        """All masks, bool (T, H, W), decoded anew at each call; `track[i]` decodes one."""
        return self.track.stack()

    @property
    def boxes_xyxy(self) -> NDArray[np.float32]:
        """(T, 4) tight boxes in pixels of the displayed frame; NaN where the mask is empty."""
        return self.track.boxes_xyxy()

    @property
    def areas(self) -> NDArray[np.int64]:
        """(T,) mask pixels per frame."""
        return self.track.areas()


def union_of(objects: Sequence[TrackedObject], clip: Clip) -> Track:
    """The answer that objects make together: frame by frame, each where it counts."""
    tracks = [one.track for one in objects]
    return tracks[0] if len(tracks) == 1 else union(tracks, len(clip), clip.height, clip.width)
