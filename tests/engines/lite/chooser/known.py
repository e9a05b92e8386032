"""An inventory of known truth, and what the rules answer about it."""

from __future__ import annotations

import numpy as np

from refervid.engines.base import Elimination
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.engines.lite.chooser import RulesChooser, RulesSettings
from refervid.media.clip import Clip

FRAMES, HEIGHT, WIDTH = 12, 90, 160


def box(index: int, left: int, speed: int) -> list[int]:
    return [left + speed * index, 30, left + speed * index + 24, 60]


def track(number: int, left: int, speed: int, red: bool, **names: float) -> ObjectTrack:
    frames = np.arange(0, FRAMES, 2)
    colours = np.zeros(22, np.float32)
    colours[[3, 14] if red else [7, 18]] = 0.5
    return ObjectTrack(
        number,
        frames,
        np.array([box(int(frame), left, speed) for frame in frames], np.float32),
        np.full(len(frames), max(names.values()), np.float32),
        dict(sorted(names.items(), key=lambda pair: -pair[1])),
        colours,
    )


DOG, PERSON = track(1, 10, 3, True, dog=0.9, cat=0.2), track(2, 120, 0, False, person=0.95)
INVENTORY = Inventory((DOG, PERSON), tuple(range(0, FRAMES, 2)))


def ask(clip: Clip, text: str, inventory: Inventory = INVENTORY) -> Elimination:
    [answer] = RulesChooser(RulesSettings()).eliminate(clip, inventory, [text])
    assert answer is not None
    return answer


def start(answer: Elimination) -> list[float]:
    return [float(pivots[0].box_xyxy[0]) for pivots in answer.objects if pivots[0].box_xyxy is not None]
