"""Contour accuracy F: how well the boundaries of two masks meet (DAVIS; Perazzi et al. 2016, section 4).

A boundary pixel counts as met when the other boundary has a pixel inside the disk around it. The disk
is the union of a few centred rectangles, and whether a rectangle holds a pixel is read from an integral
image: exact in integers, and nothing is dilated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.metrics.region import without_void

TOLERANCE = 0.008
"""Of the image diagonal; `bound_th` of davis2017-evaluation."""


@dataclass(frozen=True)
class Outline:
    """The boundary of one mask of `height` x `width` pixels.

    `pixels` (N,) int64 are flat indices; `integral` (height + 1, width + 1) int32 counts them in the
    rectangle above and to the left.
    """

    height: int
    width: int
    pixels: NDArray[np.int64]
    integral: NDArray[np.int32]


def outline(mask: NDArray[np.bool_]) -> Outline:
    """Boundary of a bool (H, W) mask: pixels that differ from their right, lower or lower right neighbour.

    The frame's edge is no boundary. Follows `_seg2bmap` of davis2017-evaluation.
    """
    edge = np.zeros(mask.shape, bool)
    np.not_equal(mask[:, :-1], mask[:, 1:], out=edge[:, :-1])
    edge[:-1] |= mask[:-1] != mask[1:]
    edge[:-1, :-1] |= mask[:-1, :-1] != mask[1:, 1:]
    integral = cv2.integral(edge.view(np.uint8))
    height, width = mask.shape
    return Outline(height, width, np.flatnonzero(edge), integral)


def radius_of(height: int, width: int, tolerance: float = TOLERANCE) -> int:
    """Radius in pixels of the disk: a share of the diagonal, or `tolerance` itself from 1 upwards."""
    return int(tolerance) if tolerance >= 1 else math.ceil(tolerance * math.hypot(height, width))


@lru_cache
def _rectangles(radius: int) -> tuple[tuple[int, int], ...]:
    """Half heights and half widths of centred rectangles whose union is the disk dx² + dy² <= radius²."""
    tallest = {math.isqrt(radius**2 - dy**2): dy for dy in range(radius + 1)}
    return tuple((dy, dx) for dx, dy in tallest.items())


def _met(one: Outline, other: Outline, radius: int) -> float:
    """Share of the boundary pixels of `one` that lie within `radius` of a boundary pixel of `other`."""
    if not len(one.pixels):
        return 0.0
    rows, columns = np.divmod(one.pixels, one.width)
    counts, stride = other.integral.reshape(-1), one.width + 1
    # The square in the middle meets most pixels, so it goes first.
    for dy, dx in sorted(_rectangles(radius), key=lambda size: -min(size)):
        top, bottom = np.maximum(rows - dy, 0) * stride, np.minimum(rows + dy + 1, one.height) * stride
        left, right = np.maximum(columns - dx, 0), np.minimum(columns + dx + 1, one.width)
        inside = counts[bottom + right] - counts[bottom + left] - counts[top + right] + counts[top + left]
        rows, columns = rows[inside == 0], columns[inside == 0]
    return (len(one.pixels) - len(rows)) / len(one.pixels)


def outline_f(truth: Outline, prediction: Outline, radius: int) -> float:
    """F of two outlines of one size: harmonic mean of precision and recall; 1 when neither has a pixel."""
    if not len(truth.pixels) and not len(prediction.pixels):
        return 1.0
    precision, recall = _met(prediction, truth, radius), _met(truth, prediction, radius)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def boundary_f(
    truth: NDArray[np.bool_],
    prediction: NDArray[np.bool_],
    void: NDArray[np.bool_] | None = None,
    tolerance: float = TOLERANCE,
) -> NDArray[np.float64]:
    """F of every frame, (T,) in 0..1.

    `truth`, `prediction` and `void` (pixels that count for neither) are bool (T, H, W). `tolerance` is a
    share of the image diagonal, or pixels from 1 upwards.
    """
    truth, prediction = without_void(truth, prediction, void)
    radius = radius_of(truth.shape[1], truth.shape[2], tolerance)
    pairs = zip(truth, prediction, strict=True)
    return np.array([outline_f(outline(t), outline(p), radius) for t, p in pairs], np.float64)
