"""Every so many frames of a clip, as a clip of its own."""

from __future__ import annotations

from refervid.core.track import Track
from refervid.core.types import Frame
from refervid.media.clip import Clip


class ThinnedClip(Clip):
    """Frames 0, `every`, 2 * `every`, ... of another clip, at their own times."""

    def __init__(self, clip: Clip, every: int) -> None:
        self._clip, self._every = clip, every
        self.source, self.name = clip.source, clip.name
        self.height, self.width = clip.height, clip.width
        self.times_s = clip.times_s[::every]
        self.notes, self.complete, self.sound = clip.notes, clip.complete, clip.sound

    def frame(self, index: int) -> Frame:
        self._check_index(index)
        return self._clip.frame(index * self._every)

    def spread(self, track: Track) -> Track:
        """A track of this clip on all frames of the other: each has what the nearest of these has."""
        whole = Track(len(self._clip), self.height, self.width)
        nearest = [min(round(index / self._every), len(track) - 1) for index in range(len(whole))]
        for index, place in enumerate(nearest):
            whole.put_rle(index, str(track.rle(place)["counts"]))
        whole.presence = track.presence[nearest]
        whole.logits = None if track.logits is None else track.logits[nearest]
        return whole
