"""How surely each pixel moves against the camera, gathered along its path through time."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.ahead import working_ahead
from refervid.core.types import Hook, no_hook
from refervid.engines.lite.analysis.blob import Blob
from refervid.engines.lite.analysis.flow import Flow, camera_flow, texture
from refervid.engines.lite.analysis.scene import Scene

MEMORY_S = 0.33
"""Evidence fades to 1/e over this time, so that a short rest does not hide an object."""
NOISE_PX = 0.1
"""The least noise of flow, in analysis pixels: half of the pixels move at least so much by mistake."""
NOISE_FACTOR = 3.0
"""Motion of so many times the frame's noise is as likely an object's as not."""
STEADY_SHARE = 0.4
"""Weight of motion that keeps its direction (ripples and leaves do not) against motion of any kind."""
AHEAD = 8
"""Frames whose motion is looked at while what is known of those before is summed up."""

Evidence = NDArray[np.float32]
"""(ceil(h/2), ceil(w/2)) float32 in 0..1, at half the analysis size."""


class MotionEvidence:
    """Evidence of every frame, kept on disk: a mean over time along the flow, both ways (10 ms a frame).

    Calls `hook("evidence", None, frames done, 2 T)`.
    """

    def __init__(self, scene: Scene, hook: Hook = no_hook) -> None:
        self._spool = Blob()
        self._shape = tuple((side + 1) // 2 for side in scene.size)
        past = Blob()
        here: Flow | None = None
        weight = 0.0
        # Earlier frames are summed up first; the second run meets them on its way back.
        weights = []
        frames, both_ways = range(len(scene)), 2 * len(scene)
        with _own_motions(scene, frames) as motions:
            for index, own in zip(frames, motions, strict=True):
                if here is None or scene.cut(index - 1):
                    here, weight = own, 1.0
                else:
                    fade = _fade(scene, index - 1)
                    here = _along(here, scene.half_backward(index)) * fade + own
                    weight = weight * fade + 1
                past.append(_pack(here / weight))
                weights.append(weight)
                hook("evidence", None, index + 1, both_ways)
        ahead = np.zeros((*self._shape, 3), np.float32)
        ahead_weight = 0.0
        with _own_motions(scene, frames[::-1]) as motions:
            for index, own in zip(frames[::-1], motions, strict=True):
                if scene.cut(index):
                    ahead[:], ahead_weight = 0, 0.0
                else:
                    fade = _fade(scene, index)
                    ahead = _along(ahead, scene.half_forward(index)) * fade
                    ahead_weight *= fade
                earlier = _unpack(past[index], (*self._shape, 3))
                mean = (earlier * weights[index] + ahead) / (weights[index] + ahead_weight)
                steady = np.hypot(mean[..., 0], mean[..., 1])
                self._spool.append(_pack(STEADY_SHARE * steady + (1 - STEADY_SHARE) * mean[..., 2]))
                ahead += own
                ahead_weight += 1
                hook("evidence", None, both_ways - index, both_ways)
        self._last = len(scene) - 1

    def __getitem__(self, index: int) -> Evidence:
        return _unpack(self._spool[self._last - index], self._shape)


def _own_motions(scene: Scene, frames: range) -> AbstractContextManager[Iterator[Flow]]:
    return working_ahead((_own_motion(scene, index) for index in frames), AHEAD)


def _own_motion(scene: Scene, index: int) -> Flow:
    """(., ., 3): motion against the camera (x, y) and its length, squeezed into the unit circle by noise.

    The last frame of a shot leads nowhere; it moves as the one before.
    """
    if scene.cut(index) and index > 0 and not scene.cut(index - 1):
        flow, matrix = -scene.half_backward(index), scene.camera(index - 1)
    else:
        flow, matrix = scene.half_forward(index), scene.camera(index)
    shrink = np.diag([0.5, 0.5, 1.0])
    camera = camera_flow(shrink @ matrix @ np.linalg.inv(shrink), *flow.shape[:2]) * 2
    grey = cv2.cvtColor(scene.small(index), cv2.COLOR_RGB2GRAY)
    seen = texture(cv2.resize(grey, flow.shape[1::-1], interpolation=cv2.INTER_AREA))
    own = (flow - camera) * seen[..., None]
    length = np.hypot(own[..., 0], own[..., 1])[..., None]
    noise = NOISE_FACTOR * max(float(np.median(length)), NOISE_PX)
    return np.asarray(np.concatenate([own, length], -1) / (length + noise), np.float32)


def _fade(scene: Scene, index: int) -> float:
    return float(np.exp((scene.times_s[index] - scene.times_s[index + 1]) / MEMORY_S))


def _along(values: Flow, flow: Flow) -> Flow:
    """`values` of a neighbouring frame, fetched along the half-size `flow` that leads there."""
    h, w = flow.shape[:2]
    ys, xs = np.mgrid[0:h, 0:w].astype(np.float32)
    there = xs + flow[..., 0] / 2, ys + flow[..., 1] / 2
    return np.asarray(
        cv2.remap(values, *there, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _pack(values: NDArray[np.float32]) -> bytes:
    return zlib.compress(np.round(values * 127).astype(np.int8).tobytes(), 1)


def _unpack(data: bytes, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.frombuffer(zlib.decompress(data), np.int8).reshape(shape).astype(np.float32) / np.float32(127)
