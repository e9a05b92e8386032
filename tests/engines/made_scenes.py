"""What trackers must survive, as made-up clips with known masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.engines.made_clips import RED, WIDTH, Made, Thing, made_clip

FRAMES = 16


def leave_and_return(folder: Path) -> Made:
    """Out on the right, away for some frames, and back."""
    return made_clip(folder, [Thing(RED, lambda i: (150 + 14 * (i if i < 9 else 18 - i), 70))], 19)


def cut(folder: Path) -> Made:
    """Two shots; the object jumps too."""
    thing = Thing(RED, lambda i: (60 + 2 * i, 50) if i < 8 else (150 + 2 * (i - 8), 100))
    return made_clip(folder, [thing], FRAMES, cut_at=8)


def look_alikes_crossing(folder: Path, seed: int = 0) -> Made:
    """Two that look the same pass each other, the second in front."""
    random = np.random.default_rng(seed)
    speed, gap, y = random.uniform(5, 8), random.uniform(-14, 14), random.uniform(50, 90)
    middle = WIDTH / 2
    things = [
        Thing(RED, lambda i: (middle + speed * (i - 8), y), skin=seed),
        Thing(RED, lambda i: (middle - speed * (i - 8), y + gap), skin=seed),
    ]
    return made_clip(folder, things, 17)


def fast_and_blurred(folder: Path) -> Made:
    return made_clip(folder, [Thing(RED, lambda i: (30 + 11 * i, 70))], FRAMES, blur=9)


def growth(folder: Path) -> Made:
    """From far to near: six times the area."""
    thing = Thing(RED, lambda i: (80 + 3 * i, 70), (14, 10), growth=0.1)
    return made_clip(folder, [thing], FRAMES)


def ring_and_bar(folder: Path) -> Made:
    """A ring passes behind a bar: two parts, and a hole."""
    return made_clip(
        folder, [Thing(RED, lambda i: (70 + 5 * i, 72), (36, 36), hole=0.55)], FRAMES, pillar=(106, 112)
    )


def shake(folder: Path) -> Made:
    return made_clip(folder, [Thing(RED, lambda i: (80 + 3 * i, 70))], FRAMES, shake=4)


def thin(folder: Path) -> Made:
    """Three pixels high."""
    return made_clip(folder, [Thing(RED, lambda i: (80 + 3 * i, 70), (44, 1.6))], FRAMES)


SCENES: dict[str, Callable[[Path], Made]] = {
    scene.__name__: scene
    for scene in (
        leave_and_return,
        cut,
        look_alikes_crossing,
        fast_and_blurred,
        growth,
        ring_and_bar,
        shake,
        thin,
    )
}
