"""What a mark would give on its own frame, at once: the embedded tracker, on a clip of this one frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Lock

from refervid.core.track import Track
from refervid.core.types import Mask, Pivot, no_hook
from refervid.engines.lite.tracker import EmbeddedTracker
from refervid.media.array import ArrayClip
from refervid.webui.clip_work import ClipWork


class Previewer:
    """One mask at a time, whoever asks; the frame that was asked about last is kept."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tracker: EmbeddedTracker | None = None
        self._seen: tuple[Path, int] | None = None
        self._still: ArrayClip | None = None

    def mask(self, work: ClipWork, mark: Pivot, present: Mask | None) -> Mask:
        """(H, W) on the mark's frame; points alone correct the mask that is `present` there.

        Raises `IndexError`, `MissingWeights`, and whatever reading the frame does.
        """
        with self._lock:
            self._tracker = tracker = self._tracker or EmbeddedTracker()
            still, mark = self._clip_of(work, mark.frame_index), replace(mark, frame_index=0)
            if present is None or not present.any():
                return tracker.track(still, [[mark]], no_hook)[0][0]
            track = Track(1, still.height, still.width)
            track[0] = present
            return tracker.correct(still, [], track, mark, no_hook)[0]

    def _clip_of(self, work: ClipWork, index: int) -> ArrayClip:
        if self._still is None or self._seen != (work.folder, index):
            self._seen, self._still = (work.folder, index), ArrayClip(work.frame(index)[None])
        return self._still
