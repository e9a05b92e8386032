"""A tracker for made-up clips in which everything has a colour of its own: exact, and quick."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from refervid.core.track import Track
from refervid.core.types import Hook, Pivot
from refervid.media.clip import Clip


class ByColour:
    """An object is what has the colour in the middle of its first pivot's box or mask."""

    name, version = "by-colour", "1"

    def track(self, clip: Clip, objects: Sequence[Sequence[Pivot]], hook: Hook) -> list[Track]:
        """As `Tracker.track`."""
        colours = [_colour(clip, pivots[0]) for pivots in objects]
        tracks = [Track(len(clip), clip.height, clip.width) for _ in objects]
        for index in range(len(clip)):
            frame = clip.frame(index).astype(int)
            for colour, track in zip(colours, tracks, strict=True):
                track[index] = (np.abs(frame - colour) < 20).all(axis=-1)
                track.presence[index] = track[index].any()
        return tracks

    def correct(self, clip: Clip, pivots: Sequence[Pivot], track: Track, mark: Pivot, hook: Hook) -> Track:
        """As `Tracker.correct`."""
        return self.track(clip, [[mark]], hook)[0]


def _colour(clip: Clip, pivot: Pivot) -> np.ndarray:
    if pivot.mask is not None:
        y, x = np.argwhere(pivot.mask).mean(axis=0).astype(int)
    else:
        assert pivot.box_xyxy is not None
        x, y = pivot.box_xyxy.reshape(2, 2).mean(axis=0).astype(int)
    return clip.frame(pivot.frame_index)[y, x].astype(int)
