"""Carry objects from their pivots through the clip, forwards and backwards."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, Self

from refervid.core.ahead import working_ahead
from refervid.core.digests import objects_digest
from refervid.core.errors import SettingsError
from refervid.core.track import Track, Underway
from refervid.core.types import Hook, Mask, Pivot
from refervid.engines.base import EngineSettings, Runtime
from refervid.engines.lite.analysis import Analyses, Scene
from refervid.engines.lite.computing import computing
from refervid.engines.lite.efficientnet import WEIGHTS
from refervid.engines.lite.tracker.kept_tracks import from_bytes, to_bytes
from refervid.engines.lite.tracker.live import EmbeddedLive
from refervid.engines.lite.tracker.pivots import Pivots
from refervid.engines.lite.tracker.seed import is_correction
from refervid.engines.lite.tracker.sight import Eyes
from refervid.engines.lite.tracker.sweep import Sweep, mask_of
from refervid.engines.lite.tracker.view import View
from refervid.media.clip import Clip

log = logging.getLogger(__name__)

AHEAD = 64
"""Frames that the sweep back may be ahead of the sweep on."""


class EmbeddedSettings(EngineSettings):
    """The embedded tracker has nothing to set."""

    kind: Literal["embedded"] = "embedded"


class EmbeddedTracker:
    """Masks of many objects, in two sweeps over the clip that run at the same time.

    Where one object has several pivots, every frame is carried from the nearest of them, and the looks of
    the nearest few are remembered. What is found again is followed back over frames on which too little of
    it was in sight to be found. On a pivot's own frame a given mask comes back as it is, and points lie on
    their side of the outline. Points alone correct the mask that is carried there from a box or mask, if
    there is one. A pivot that marks nothing (empty mask, box without area inside the frame) says that the
    object is away on its frame.
    """

    Settings: ClassVar[type[EmbeddedSettings]] = EmbeddedSettings
    name = "embedded"
    version = "3"

    def __init__(self, eyes: Eyes | None = None, analyses: Analyses | None = None) -> None:
        self._eyes = eyes or Eyes.load()
        self._analyses = analyses or Analyses()

    @classmethod
    def missing(cls, settings: EmbeddedSettings) -> list[str]:
        return WEIGHTS.missing()

    @classmethod
    def build(cls, settings: EmbeddedSettings, runtime: Runtime) -> Self:
        """Raises as `load_efficientnet` does."""
        return cls(analyses=Analyses.shared(runtime))

    def track(self, clip: Clip, objects: Sequence[Sequence[Pivot]], hook: Hook) -> list[Track]:
        """One track per object, in order. Calls `hook("track", Underway, frames done, T)`, and before
        that as `Analyses.of` does.

        Raises `SettingsError` for a pivot on a frame that the clip does not have, or with a mask of
        another shape than the frame's.
        """
        for pivots in objects:
            for pivot in pivots:
                _check(pivot, clip)
        store, name = self._analyses.store, f"tracks-{objects_digest(objects)}.json"
        kept = store.read(clip, name, lambda content: from_bytes(content, clip, len(objects)))
        if kept is not None:
            return kept
        tracks = [Track(len(clip), clip.height, clip.width) for _ in objects]
        self._carry(self._analyses.of(clip, hook).scene, objects, tracks, range(len(clip)), hook)
        store.write(clip, name, to_bytes(tracks))
        return tracks

    def _carry(
        self,
        scene: Scene,
        objects: Sequence[Sequence[Pivot]],
        tracks: Sequence[Track],
        frames: range,
        hook: Hook,
    ) -> None:
        """Write these frames of the tracks."""
        with computing():
            pivots_of = [Pivots(self._eyes, scene, pivots) for pivots in objects]
            if any(own.mark_nothing for own in pivots_of):
                log.warning("no pivot marks anything inside the frame: a track stays empty")
            onward, back = (self._swept(scene, pivots_of, tracks, one) for one in (frames, frames[::-1]))
            with working_ahead(back, AHEAD) as returning:
                for done, _ in enumerate(zip(onward, returning, strict=True), 1):
                    hook("track", Underway(tracks, objects), done, len(frames))
        for track in tracks:
            track.written[frames.start : frames.stop] = True

    def _swept(
        self, scene: Scene, pivots: Sequence[Pivots], tracks: Sequence[Track], frames: range
    ) -> Iterator[None]:
        """Write what a sweep over the frames, in their order, comes to know, frame by frame."""
        sweep = Sweep(self._eyes, scene, dict(enumerate(pivots)), frames.step)
        sweep.enter(frames[0])
        for index in frames:
            with computing():
                for known, number, answer in sweep.known(View(scene, index, frames.step)):
                    if answer is None:
                        tracks[number].leave_empty(known)
                    else:  # the mask last: who looks meanwhile finds a frame whole or not at all
                        mask, tracks[number].presence[known] = answer
                        tracks[number][known] = mask
            yield

    def correct(self, clip: Clip, pivots: Sequence[Pivot], track: Track, mark: Pivot, hook: Hook) -> Track:
        """As `Tracker.correct`. Calls the hook and raises as `track` does."""
        _check(mark, clip)
        if is_correction([mark]):
            mark = Pivot(mark.frame_index, mask=self._refined(clip, track[mark.frame_index], mark, hook))
        before = [pivot.frame_index for pivot in pivots if pivot.frame_index < mark.frame_index]
        after = [pivot.frame_index for pivot in pivots if pivot.frame_index > mark.frame_index]
        frames = range(max(before, default=-1) + 1, min(after, default=len(clip)))
        fresh = track.copy()
        for index in frames:
            fresh.clear(index)
        self._carry(self._analyses.of(clip, hook).scene, [[*pivots, mark]], [fresh], frames, hook)
        return fresh

    def live(self, height: int, width: int) -> EmbeddedLive:
        """Tracking of a live source whose frames are `height` by `width` pixels."""
        return EmbeddedLive(self._eyes, height, width)

    def _refined(self, clip: Clip, mask: Mask, points: Pivot, hook: Hook) -> Mask:
        """A mask (H, W) corrected by points on its frame."""
        scene, index = self._analyses.of(clip, hook).scene, points.frame_index
        given = [Pivot(index, mask=mask), points] if mask.any() else [points]
        with computing():
            seed = Pivots(self._eyes, scene, given).seeds[index]
        return mask_of(scene, seed)


def _check(pivot: Pivot, clip: Clip) -> None:
    if not 0 <= pivot.frame_index < len(clip):
        raise SettingsError(f"pivot on frame {pivot.frame_index}: the clip has frames 0 to {len(clip) - 1}")
    if pivot.mask is not None and pivot.mask.shape != (clip.height, clip.width):
        raise SettingsError(
            f"pivot mask of shape {pivot.mask.shape}: it must have the frame's, ({clip.height}, {clip.width})"
        )
