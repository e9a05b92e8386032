"""Carry objects from their pivots through the clip, forwards and backwards."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.engines.base import EngineSettings, Runtime
from refervid.engines.trackers.flow.carrier import Carrier
from refervid.engines.trackers.flow.seed import Seed, seed_of
from refervid.engines.trackers.flow.view import View
from refervid.errors import SettingsError
from refervid.media.clip import Clip
from refervid.scene import Scene, scene_of
from refervid.track import Track
from refervid.types import Hook, Mask, Pivot

log = logging.getLogger(__name__)


class FlowSettings(EngineSettings):
    """The flow tracker has nothing to set."""

    kind: Literal["flow"] = "flow"


class FlowTracker:
    """Masks of many objects in two sweeps over the clip, sharing each frame's features.

    Where several pivots are given for one object, every frame is carried from the nearest of them; on
    a pivot's own frame a given mask comes back as it is. A pivot that marks nothing (empty mask, box
    without area inside the frame) says that the object is away on its frame.
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

    def track(self, clip: Clip, objects: Sequence[Sequence[Pivot]], hook: Hook) -> list[Track]:
        """One track per object, in order. Calls `hook("track", None, steps done, steps)`.

        Raises `SettingsError` for a pivot that names no frame of the clip or whose mask does not fit.
        """
        scene = scene_of(clip)
        quests = [_Quest(clip, scene, pivots) for pivots in objects]
        steps, done = 2 * len(clip), 0
        for order, direction in ((range(len(clip)), 1), (range(len(clip) - 1, -1, -1), -1)):
            for quest in quests:
                quest.carrier = None
            for index in order:
                view = View(scene, index, direction)
                for quest in quests:
                    quest.visit(view)
                done += 1
                hook("track", None, done, steps)
        return [quest.track for quest in quests]


@dataclass
class _Quest:
    """One object: its seeds, and the carrier that is on its way in the present sweep."""

    track: Track
    seeds: dict[int, Seed]
    carrier: Carrier | None = field(default=None, init=False)

    def __init__(self, clip: Clip, scene: Scene, pivots: Iterable[Pivot]) -> None:
        self.track = Track(len(clip), clip.height, clip.width)
        self.seeds = {}
        for pivot in pivots:
            _check(pivot, clip)
        by_frame: dict[int, list[Pivot]] = {}
        for pivot in pivots:
            by_frame.setdefault(pivot.frame_index, []).append(pivot)
        self.seeds = {index: seed_of(scene, index, given) for index, given in sorted(by_frame.items())}
        self.starts = np.array([index for index, seed in self.seeds.items() if seed.mask.any()], int)
        if not len(self.starts):
            log.warning("no pivot marks anything inside the frame: the track stays empty")

    def visit(self, view: View) -> None:
        """Write the frame if it is this sweep's to write."""
        seed = self.seeds.get(view.index)
        if seed is not None:
            self.carrier = Carrier(view, seed.mask) if seed.mask.any() else None
            self.track[view.index] = (
                seed.exact if seed.exact is not None else self._full(seed.mask.astype(np.float32))
            )
            self.track.presence[view.index] = float(seed.mask.any())
        elif self.carrier is not None and self._nearest_is_behind(view):
            soft, presence = self.carrier.step(view)
            self.track[view.index] = self._full(soft)
            self.track.presence[view.index] = presence

    def _nearest_is_behind(self, view: View) -> bool:
        distance = (view.index - self.starts) * view.direction
        behind, ahead = distance[distance > 0], -distance[distance < 0]
        if not len(ahead):
            return True
        return bool(behind.min() <= ahead.min() if view.direction > 0 else behind.min() < ahead.min())

    def _full(self, soft: NDArray[np.float32]) -> Mask:
        size = (self.track.width, self.track.height)
        mask: Mask = cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR) > 0.5
        return mask


def _check(pivot: Pivot, clip: Clip) -> None:
    if not 0 <= pivot.frame_index < len(clip):
        raise SettingsError(f"pivot on frame {pivot.frame_index}: the clip has frames 0 to {len(clip) - 1}")
    if pivot.mask is not None and pivot.mask.shape != (clip.height, clip.width):
        raise SettingsError(
            f"pivot mask of shape {pivot.mask.shape}: give it the frame's, ({clip.height}, {clip.width})"
        )
