"""Tracking while frames arrive, by the forward half of what is done with a whole clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from refervid.core.errors import SettingsError
from refervid.core.types import Frame, Mask, Pivot
from refervid.engines.base import LiveFrame
from refervid.engines.lite.analysis.scene import LiveScene
from refervid.engines.lite.computing import computing
from refervid.engines.lite.tracker.pivots import Pivots
from refervid.engines.lite.tracker.seed import is_correction
from refervid.engines.lite.tracker.sight import Eyes
from refervid.engines.lite.tracker.sweep import Sweep
from refervid.engines.lite.tracker.view import View


class EmbeddedLive:
    """`LiveTracking` of frames (`height`, `width`). Of an object the latest pivots count; points alone
    correct the mask that it had on the frame before.
    """

    def __init__(self, eyes: Eyes, height: int, width: int) -> None:
        self._eyes = eyes
        self._scene = LiveScene(height, width)
        self._pivots: dict[int, Pivots] = {}
        self._started: dict[int, int] = {}
        self._sweep = Sweep(eyes, self._scene, self._pivots, 1)
        self._last: dict[int, Mask] = {}
        self._next = 0

    def push(self, frame: Frame, pivots: Mapping[int, Sequence[Pivot]] | None = None) -> LiveFrame:
        """As `LiveTracking.push`."""
        index, shape = self._next, self._scene.clip_size
        if frame.shape != (*shape, 3):
            raise SettingsError(f"frame {index} has shape {frame.shape}: this stream has {(*shape, 3)}")
        for pivot in (pivot for own in (pivots or {}).values() for pivot in own):
            if pivot.frame_index != index:
                raise SettingsError(f"pivot on frame {pivot.frame_index}: the frame that arrives is {index}")
            if pivot.mask is not None and pivot.mask.shape != shape:
                raise SettingsError(f"pivot mask of shape {pivot.mask.shape}: frames have {shape}")
        self._next += 1
        self._scene.kept = {*self._started.values()}  # their looks may be asked for again
        self._scene.add(index, frame)
        with computing():
            for number, own in (pivots or {}).items():
                self._begin(number, index, own)
            answers = self._sweep.visit(View(self._scene, index))
        nothing = np.zeros(shape, bool), 0.0
        there = {number: answers[number] or nothing for number in self._pivots if number in answers}
        self._last = {number: mask for number, (mask, _) in there.items()}
        masks = {number: mask.copy() for number, mask in self._last.items()}  # the caller's own, to draw on
        return LiveFrame(index, masks, {number: presence for number, (_, presence) in there.items()})

    def drop(self, number: int) -> None:
        """As `LiveTracking.drop`."""
        del self._pivots[number], self._started[number]
        self._last.pop(number, None)
        self._sweep.forget(number)

    def _begin(self, number: int, index: int, pivots: Sequence[Pivot]) -> None:
        before = self._last.get(number)
        if is_correction(pivots) and before is not None and before.any():
            pivots = [Pivot(index, mask=before), *pivots]
        self._started[number] = index
        self._pivots[number] = Pivots(self._eyes, self._scene, pivots)
