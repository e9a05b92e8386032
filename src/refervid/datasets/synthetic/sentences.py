"""Sentences about the things of a scene that fit exactly one of them.

A description is a choice of words for the look, and at most one of size, place or behaviour. It is used
only if it holds for its thing and clearly fails for all others: what is between the two (a thing that moves
left only at first, "the square that moves left") rules a sentence out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from refervid.datasets.synthetic.scene import Thing
from refervid.datasets.synthetic.things import COLOURS, KINDS, PATTERNS, Phase

SentenceKind = Literal["appearance", "size", "place", "moves", "order"]
SENTENCE_KINDS: tuple[SentenceKind, ...] = get_args(SentenceKind)
TIME_KINDS: tuple[SentenceKind, ...] = ("moves", "order")
"""Sentences whose words about the look fit several things: only time can tell which one is meant."""

_SIZE_RATIO = 1.35
"""Between the radii of what is called big and all others."""
_PLACE_GAP = 0.1
"""Of the frame's width or height, in every frame, between the outermost thing and the next."""
_OBJECT = "object"
_PLACES = ("on the left", "on the right", "at the top", "at the bottom")


@dataclass(frozen=True)
class Sentence:
    """`thing` is the referred thing's place in the scene; `kind` says which words decide."""

    text: str
    thing: int
    kind: SentenceKind


@dataclass(frozen=True)
class _Naming:
    """Words for the look; "" where nothing is said."""

    colour: str
    pattern: str
    noun: str

    def fits(self, thing: Thing) -> bool:
        look = thing.look
        return (
            self.colour in ("", look.colour)
            and self.pattern in ("", look.pattern)
            and self.noun in (_OBJECT, look.kind)
        )

    def phrase(self, size: str = "") -> str:
        return " ".join(word for word in ("the", size, self.colour, self.pattern, self.noun) if word)


def sentences_of(
    things: Sequence[Thing],
    referable: Sequence[bool],
    width: int,
    height: int,
    random: np.random.Generator,
) -> list[Sentence]:
    """At most one sentence of each kind for every thing that is `referable` (not hidden too long)."""
    found = []
    for index, thing in enumerate(things):
        if referable[index]:
            options: dict[SentenceKind, list[str]] = {}
            for kind, text in _descriptions(thing, things, (width, height), random):
                options.setdefault(kind, []).append(text)
            found += [
                Sentence(texts[random.integers(len(texts))], index, kind) for kind, texts in options.items()
            ]
    return found


def _descriptions(
    thing: Thing, things: Sequence[Thing], frame: tuple[int, int], random: np.random.Generator
) -> Iterator[tuple[SentenceKind, str]]:
    for naming in _namings(thing):
        rivals = [other for other in things if other is not thing and naming.fits(other)]
        if not rivals:
            yield "appearance", naming.phrase()
            continue
        size = _size_word(thing, rivals)
        if size:
            yield "size", naming.phrase(size)
        for place in _place_words(thing, rivals, frame):
            yield "place", f"{naming.phrase()} {place}"
        if all(_differs(thing.behaviour.phases, rival.behaviour.phases) for rival in rivals):
            kind: SentenceKind = "moves" if len(thing.behaviour.phases) == 1 else "order"
            yield kind, f"{naming.phrase()} {_behaviour_words(thing.behaviour.phases, random)}"


def _namings(thing: Thing) -> Iterator[_Naming]:
    look = thing.look
    yield _Naming("", "", look.kind)
    yield _Naming(look.colour, "", look.kind)
    yield _Naming(look.colour, "", _OBJECT)
    if look.pattern != "plain":
        yield _Naming("", look.pattern, look.kind)
        yield _Naming(look.colour, look.pattern, look.kind)


def _size_word(thing: Thing, rivals: Sequence[Thing]) -> str:
    if all(thing.radii.min() >= _SIZE_RATIO * rival.radii.max() for rival in rivals):
        return "big"
    if all(thing.radii.max() * _SIZE_RATIO <= rival.radii.min() for rival in rivals):
        return "small"
    return ""


def _place_words(thing: Thing, rivals: Sequence[Thing], frame: tuple[int, int]) -> list[str]:
    gaps = np.stack([(thing.centres - rival.centres) / frame for rival in rivals]).reshape(-1, 2)
    before, after = gaps.max(axis=0) < -_PLACE_GAP, gaps.min(axis=0) > _PLACE_GAP
    holds = (before[0], after[0], before[1], after[1])
    return [word for word, true in zip(_PLACES, holds, strict=True) if true]


def _differs(said: tuple[Phase, ...], other: tuple[Phase, ...]) -> bool:
    """Whether a thing that does `other` clearly does not do what is said."""
    return said[0] not in other if len(said) == 1 else said != other


def _behaviour_words(phases: tuple[Phase, ...], random: np.random.Generator) -> str:
    options = _behaviour_options(phases)
    return options[random.integers(len(options))]


def _behaviour_options(phases: tuple[Phase, ...]) -> tuple[str, ...]:
    first, last = phases[0], phases[-1]
    if len(phases) == 1:
        return _SINGLE.get(first) or (f"that moves {first}", f"moving {first}")
    if last == "still":
        return f"that first moves {first} and then stops", f"that moves {first} and then stands still"
    if first == "still":
        return f"that first stands still and then moves {last}", f"that waits and then moves {last}"
    return f"that first moves {first} and then {last}", f"that moves {first} and then moves {last}"


_SINGLE: dict[Phase, tuple[str, ...]] = {
    "still": ("that stands still", "that does not move"),
    "grow": ("that grows", "that gets bigger"),
    "shrink": ("that shrinks", "that gets smaller"),
    "spin": ("that spins", "that turns around itself"),
}


def all_phrases() -> list[str]:
    """Phrases that together hold every word a sentence may have."""
    pairs: tuple[tuple[Phase, ...], ...] = (("left", "still"), ("still", "right"), ("up", "down"))
    single: tuple[tuple[Phase, ...], ...] = (("left",), *((phase,) for phase in _SINGLE))
    behaviours = [option for phases in (*single, *pairs) for option in _behaviour_options(phases)]
    return ["the big small", _OBJECT, *COLOURS, *PATTERNS, *KINDS, *_PLACES, *behaviours]
