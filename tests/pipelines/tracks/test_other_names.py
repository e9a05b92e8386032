"""What the finder has another name for."""

from __future__ import annotations

from typing import Any

import numpy as np

from refervid.core.types import Hook
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.media.array import ArrayClip
from refervid.media.clip import Clip
from refervid.pipelines.presets import load

BOX = (60, 30, 100, 62)


class Finder:
    """Takes a thing that neither moves nor stands out for a frisbee."""

    Settings: Any = None
    name = "frisbees"
    version = "1"

    def find(self, clip: Clip, hook: Hook) -> Inventory:
        frames = np.arange(len(clip))
        boxes, scores = (np.tile(one, (len(clip), 1)).astype(np.float32) for one in (BOX, [0.6]))
        return Inventory((ObjectTrack(1, frames, boxes, scores[:, 0], {"frisbee": 0.6}),), tuple(frames))


def test_a_thing_without_a_class_may_be_what_was_called_something_else() -> None:
    noise = np.random.default_rng(0).integers(90, 160, (96, 144, 1), np.uint8)
    clip = ArrayClip(np.tile(noise, (4, 1, 1, 3)), fps=4)
    result = load("lite", device="cpu", remember=False, finder=Finder())(clip, text="the watermelon")
    assert result.status == "guess"
    assert result.pivots
    assert all(tuple(pivot.box_xyxy) == BOX for pivot in result.pivots)
