"""What all objects share of one frame while they are carried onto it."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.scene import Scene
from refervid.scene.flow import camera_flow

Plane = NDArray[np.float32]
"""(h, w) float32 at analysis size."""


class View:
    """Frame `index` as it is reached in `direction` (1: from the frame before, -1: from the one after)."""

    def __init__(self, scene: Scene, index: int, direction: int) -> None:
        self.scene = scene
        self.index = index
        self.direction = direction

    @cached_property
    def lab(self) -> NDArray[np.uint8]:
        """(h, w, 3) CIE L*a*b* in 0..255."""
        return cv2.cvtColor(self.scene.small(self.index), cv2.COLOR_RGB2LAB)

    @cached_property
    def grey(self) -> Plane:
        """Lightness in 0..1."""
        return self.lab[..., 0].astype(np.float32) / 255

    @cached_property
    def flow(self) -> NDArray[np.float32]:
        """(h, w, 2): from this frame to the one that the sweep comes from."""
        return self.scene.backward(self.index) if self.direction > 0 else self.scene.forward(self.index)

    @cached_property
    def origin(self) -> tuple[Plane, Plane]:
        """x and y of every pixel on the frame that the sweep comes from."""
        h, w = self.scene.size
        ys, xs = np.mgrid[0:h, 0:w].astype(np.float32)
        return xs + self.flow[..., 0], ys + self.flow[..., 1]

    @cached_property
    def residual(self) -> NDArray[np.float32]:
        """(h, w, 2): `flow` less what the camera's own motion explains."""
        if self.direction > 0:
            camera = np.linalg.inv(self.scene.camera(max(self.index - 1, 0)))
        else:
            camera = self.scene.camera(self.index)
        return self.flow - camera_flow(camera, *self.scene.size)
