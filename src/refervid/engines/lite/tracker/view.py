"""What all objects share of one frame while they are carried onto it."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Frame
from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.analysis.flow import Flow, camera_flow


class View:
    """Frame `index` as it is reached in `direction` (1: from the frame before, -1: from the one after)."""

    def __init__(self, scene: Scene, index: int, direction: int = 1) -> None:
        self.scene = scene
        self.index = index
        self.direction = direction

    @cached_property
    def picture(self) -> Frame:
        """(h, w, 3) uint8 RGB; crops are cut from it, and all places below are its pixels."""
        return self.scene.picture(self.index)

    @cached_property
    def _scale(self) -> NDArray[np.float32]:
        (h, w), (height, width) = self.scene.size, self.scene.picture_size
        return np.array([w / width, h / height], np.float32)

    @cached_property
    def after_cut(self) -> bool:
        """Whether another shot begins on the way here."""
        return self.scene.cut(self.index - 1 if self.direction > 0 else self.index)

    def origin(self, places: NDArray[np.float32]) -> NDArray[np.float32]:
        """Where places (..., 2) of this frame were on the frame that the sweep comes from."""
        return places + self._at(self._from_here, places)

    def moved(self, places: NDArray[np.float32]) -> NDArray[np.float32]:
        """Where places (..., 2) of that frame are here."""
        return places + self._at(self._to_here, places)

    @cached_property
    def _from_here(self) -> Flow:
        return self.scene.backward(self.index) if self.direction > 0 else self.scene.forward(self.index)

    @cached_property
    def _to_here(self) -> Flow:
        come_from = self.index - self.direction
        return self.scene.forward(come_from) if self.direction > 0 else self.scene.backward(come_from)

    def against_camera(self, places: NDArray[np.float32]) -> NDArray[np.float32]:
        """Speed (h, w) of places (h, w, 2) that the camera does not explain, in analysis pixels a frame."""
        grid = self._grid(places)
        return np.asarray(
            cv2.remap(self._speed, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
        )

    @cached_property
    def usual_speed(self) -> float:
        """The median of that: the error of flow and camera, as most of the frame is background."""
        return float(np.median(self._speed[::2, ::2]))

    @cached_property
    def _speed(self) -> NDArray[np.float32]:
        camera = self.scene.camera(self.index if self.direction < 0 else max(self.index - 1, 0))
        if self.direction > 0:
            camera = np.asarray(np.linalg.inv(camera), np.float64)
        own = self._from_here - camera_flow(camera, *self.scene.size)
        # Not cv2.magnitude, whose last bit depends on where in memory its result comes to lie.
        return np.asarray(np.sqrt(own[..., 0] ** 2 + own[..., 1] ** 2), np.float32)

    def _at(self, flow: Flow, places: NDArray[np.float32]) -> NDArray[np.float32]:
        """The flow at places of the picture, in its pixels."""
        steps = cv2.remap(flow, *self._grid(places), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(steps / self._scale, np.float32)

    def _grid(self, places: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """x and y of places of the picture on the grid of the flow."""
        at = (places + 0.5) * self._scale - 0.5
        return at[..., 0], at[..., 1]
