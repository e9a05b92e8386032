"""Fuzzy truth values in 0..1."""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import NDArray


@overload
def rise(value: float, low: float, high: float) -> float: ...
@overload
def rise(value: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]: ...
def rise(value: float | NDArray[np.float64], low: float, high: float) -> float | NDArray[np.float64]:
    """0 up to `low`, 1 from `high` on, straight between; `low` > `high` makes it fall."""
    share = np.clip((value - low) / (high - low), 0.0, 1.0)
    return share if isinstance(value, np.ndarray) else float(share)
