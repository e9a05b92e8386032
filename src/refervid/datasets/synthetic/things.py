"""Things of the synthetic clips: how they look and what they do.

Motion is as seen in the picture: the background may pan behind a thing that stands still.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from refervid.datasets.synthetic.render import Material, Part, Toy
from refervid.datasets.synthetic.shapes import SHAPES

Phase = Literal["still", "left", "right", "up", "down", "grow", "shrink", "spin"]

KINDS = ("circle", "square", "triangle", "star", "cross", "heart", "ring")
"""The classes; an object's label is its place here."""
TURNABLE = ("square", "triangle", "star", "cross", "heart")
"""Kinds that look different when they turn."""
COLOURS = {
    "red": (208, 44, 40),
    "green": (52, 160, 64),
    "blue": (44, 84, 208),
    "yellow": (232, 204, 48),
    "purple": (140, 60, 176),
    "orange": (236, 128, 28),
    "white": (238, 238, 234),
    "black": (34, 34, 38),
}
PATTERNS = {"plain": "plain", "striped": "stripes", "checked": "checks"}
"""The word, and the material's pattern."""

DIRECTIONS: dict[Phase, tuple[int, int]] = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
_GROWTH: dict[Phase, float] = {"grow": 1.8, "shrink": 1 / 1.8}
_TURN_PER_FRAME = 0.3
"""Radians of a spinning thing; a square looks the same again only after five frames."""


@dataclass(frozen=True)
class Look:
    """`size` is the radius as a share of the frame's height."""

    kind: str
    colour: str
    pattern: str
    size: float


@dataclass(frozen=True)
class Behaviour:
    """One phase, or two, the second one from frame `turn` on; `speed` in frame heights per frame."""

    phases: tuple[Phase, ...]
    turn: int
    speed: float


@dataclass(frozen=True)
class Path:
    """Per frame, all (T,) or (T, 2) float64: `offsets` xy in pixels from the start, `scales` of the radius,
    `turns` in radians.
    """

    offsets: NDArray[np.float64]
    scales: NDArray[np.float64]
    turns: NDArray[np.float64]


def path_of(behaviour: Behaviour, frames: int, height: int) -> Path:
    """What a behaviour does in a clip of `frames` frames of `height` pixels."""
    first, last = behaviour.phases[0], behaviour.phases[-1]
    phases = [first if frame < behaviour.turn else last for frame in range(frames)]
    steps = np.array([DIRECTIONS.get(phase, (0, 0)) for phase in phases[1:]], np.float64).reshape(-1, 2)
    offsets = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)]) * behaviour.speed * height
    scales = np.asarray(_GROWTH.get(first, 1.0) ** np.linspace(0, 1, frames), np.float64)
    turns = np.arange(frames, dtype=np.float64) * (_TURN_PER_FRAME if first == "spin" else 0.0)
    return Path(offsets, scales, turns)


def toy_of(look: Look, random: np.random.Generator) -> Toy:
    """The drawn thing; its colour and texture vary a little, as real ones do."""
    colour = np.clip(np.array(COLOURS[look.colour]) + random.uniform(-16, 16, 3), 0, 255)
    light = colour.mean() > 120
    second = colour * 0.45 if light else colour + (255 - colour) * 0.55
    material = Material(
        _rgb(colour), _rgb(second), PATTERNS[look.pattern], random.uniform(0.5, 0.7), random.uniform(0.1, 0.5)
    )
    return Toy(look.kind, (Part(SHAPES[look.kind], material),))


def _rgb(colour: NDArray[np.float64]) -> tuple[int, int, int]:
    red, green, blue = (int(channel) for channel in colour)
    return red, green, blue
