"""Masks as polygons."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Mask

Polygon = NDArray[np.float32]
"""(N, 2) float32 corners x, y in pixels of the frame, the first one not repeated."""

_SCALE = 4
"""Outlines are followed on a mask so many times the size, so that they run along the pixels' edges."""


def outline(mask: Mask) -> Polygon:
    """One polygon for a whole mask (H, W): parts apart and holes hang on it by seams without width.

    Filled by the even-odd or the non-zero rule it gives the mask back; empty for an empty mask.
    """
    large = np.kron(mask, np.ones((_SCALE, _SCALE), np.uint8))
    rings, _ = cv2.findContours(large, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    joined = np.zeros((0, 2), np.float32)
    for ring in sorted((ring[:, 0] for ring in rings), key=lambda ring: -len(ring)):
        joined = _hung_on(joined, (ring + 0.5).astype(np.float32) / _SCALE)
    return joined


def _hung_on(whole: Polygon, ring: Polygon) -> Polygon:
    """`whole` with a detour: from its corner nearest to the ring there, around, and back."""
    if not len(whole):
        return ring
    gaps = ((whole[:, None] - ring[None]) ** 2).sum(axis=-1)
    here, there = np.unravel_index(int(gaps.argmin()), gaps.shape)
    around = np.concatenate([ring[there:], ring[: there + 1]])
    return np.concatenate([whole[: here + 1], around, whole[here:]])
