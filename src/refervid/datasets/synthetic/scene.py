"""Drawing a scene by lot: which things there are, what they do, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from refervid.config.frozen import Frozen
from refervid.datasets.synthetic.things import (
    COLOURS,
    DIRECTIONS,
    KINDS,
    PATTERNS,
    TURNABLE,
    Behaviour,
    Look,
    Path,
    Phase,
    path_of,
)

_ATTEMPTS = 30
"""Places tried for a thing before it is left out."""
_SIZES = (0.085, 0.15)
"""Small and big: radius as a share of the frame's height."""


class SceneSettings(Frozen):
    """What the clips are like. `height`, `width` in pixels; `frames` in a clip.

    `most` things at most; `twins` is the share of clips with things that look alike, which only their
    behaviour tells apart; `crossing` the share in which things may hide each other; `posts` the share
    with a post in front of everything.
    """

    height: int = Field(96, ge=32)
    width: int = Field(128, ge=32)
    frames: int = Field(8, ge=4)
    most: int = Field(5, ge=2, le=8)
    twins: float = Field(0.65, ge=0, le=1)
    crossing: float = Field(0.3, ge=0, le=1)
    posts: float = Field(0.25, ge=0, le=1)


@dataclass(frozen=True)
class Thing:
    """One object of a scene; `centres` (T, 2) xy and `radii` (T,) in pixels."""

    look: Look
    behaviour: Behaviour
    centres: NDArray[np.float64]
    radii: NDArray[np.float64]
    turns: NDArray[np.float64]


def draw_scene(settings: SceneSettings, random: np.random.Generator) -> list[Thing]:
    """Things from back to front, at least one."""
    distance = 0.55 if random.random() < settings.crossing else 1.05
    things: list[Thing] = []
    for look, behaviour in _cast(settings, random):
        path = path_of(behaviour, settings.frames, settings.height)
        thing = _place(look, behaviour, path, things, distance, settings, random)
        if thing is not None:
            things.append(thing)
    return things


def _cast(settings: SceneSettings, random: np.random.Generator) -> list[tuple[Look, Behaviour]]:
    """Looks with behaviours: some things share everything but their behaviour, others only their kind."""
    count = int(random.integers(2, settings.most + 1))
    leader = _look(random)
    if random.random() < settings.twins:
        alike = int(random.integers(2, min(count, 3) + 1))
        looks = [leader] * alike
    else:
        looks = [leader, replace(_look(random), kind=leader.kind)]
    looks += [_look(random) for _ in range(count - len(looks))]
    cast: list[tuple[Look, Behaviour]] = []
    for look in looks:
        taken = {behaviour.phases for other, behaviour in cast if other == look}
        behaviour = _behaviour(look, settings, random)
        while behaviour.phases in taken:
            behaviour = _behaviour(look, settings, random)
        cast.append((look, behaviour))
    order = random.permutation(len(cast))
    return [cast[index] for index in order]


def _look(random: np.random.Generator) -> Look:
    pattern = str(random.choice(list(PATTERNS), p=(0.6, 0.2, 0.2)))
    size = float(_SIZES[random.integers(2)] * random.uniform(0.94, 1.06))
    return Look(str(random.choice(KINDS)), str(random.choice(list(COLOURS))), pattern, size)


def _behaviour(look: Look, settings: SceneSettings, random: np.random.Generator) -> Behaviour:
    ways: list[Phase] = list(DIRECTIONS)
    way = ways[random.integers(4)]
    chance = random.random()
    phases: tuple[Phase, ...]
    if chance < 0.15:
        phases = ("still",)
    elif chance < 0.4:
        phases = (way,)
    elif chance < 0.55:
        changes: list[Phase] = ["grow", "shrink", "spin"]
        phases = (changes[random.integers(3 if look.kind in TURNABLE else 2)],)
    elif chance < 0.7:
        phases = (way, "still")
    elif chance < 0.8:
        phases = ("still", way)
    else:
        phases = (way, next(other for other in random.permutation(ways) if other != way))
    turn = settings.frames // 2 + int(random.integers(-1, 2))
    frames_moving = settings.frames if len(phases) == 1 else settings.frames // 2
    travel = random.uniform(0.28, 0.42) if len(phases) == 1 else random.uniform(0.2, 0.3)
    return Behaviour(phases, turn, travel / frames_moving)


def _place(
    look: Look,
    behaviour: Behaviour,
    path: Path,
    others: Sequence[Thing],
    distance: float,
    settings: SceneSettings,
    random: np.random.Generator,
) -> Thing | None:
    """A start from which the thing stays in the frame and as far from the others as `distance` says."""
    radii = look.size * settings.height * path.scales
    largest = radii.max()
    low = largest - path.offsets.min(axis=0)
    high = np.array([settings.width, settings.height]) - largest - path.offsets.max(axis=0)
    if (low >= high).any():
        return None
    for _ in range(_ATTEMPTS):
        centres = random.uniform(low, high) + path.offsets
        if all(_apart(centres, radii, other, distance) for other in others):
            return Thing(look, behaviour, centres, radii, path.turns)
    return None


def _apart(centres: NDArray[np.float64], radii: NDArray[np.float64], other: Thing, distance: float) -> bool:
    gaps = np.hypot(*(centres - other.centres).T)
    return bool((gaps >= distance * (radii + other.radii)).all())
