"""Some of many, evenly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def spread(length: int, count: int) -> NDArray[np.intp]:
    """(N,) at most `count` of the positions from 0 to `length` - 1, the first and the last among them.

    >>> spread(9, 3).tolist()
    [0, 4, 8]
    """
    return np.linspace(0, length - 1, min(count, length)).round().astype(np.intp)


def middles(length: int, count: int) -> list[int]:
    """The positions in the middle of `count` equal parts, or all of fewer.

    >>> middles(9, 3)
    [1, 4, 7]
    """
    count = min(count, length)
    return [int((part + 0.5) * length / count) for part in range(count)]
