"""Contour accuracy F: how well the boundaries of two masks meet (DAVIS; Perazzi et al. 2016, section 4).

A boundary pixel counts as met when the other boundary has a pixel inside the disk around it. The disk
is the union of a few centred rectangles, and whether a rectangle holds a pixel is read from an integral
image around the mask: exact in integers, and nothing is dilated.
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
    """The boundary of one mask, ready to be compared with others within `radius` pixels.

    `rows` and `columns` (N,) int64 are its pixels in the frame. `integral` (h + 1, w + 1) int32 counts
    them above and to the left in a window around them, whose corner in the frame is `top`, `left`.
    """

    radius: int
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    top: int
    left: int
    integral: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.rows)


def radius_of(height: int, width: int, tolerance: float = TOLERANCE) -> int:
    """Radius in pixels of the disk: a share of the diagonal, or `tolerance` itself from 1 upwards."""
    return int(tolerance) if tolerance >= 1 else math.ceil(tolerance * math.hypot(height, width))


def outline(mask: NDArray[np.bool_], radius: int) -> Outline:
    """Boundary of a bool (H, W) mask: pixels that differ from their right, lower or lower right neighbour.

    The frame's edge is no boundary. Follows `_seg2bmap` of davis2017-evaluation.
    """
    # One pixel around the mask's box is enough to see where it begins and ends.
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
    top, left = max(y - 1, 0), max(x - 1, 0)
    part = mask[top : y + height + 1, left : x + width + 1]
    # With this margin, a rectangle around any pixel that can meet the boundary stays in the window.
    margin = 2 * radius
    window = np.zeros((part.shape[0] + 2 * margin, part.shape[1] + 2 * margin), bool)
    edge = window[margin : margin + part.shape[0], margin : margin + part.shape[1]]
    np.not_equal(part[:, :-1], part[:, 1:], out=edge[:, :-1])
    edge[:-1] |= part[:-1] != part[1:]
    edge[:-1, :-1] |= part[:-1, :-1] != part[1:, 1:]
    rows, columns = np.divmod(np.flatnonzero(window), window.shape[1])
    top, left = top - margin, left - margin
    return Outline(radius, rows + top, columns + left, top, left, cv2.integral(window.view(np.uint8)))


@lru_cache
def _rectangles(radius: int) -> tuple[tuple[int, int], ...]:
    """Half heights and half widths of centred rectangles whose union is the disk dx² + dy² <= radius².

    The squarest one comes first, because it meets most pixels.
    """
    tallest = {math.isqrt(radius**2 - dy**2): dy for dy in range(radius + 1)}
    return tuple(sorted(((dy, dx) for dx, dy in tallest.items()), key=lambda size: -min(size)))


def _met(one: Outline, other: Outline) -> float:
    """Share of the boundary pixels of `one` that lie within the radius of a boundary pixel of `other`."""
    if not len(one):
        return 0.0
    radius, (height, width) = other.radius, other.integral.shape
    rows, columns = one.rows - other.top, one.columns - other.left
    near = (
        (rows >= radius) & (rows < height - 1 - radius) & (columns >= radius) & (columns < width - 1 - radius)
    )
    places = rows[near] * width + columns[near]
    counts = other.integral.reshape(-1)
    missed = len(one) - len(places)
    for dy, dx in _rectangles(radius):
        above, below, left, right = -dy * width, (dy + 1) * width, -dx, dx + 1
        inside = counts[places + (below + right)] - counts[places + (below + left)]
        inside += counts[places + (above + left)] - counts[places + (above + right)]
        places = places[inside == 0]
    return (len(one) - missed - len(places)) / len(one)


def outline_f(truth: Outline, prediction: Outline) -> float:
    """F of two outlines of one radius: harmonic mean of precision and recall; 1 when neither has a pixel."""
    if not len(truth) and not len(prediction):
        return 1.0
    precision, recall = _met(prediction, truth), _met(truth, prediction)
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
    return np.array([outline_f(outline(t, radius), outline(p, radius)) for t, p in pairs], np.float64)
