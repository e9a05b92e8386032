"""Tracking that a person goes on correcting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from refervid.core.errors import SettingsError
from refervid.core.track import Track
from refervid.core.types import Pivot
from refervid.engines.sam2.pivots import check_pivot
from refervid.engines.sam2.propagate import FrameResult, Propagation
from refervid.engines.sam2.results import TrackWriter


class EditableTracking:
    """Tracks of one clip that stay open for corrections; features are reused as far as the cache reaches.

    A correction goes through `segment_box`, which makes a mask of a box where that is not left to the
    propagation.
    """

    def __init__(
        self, propagation: Propagation, writer: TrackWriter, segment_box: Callable[[Pivot], Pivot]
    ) -> None:
        self._propagation = propagation
        self._writer = writer
        self._segment_box = segment_box

    @property
    def tracks(self) -> list[Track]:
        """As they stand now."""
        return self._writer.tracks

    def run(self) -> Iterator[FrameResult]:
        """Track every object over the whole clip; each frame is in `tracks` when it is handed out."""
        yield from self._written(self._propagation.run())

    def resume(self, tracks: Sequence[Track]) -> None:
        """Stand where a `run` with the same pivots has led to before: only the pivots are looked at again."""
        self._propagation.prompt()
        self._writer.take(tracks)

    def correct(self, row: int, pivot: Pivot) -> Iterator[FrameResult]:
        """Object `row` anew from `pivot` in both directions, as far as its neighbouring pivots.

        Points alone correct the mask that the object has on that frame; a box or a mask replaces it.
        Raises `SettingsError` for an object or a pivot that does not fit.
        """
        if not 0 <= row < len(self.tracks):
            raise SettingsError(f"object {row}: there are objects 0 to {len(self.tracks) - 1}")
        track = self.tracks[row]
        check_pivot(pivot, len(track), track.height, track.width)
        if pivot.points_xy is not None and pivot.box_xyxy is None and pivot.mask is None:
            present = track[pivot.frame_index]
            pivot = replace(pivot, mask=present if present.any() else None)
        pivot = self._segment_box(pivot)
        for frame in self._propagation.reach(row, pivot.frame_index):
            track.clear(frame)
        yield from self._written(self._propagation.correct(row, pivot))

    def _written(self, results: Iterator[FrameResult]) -> Iterator[FrameResult]:
        for result in results:
            self._writer.write(result)
            yield result
