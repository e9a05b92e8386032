"""What a referring sentence says, as a small structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["colour", "size", "shape", "position", "rank", "motion", "order"]
Degree = Literal["plain", "comparative", "superlative"]
RelationKind = Literal[
    "left_of",
    "right_of",
    "above",
    "below",
    "near",
    "far_from",
    "behind",
    "in_front_of",
    "on",
    "inside",
    "between",
    "with",
    "compared",
]


@dataclass(frozen=True)
class Attribute:
    """One checkable statement about the thing.

    `values` are canonical words of the lexicon; one of them must hold. `words` is how it was said.
    `part` names the garment or body part that carries it ("shirt"); the empty string is the whole thing.
    `shade` refines a colour: "dark", "light" or "bright". `rank` counts from the side in `values` for
    kind "rank" and in time for kind "order" (-1: the last one); `event` is the motion that an order
    is about. `phase` counts the steps of a sequence such as "moves left and then stops" from 1;
    0 is the clip as a whole.
    """

    kind: Kind
    values: tuple[str, ...]
    words: str
    negated: bool = False
    degree: Degree = "plain"
    part: str = ""
    shade: str = ""
    rank: int = 0
    event: str = ""
    phase: int = 0


@dataclass(frozen=True)
class Relation:
    """How the thing stands to `targets` (two for "between", else one).

    For kind "compared" `attribute` is what is compared: "bigger than the ball".
    """

    kind: RelationKind
    targets: tuple[Expression, ...]
    words: str
    negated: bool = False
    superlative: bool = False
    attribute: Attribute | None = None


@dataclass(frozen=True)
class Expression:
    """A parsed reference.

    `noun` is the head noun in the singular (None: "the red one"), `noun_class` its class in the
    lexicon ("" if it has none). `count` is a number that was said. `others` are further things
    joined by "and". `unchecked` are known words that no rule can measure (actions, places, materials);
    `unknown` are words that are not in the lexicon; `respelled` are pairs (as written, as read);
    `unread` is the number of words at the end of an overlong sentence that were not looked at.
    """

    text: str
    noun: str | None = None
    noun_class: str = ""
    attributes: tuple[Attribute, ...] = ()
    relations: tuple[Relation, ...] = ()
    plural: bool = False
    count: int | None = None
    others: tuple[Expression, ...] = ()
    unchecked: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    respelled: tuple[tuple[str, str], ...] = ()
    unread: int = 0
