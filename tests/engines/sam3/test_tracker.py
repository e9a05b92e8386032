"""SAM 3's tracker against transformers' own session, and from the folder of the whole model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from refervid.core.types import Pivot, no_hook
from refervid.engines.base import Runtime
from refervid.engines.registry import build_engine
from refervid.engines.sam3 import Sam3Tracker, Sam3TrackerSettings
from tests.engines.sam2 import reference
from tests.engines.sam2.tiny import HEIGHT, WIDTH, clip, frames, mask
from tests.engines.sam3 import tiny

COUNT = 12
OBJECTS = [
    [Pivot(0, mask=mask(0))],
    [Pivot(3, mask=mask(3)), Pivot(9, mask=mask(8))],
    [Pivot(5, points_xy=np.array([[40.0, 25.0]], np.float32), point_labels=np.array([True]))],
    [Pivot(6, mask=np.zeros((HEIGHT, WIDTH), bool))],
]
TOLERANCE = 1e-2
"""Of logits up to 10. Memories are bfloat16, whose steps are .004 of a value, so rounding in another order
shows: less than 5e-3 on some processors, 5.4e-3 on others."""


def test_batched_objects_match_transformers_one_by_one() -> None:
    propagation = Sam3Tracker(tiny.network(), Sam3TrackerSettings()).propagation(clip(COUNT), OBJECTS)
    ours = torch.zeros(COUNT, len(OBJECTS), *tiny.network().low_size)
    for result in propagation.run():
        ours[result.index, list(result.objects)] = result.decoded.logits
    assert propagation.source.encoded == COUNT
    model = reference.corrected(tiny.tracker_model())
    for row, pivots in enumerate(OBJECTS):
        theirs = reference.track(model, frames(COUNT), pivots)
        np.testing.assert_allclose(ours[:, row], theirs, rtol=0, atol=TOLERANCE, err_msg=f"object {row}")


def test_the_whole_model_s_folder_has_the_tracker(tmp_path: Path) -> None:
    folder = tiny.folder_of(tiny.video_model(), tmp_path)
    runtime = Runtime("cpu", "float32", False, tmp_path)
    tracker = build_engine("tracker", {"kind": "sam3", "weights": str(folder)}, runtime)
    assert isinstance(tracker, Sam3Tracker)
    [track] = tracker.track(clip(3), [[Pivot(0, mask=mask(0))]], no_hook)
    assert track.areas()[0] > 0
