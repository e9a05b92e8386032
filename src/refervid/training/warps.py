"""Pseudo clips: a still and warped copies of it, in random order (public repository of SOC)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Frame, Mask

_BRIGHTNESS = 40
_PERSPECTIVE = 0.08
_TURN_DEGREES = 20
_SHIFT = 0.1
_BLUR_PROBABILITY = 0.25
_BLUR_KERNELS = (9, 11)
"""Published values: offsets in grey levels, standard deviation of the corners and shift as shares of the
size, kernels in pixels.
"""


def pseudo_clip(
    picture: Frame, mask: Mask, frames: int, random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Frames (T, H, W, 3) and masks (T, H, W)."""
    copies = [(picture, mask), *(_warped(picture, mask, random) for _ in range(frames - 1))]
    order = random.permutation(frames)
    return np.stack([copies[i][0] for i in order]), np.stack([copies[i][1] for i in order])


def _warped(picture: Frame, mask: Mask, random: np.random.Generator) -> tuple[Frame, Mask]:
    height, width = mask.shape
    offset = random.uniform(-_BRIGHTNESS, _BRIGHTNESS)
    bright = np.clip(picture.astype(np.float32) + offset, 0, 255).astype(np.uint8)
    matrix = _affine(height, width, random) @ _perspective(height, width, random)
    moved = cv2.warpPerspective(bright, matrix, (width, height), flags=cv2.INTER_LINEAR)
    cut = cv2.warpPerspective(mask.astype(np.uint8), matrix, (width, height), flags=cv2.INTER_NEAREST)
    if random.random() < _BLUR_PROBABILITY:
        moved = cv2.filter2D(moved, -1, _motion_blur(int(random.choice(_BLUR_KERNELS)), random))
    return moved, cut.astype(bool)


def _perspective(height: int, width: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Every corner comes from somewhere further inside."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    inward = np.abs(random.normal(0, _PERSPECTIVE, (4, 2))).clip(0, 0.4).astype(np.float32)
    size = np.array([width, height], np.float32)
    source = (corners + np.where(corners == 0, inward, -inward)) * size
    return np.asarray(cv2.getPerspectiveTransform(source, corners * size), np.float64)


def _affine(height: int, width: int, random: np.random.Generator) -> NDArray[np.float64]:
    degrees = random.uniform(-_TURN_DEGREES, _TURN_DEGREES)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    turn[:, 2] += random.uniform(-_SHIFT, _SHIFT, 2) * (width, height)
    return np.vstack([turn, [0, 0, 1]])


def _motion_blur(size: int, random: np.random.Generator) -> NDArray[np.float64]:
    """A line through the middle of the kernel at a random angle."""
    line = np.zeros((size, size))
    line[:, size // 2] = 1
    turn = cv2.getRotationMatrix2D((size // 2, size // 2), random.uniform(0, 360), 1)
    kernel = cv2.warpAffine(line, turn, (size, size))
    return np.asarray(kernel / kernel.sum())
