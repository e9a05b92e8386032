"""Frames on which tracks are compared."""

from __future__ import annotations

import numpy as np

from refervid.core.spread import spread
from refervid.engines.inventory import Inventory
from refervid.engines.lite.analysis import Scene

KEYFRAMES = 8
"""Frames of a clip; of clips longer than `KEYFRAME_S` each, more."""
KEYFRAME_S = 4.0
MOST_KEYFRAMES = 24
"""A long clip costs no more than one of a minute and a half."""


def keyframes(scene: Scene, inventory: Inventory) -> list[int]:
    """Evenly over the sampled frames that show anything."""
    shown = sorted({int(index) for track in inventory.tracks for index in track.frame_indices})
    count = int(np.clip(scene.times_s[-1] / KEYFRAME_S, KEYFRAMES, MOST_KEYFRAMES))
    return [shown[place] for place in spread(len(shown), count)]
