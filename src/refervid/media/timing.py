"""How long frames are shown, which a clip's times leave open for the last one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

JUMP_S = 600.0
"""Steps beyond this are jumps of a clock, or damage: nobody looks at a still or hears silence for longer."""
_SINGLE_FRAME_S = 1 / 25
_SHORTEST_S = 1 / 1000


def frame_step(times_s: NDArray[np.float64]) -> float:
    """The usual time between frames in seconds, taken for the last frame's too."""
    if len(times_s) == 1:
        return _SINGLE_FRAME_S
    return max(float(np.median(np.diff(times_s))), _SHORTEST_S)


def frame_edges(times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T + 1,) seconds: when each frame begins, and when the last one ends."""
    return np.append(times_s, times_s[-1] + frame_step(times_s))


def ends_early(promised_s: float | None, reached_s: float, step_s: float) -> bool:
    """Does a video end before the length that its header states, by more than a header is usually wrong?

    `step_s` is its usual time between frames. Headers count to where the last frame begins or ends, rounded.
    """
    return promised_s is not None and promised_s - reached_s > max(0.25, 2 * step_s, 0.01 * promised_s)


def shown_edges(times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """`frame_edges` of a movie to look at: a frame before a jump (`JUMP_S`) lasts as long as any other."""
    edges_s = frame_edges(times_s)
    steps_s = np.diff(edges_s)
    steps_s[steps_s > JUMP_S] = frame_step(times_s)
    return np.append(0.0, np.cumsum(steps_s)) if (np.diff(edges_s) > JUMP_S).any() else edges_s
