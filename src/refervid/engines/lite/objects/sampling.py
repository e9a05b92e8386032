"""Which frames of a clip are looked at."""

from __future__ import annotations

import numpy as np

from refervid.media.clip import Clip


def sampled_frames(clip: Clip, rate_hz: float) -> list[int]:
    """The frames nearest to a clock of `rate_hz`, from the first on; all where there are fewer.

    Only ticks near a frame count: the times of a clip may jump by days.
    """
    ticks = np.rint(clip.times_s * rate_hz)
    order = np.lexsort((np.abs(clip.times_s * rate_hz - ticks), ticks))
    _, nearest = np.unique(ticks[order], return_index=True)
    return sorted(order[nearest].tolist())
