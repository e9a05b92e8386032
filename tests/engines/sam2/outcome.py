"""What a propagation gave, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from refervid.core.types import Pivot
from refervid.engines.sam2 import Sam2Settings, Sam2Tracker
from refervid.engines.sam2.propagate import FrameResult
from refervid.media.clip import Clip
from tests.engines.sam2 import tiny


def tracker(kind: str = "sam2", **settings: object) -> Sam2Tracker:
    return Sam2Tracker(tiny.network(kind), Sam2Settings.model_validate(settings))


def logits(results: Iterable[FrameResult], objects: int, frames: int) -> NDArray[np.float32]:
    """(T, O, h, w); NaN where an object was never answered."""
    side = tiny.SIZE // 4
    low = np.full((frames, objects, side, side), np.nan, np.float32)
    for result in results:
        low[result.index, list(result.objects)] = result.decoded.logits
    return low


def propagate(
    clip: Clip, objects: Sequence[Sequence[Pivot]], kind: str = "sam2", **settings: object
) -> NDArray[np.float32]:
    with torch.inference_mode():
        propagation = tracker(kind, **settings).propagation(clip, objects)
        return logits(propagation.run(), len(objects), len(clip))
