"""What a referring sentence says, as a small structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from refervid.engines.lite.language.vocabulary import Concept, concept

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
    """How the thing stands to `targets` (two for "between", else one), or what they do with each other.

    `kind` is where the two are to each other. `action` is what is done, as a verb without ending ("throw"),
    or ""; the thing does it to the target, or if `passive` the target to the thing ("the ball that the girl
    throws"). For kind "compared" `attribute` is what is compared: "bigger than the ball".
    """

    kind: RelationKind
    targets: tuple[Expression, ...]
    words: str
    negated: bool = False
    superlative: bool = False
    attribute: Attribute | None = None
    action: str = ""
    passive: bool = False


@dataclass(frozen=True)
class Part:
    """A garment or a part that the thing has, or if `negated` has not: "without a hat".

    Only if it was said without a colour: "in a red hat" is an attribute of the thing with that `part`.
    """

    thing: Expression
    words: str
    negated: bool = False


@dataclass(frozen=True)
class Expression:
    """A parsed reference.

    `noun` is the head noun in the singular (None: "the red one", "not the dog"), `noun_class` its kind in the
    vocabulary ("" if it is not there). `plural`: more than one thing is meant; `count` is a number that was
    said. `excluded` are things that it is not ("not the dog", "everything except the car"); `parts` what it
    has on or lacks; `owner` whose garment, part or thing it is ("the man's hat"). `others` are further things
    joined by "and". `unchecked` are known words that no rule can measure (actions, places, materials);
    `unknown` are words that are not in the lexicon; `respelled` are pairs (as written, as read);
    `unread` is the number of words at the end of an overlong sentence that were not looked at.
    `language` is the language of the sentence if it is not English ("Spanish"); what then was translated is
    in `translated` as pairs (as written, in English), and if that is not enough to go by the rest is empty.
    """

    text: str
    noun: str | None = None
    noun_class: str = ""
    attributes: tuple[Attribute, ...] = ()
    relations: tuple[Relation, ...] = ()
    plural: bool = False
    count: int | None = None
    excluded: tuple[Expression, ...] = ()
    parts: tuple[Part, ...] = ()
    owner: Expression | None = None
    others: tuple[Expression, ...] = ()
    unchecked: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    respelled: tuple[tuple[str, str], ...] = ()
    unread: int = 0
    language: str = ""
    translated: tuple[tuple[str, str], ...] = ()

    @property
    def says_nothing(self) -> bool:
        """Is there nothing in it that could be looked for?"""
        return not (self.noun or self.attributes or self.relations)

    @property
    def concept(self) -> Concept | None:
        """What the networks answer with when they see the noun; None without a noun that is known."""
        return concept(self.noun) if self.noun else None
