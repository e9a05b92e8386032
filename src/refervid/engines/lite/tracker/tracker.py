"""Carry objects from their pivots through the clip, forwards and backwards."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from refervid.core.errors import SettingsError
from refervid.core.track import Track
from refervid.core.types import Hook, Mask, Pivot
from refervid.engines.base import EngineSettings, Runtime
from refervid.engines.lite.analysis import Scene, scene_of
from refervid.engines.lite.tracker.carrier import Carrier
from refervid.engines.lite.tracker.seed import Seed, is_correction, seed_of
from refervid.engines.lite.tracker.view import Plane, View
from refervid.media.clip import Clip

log = logging.getLogger(__name__)


class FlowSettings(EngineSettings):
    """The flow tracker has nothing to set."""

    kind: Literal["flow"] = "flow"


class FlowTracker:
    """Masks of many objects in two sweeps over the clip that share every frame's features.

    Where one object has several pivots, every frame is carried from the nearest of them. On a pivot's
    own frame a given mask comes back as it is, and points lie on their side of the outline. Points alone
    correct the mask that is carried there from a box or mask, if there is one. A pivot that marks nothing
    (empty mask, box without area inside the frame) says that the object is away on its frame.
    """

    Settings: ClassVar[type[FlowSettings]] = FlowSettings
    name = "flow"
    version = "1"

    @classmethod
    def missing(cls, settings: FlowSettings) -> list[str]:
        return []

    @classmethod
    def build(cls, settings: FlowSettings, runtime: Runtime) -> Self:
        return cls()

    # The matrices are small: more BLAS threads only wait for each other, and on a busy machine for long.
    @threadpool_limits.wrap(limits=1, user_api="blas")  # type: ignore[untyped-decorator]
    def track(self, clip: Clip, objects: Sequence[Sequence[Pivot]], hook: Hook) -> list[Track]:
        """One track per object, in order. Calls `hook("track", None, frames done, 2 T)`, and before
        that what `scene_of` calls, unless the clip was analysed before.

        Raises `SettingsError` for a pivot on a frame that the clip does not have, or with a mask of
        another shape than the frame's.
        """
        for pivots in objects:
            for pivot in pivots:
                _check(pivot, clip)
        scene = scene_of(clip, hook)
        tracks = [Track(len(clip), clip.height, clip.width) for _ in objects]
        seeds = [_seeds(scene, pivots) for pivots in objects]
        frames = range(len(clip))
        for half, (order, direction) in enumerate(((frames, 1), (reversed(frames), -1))):
            sweeps = [_Sweep(*both, direction) for both in zip(tracks, seeds, strict=True)]
            for done, index in enumerate(order, 1):
                view = View(scene, index, direction)
                for sweep in sweeps:
                    sweep.visit(view)
                hook("track", None, half * len(clip) + done, 2 * len(clip))
        return tracks

    def correct(self, clip: Clip, pivots: Sequence[Pivot], track: Track, mark: Pivot, hook: Hook) -> Track:
        """As `Tracker.correct`. Calls the hook and raises as `track` does."""
        _check(mark, clip)
        if is_correction([mark]):
            mark = Pivot(mark.frame_index, mask=_refined(clip, track[mark.frame_index], mark, hook))
        tracks: list[Track] = self.track(clip, [[*pivots, mark]], hook)
        return tracks[0]


class _Sweep:
    """One object in one direction: writes the frames whose nearest pivot lies behind."""

    def __init__(self, track: Track, seeds: dict[int, Seed], direction: int) -> None:
        self._track = track
        self._seeds = seeds
        self._starts = np.array([index for index, seed in seeds.items() if not seed.empty])
        self._direction = direction
        self._carrier: Carrier | None = None

    def visit(self, view: View) -> None:
        seed = self._seeds.get(view.index)
        if seed is not None:
            self._write(view.index, seed.soft, 1.0 - seed.empty, seed.exact)
            if not seed.empty:
                self._carrier = Carrier(view, seed.soft)
            elif self._carrier is not None:
                self._carrier.lose()
        elif self._carrier is not None and self._is_mine(view.index):
            self._write(view.index, *self._carrier.step(view))

    def _is_mine(self, index: int) -> bool:
        """Is the nearest pivot behind? At equal distance the frame belongs to the forward sweep."""
        passed = (index - self._starts) * self._direction
        ahead = -passed[passed < 0]
        lead = ahead.min() - passed[passed > 0].min() if len(ahead) else 1
        return bool(lead > 0 or (lead == 0 and self._direction > 0))

    def _write(self, index: int, soft: Plane, presence: float, exact: Mask | None = None) -> None:
        if exact is None:
            exact = _at_clip_size(soft, self._track.height, self._track.width)
        self._track[index] = exact
        self._track.presence[index] = presence


def _seeds(scene: Scene, pivots: Sequence[Pivot]) -> dict[int, Seed]:
    """The seeds by frame: boxes and masks first, then the corrections, those near a seed first."""
    frames: dict[int, list[Pivot]] = {}
    for pivot in pivots:
        frames.setdefault(pivot.frame_index, []).append(pivot)
    corrections = {index: given for index, given in frames.items() if is_correction(given)}
    seeds = {
        index: seed_of(View(scene, index, 1), given)
        for index, given in frames.items()
        if index not in corrections
    }
    while corrections:
        starts = [index for index, seed in seeds.items() if not seed.empty]
        pairs = [(abs(index - start), index, start) for index in corrections for start in starts]
        if pairs:
            _, index, start = min(pairs)
            carried = _carry(scene, seeds[start], start, index)
        else:
            index, carried = min(corrections), None
        seeds[index] = seed_of(View(scene, index, 1), corrections.pop(index), carried)
    if all(seed.empty for seed in seeds.values()):
        log.warning("no pivot marks anything inside the frame: the track stays empty")
    return seeds


def _carry(scene: Scene, seed: Seed, start: int, end: int) -> Plane:
    """The soft mask that reaches frame `end` from the seed on frame `start`."""
    direction = 1 if end > start else -1
    carrier = Carrier(View(scene, start, direction), seed.soft)
    soft = seed.soft
    for index in range(start + direction, end + direction, direction):
        soft, _ = carrier.step(View(scene, index, direction))
    return soft


@threadpool_limits.wrap(limits=1, user_api="blas")  # type: ignore[untyped-decorator]
def _refined(clip: Clip, mask: Mask, points: Pivot, hook: Hook) -> Mask:
    """A mask (H, W) corrected by points on its frame."""
    view = View(scene_of(clip, hook), points.frame_index, 1)
    carried = seed_of(view, [Pivot(points.frame_index, mask=mask)]).soft if mask.any() else None
    return _at_clip_size(seed_of(view, [points], carried).soft, clip.height, clip.width)


def _at_clip_size(soft: Plane, height: int, width: int) -> Mask:
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR) > 0.5)


def _check(pivot: Pivot, clip: Clip) -> None:
    if not 0 <= pivot.frame_index < len(clip):
        raise SettingsError(f"pivot on frame {pivot.frame_index}: the clip has frames 0 to {len(clip) - 1}")
    if pivot.mask is not None and pivot.mask.shape != (clip.height, clip.width):
        raise SettingsError(
            f"pivot mask of shape {pivot.mask.shape}: it must have the frame's, ({clip.height}, {clip.width})"
        )
