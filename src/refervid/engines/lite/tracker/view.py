"""What all objects share of one frame while they are carried onto it."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.analysis.flow import Flow, camera_flow

Plane = NDArray[np.float32]
"""(h, w) float32 at analysis size."""

STRIDE = 2
"""Analysis pixels per feature pixel."""
IMAGE_FEATURES = 11
LAB_UNIT = np.array([25, 15, 15], np.float32)
"""Differences of L*, a* and b* that count as one."""
BLURS = (2, 6)
"""Standard deviations in feature pixels of the colour's coarser scales."""
TEXTURE_WINDOWS = (5, 15)
FLOW_ERROR_PX, FLOW_ERROR_SHARE = 1.0, 0.05
"""Expected error of optical flow: a constant, and a share of its length."""


class View:
    """Frame `index` as it is reached in `direction` (1: from the frame before, -1: from the one after)."""

    def __init__(self, scene: Scene, index: int, direction: int) -> None:
        self.scene = scene
        self.index = index
        self.direction = direction

    @cached_property
    def after_cut(self) -> bool:
        """Whether another shot begins on the way here."""
        return self.scene.cut(self.index - 1 if self.direction > 0 else self.index)

    @cached_property
    def lab(self) -> NDArray[np.float32]:
        """(h, w, 3) CIE L*a*b*."""
        rgb = self.scene.small(self.index).astype(np.float32) / 255
        return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB))

    @cached_property
    def lightness(self) -> Plane:
        """L* in 0..1."""
        return self.lab[..., 0] / np.float32(100)

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """(ceil(h / 2), ceil(w / 2), 11): colour at three scales, contrast at two."""
        lab = to_features(self.lab) / LAB_UNIT
        colours = [lab, *(cv2.GaussianBlur(lab, (0, 0), sigma) for sigma in BLURS)]
        contrasts = [2 * _contrast(lab[..., 0], window) for window in TEXTURE_WINDOWS]
        return np.dstack([*colours, *contrasts])

    @cached_property
    def origin(self) -> tuple[Plane, Plane]:
        """x and y of every pixel on the frame that the sweep comes from."""
        h, w = self.scene.size
        ys, xs = np.mgrid[0:h, 0:w].astype(np.float32)
        return xs + self._flow[..., 0], ys + self._flow[..., 1]

    @cached_property
    def trust(self) -> Plane:
        """How surely each pixel's origin is right, in 0..1: does the flow lead from there back here?

        Pixels that were hidden or outside on the frame before do not pass.
        """
        come_from = self.index - self.direction
        there = self.scene.forward(come_from) if self.direction > 0 else self.scene.backward(come_from)
        xs, ys = self.origin
        back = cv2.remap(there, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        error = _length(self._flow + back)
        trust = np.exp(-((error / (FLOW_ERROR_PX + FLOW_ERROR_SHARE * _length(self._flow))) ** 2) / 2)
        h, w = self.scene.size
        trust[(xs < 0) | (xs > w - 1) | (ys < 0) | (ys > h - 1)] *= 0.5
        return np.asarray(trust)

    @cached_property
    def camera(self) -> NDArray[np.float64]:
        """3x3 homography from this frame to the one that the sweep comes from."""
        if self.direction < 0:
            return self.scene.camera(self.index)
        return np.asarray(np.linalg.inv(self.scene.camera(max(self.index - 1, 0))), np.float64)

    @cached_property
    def speed(self) -> Plane:
        """Motion in pixels a frame that the camera's own motion does not explain."""
        return _length(self._against_camera)

    @cached_property
    def usual_speed(self) -> float:
        """The median of `speed`: the error of flow and camera, as most of the frame is background."""
        return float(np.median(self.speed[::STRIDE, ::STRIDE]))

    @cached_property
    def residual(self) -> Flow:
        """(h, w, 2) motion against the camera to the next frame or from the last, whichever is smaller:
        the larger one may come from what is hidden on the other frame."""
        both = [direction * -View(self.scene, self.index, direction)._against_camera for direction in (1, -1)]
        if self.index == 0:
            return both[1]
        if self.index == len(self.scene) - 1:
            return both[0]
        return np.where((_length(both[0]) < _length(both[1]))[..., None], *both)

    @cached_property
    def _flow(self) -> Flow:
        """(h, w, 2): from this frame to the one that the sweep comes from."""
        return self.scene.backward(self.index) if self.direction > 0 else self.scene.forward(self.index)

    @cached_property
    def _against_camera(self) -> Flow:
        return self._flow - camera_flow(self.camera, *self.scene.size)


def to_features(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over `STRIDE` x `STRIDE` pixels; a last odd row or column is doubled first."""
    h, w = picture.shape[:2]
    even = cv2.copyMakeBorder(picture, 0, -h % STRIDE, 0, -w % STRIDE, cv2.BORDER_REPLICATE)
    size = (even.shape[1] // STRIDE, even.shape[0] // STRIDE)
    return np.asarray(cv2.resize(even, size, interpolation=cv2.INTER_AREA))


def _length(vectors: Flow) -> Plane:
    # Not cv2.magnitude, whose last bit depends on where in memory its result comes to lie.
    return np.asarray(np.sqrt(vectors[..., 0] ** 2 + vectors[..., 1] ** 2))


def _contrast(plane: Plane, window: int) -> Plane:
    """Local standard deviation."""
    mean = cv2.blur(plane, (window, window))
    return np.asarray(np.sqrt(np.maximum(cv2.blur(plane * plane, (window, window)) - mean * mean, 0)))
