"""Contour accuracy F: how well the boundaries of two masks meet (DAVIS; Perazzi et al. 2016, section 4).

A boundary pixel counts as met when the other boundary has a pixel inside the disk around it. The masks of a
frame lie together as the bits of one integer a pixel, so that all their boundaries are found, and widened by
the disk, at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refervid.metrics.region import cropped, frame_jaccard, without_void

TOLERANCE = 0.008
"""Of the image diagonal; `bound_th` of davis2017-evaluation."""

MOST = 64
"""Masks that can be compared at once: the bits of the largest integer."""


def radius_of(height: int, width: int, tolerance: float = TOLERANCE) -> int:
    """Radius in pixels of the disk: a share of the diagonal, or `tolerance` itself from 1 upwards."""
    return int(tolerance) if tolerance >= 1 else math.ceil(tolerance * math.hypot(height, width))


def boundary_table(masks: Sequence[NDArray[np.bool_]], radius: int) -> NDArray[np.float64]:
    """F between any two of n <= `MOST` bool (H, W) masks of one frame, (n, n): harmonic mean of precision and
    recall; 1 where neither has a boundary. The masks may be `cropped`."""
    margin = max(radius, 1)
    edges = boundaries(masks, margin)
    inner = edges[margin:-margin]
    near_edges = widened(edges, radius) if radius else inner
    there = np.flatnonzero(inner != 0)
    own, near = (_bits(bits.reshape(-1)[there], len(masks)) for bits in (inner, near_edges))
    # Boundary pixels of each row's mask that lie within the radius of the column's; all are near themselves.
    met = (own.T @ near).astype(np.float64)
    counts = met.diagonal()
    share = met / np.maximum(counts, 1)[:, None]
    total = share + share.T
    nothing = counts == 0
    table: NDArray[np.float64] = 2 * share * share.T / np.where(total > 0, total, 1)
    table += nothing[:, None] & nothing
    return table


def boundaries(masks: Sequence[NDArray[np.bool_]], margin: int) -> NDArray[Any]:
    """(H + 2 margin, W + margin) unsigned: bit k is set where mask k differs from its right, lower or lower
    right neighbour. The frame's edge is no boundary. Follows `_seg2bmap` of davis2017-evaluation.

    The masks' places have `margin` empty pixels around them, of which those at the right of a row are those
    at the left of the next.
    """
    height, width = masks[0].shape
    pitch = width + margin
    window = np.zeros((height + 2 * margin, pitch), np.min_scalar_type((1 << len(masks)) - 1))
    bits = np.zeros((height + 2, pitch), window.dtype)
    for bit, mask in enumerate(masks):
        bits[:height, :width] |= np.left_shift(mask.view(np.uint8), bit, dtype=bits.dtype)
    # Beyond the edge is what is at it.
    bits[height] = bits[height - 1]
    bits[: height + 1, width] = bits[: height + 1, width - 1]
    flat, size = bits.reshape(-1), height * pitch
    here = flat[:size]
    edges = here ^ flat[1 : size + 1]
    for neighbour in (pitch, pitch + 1):
        edges |= here ^ flat[neighbour : neighbour + size]
    window[margin : margin + height, :width] = edges.reshape(height, pitch)[:, :width]
    return window


def widened(edges: NDArray[Any], radius: int) -> NDArray[Any]:
    """(H, W + radius): of `boundaries` with a margin of the radius, every bit also set in the disk
    dx² + dy² <= radius² around where it is. The margins above and below are used up.

    The disk's rows from the outermost one inwards: each is as wide as the one before or wider, so moving what
    there is up and down by a row, and adding the next row, leaves no gap.
    """
    pitch, reach = edges.shape[1], 0
    row = disk = edges.reshape(-1)
    for moves in range(1, radius + 1):
        wanted = math.isqrt(radius**2 - (radius - moves) ** 2)
        while reach < wanted:
            step = min(2 * reach + 1, wanted - reach)
            row = row[: -2 * step] | row[step:-step] | row[2 * step :]
            reach += step
        cut = moves * pitch - reach
        disk = disk[: -2 * pitch] | disk[2 * pitch :]
        disk |= row[cut:-cut]
    return disk.reshape(-1, pitch)


def _bits(numbers: NDArray[Any], count: int) -> NDArray[np.float32]:
    """(P,) integers to the first `count` bits of each, (P, count)."""
    octets = numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)[:, None].view(np.uint8)
    return np.unpackbits(octets, axis=1, count=count, bitorder="little").astype(np.float32)


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
    return np.array([boundary_table(cropped(pair), radius)[0, 1] for pair in pairs], np.float64)


def j_and_f(frames: Iterable[tuple[NDArray[np.bool_], NDArray[np.bool_]]]) -> NDArray[np.float64]:
    """(2, T): J and F of the truth and the prediction of every frame, bool (H, W) both.

    As many frames go together as fill the bits of a byte with their masks.
    """
    scores: list[tuple[float, float]] = []
    for shape, alike in groupby(frames, lambda pair: pair[0].shape):
        radius = radius_of(*shape)
        while together := list(islice(alike, 4)):
            masks = cropped([mask for pair in together for mask in pair])
            table = boundary_table(masks, radius)
            pairs = range(0, len(masks), 2)
            scores += [(frame_jaccard(*masks[k : k + 2]), table[k, k + 1]) for k in pairs]
    return np.array(scores, np.float64).reshape(-1, 2).T
