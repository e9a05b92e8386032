"""COCO's compressed run-length codes: how masks are kept everywhere."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pycocotools import mask as coco

_MOST_DIGITS = 7
"""Of a number of 32 bits."""


def encode_mask(mask: NDArray[np.bool_]) -> bytes:
    """COCO compressed run-length code of a bool (H, W) mask, without its size."""
    return cast(bytes, coco.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"])


def decode_mask(counts: bytes, height: int, width: int) -> NDArray[np.bool_]:
    """Inverse of `encode_mask`: bool (H, W). Raises ValueError unless the code covers the frame exactly.

    pycocotools leaves memory uninitialised behind a code that is too short, and warns in every call with
    numpy 2, where an interrupt may be lost.
    """
    return filled_runs(checked_runs(counts, height, width), height, width)


def filled_runs(runs: ArrayLike, height: int, width: int) -> NDArray[np.bool_]:
    """The mask (H, W) of run lengths as `checked_runs` gives them, which cover the frame exactly."""
    lengths = np.asarray(runs, np.int64)
    inside = np.arange(len(lengths)) % 2 == 1
    return np.repeat(inside, lengths).reshape(width, height).T


def checked_runs(counts: bytes, height: int, width: int) -> NDArray[np.int64]:
    """Lengths of the runs of pixels outside, inside, outside ... down the columns.

    Raises ValueError unless the code covers the frame exactly.
    """
    runs = _run_lengths(counts)
    if not len(runs) or runs.min() < 0 or runs.sum() != height * width:
        raise ValueError(f"the code does not cover {width}x{height} pixels")
    return runs


def _run_lengths(counts: bytes) -> NDArray[np.int64]:
    """As `checked_runs`, of a frame of any size; empty if `counts` is no code.

    Numbers are written in digits of 5 bits, the lowest first; bit 32 says that another digit follows, bit
    16 of the last one is the sign (`rleFrString` of COCO's API).
    """
    digits = np.frombuffer(counts, np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero((digits & 32) == 0)
    sizes = np.diff(ends, prepend=-1)
    is_code = len(ends) and ends[-1] == len(digits) - 1 and sizes.max() <= _MOST_DIGITS
    if not is_code or digits.min() < 0 or digits.max() > 63:
        return np.empty(0, np.int64)
    starts = ends - sizes + 1
    places = np.arange(len(digits)) - np.repeat(starts, sizes)
    runs = np.add.reduceat((digits & 31) << (5 * places), starts)
    runs -= np.where(digits[ends] & 16, 1 << (5 * sizes), 0)
    # From the fourth on, a run is written as the difference from the one before the last.
    for chain in (runs[1::2], runs[2::2]):
        chain[:] = chain.cumsum()
    return runs
