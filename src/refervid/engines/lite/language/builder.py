"""An expression while it is being read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from refervid.engines.lite.language import lexicon
from refervid.engines.lite.language.expression import Attribute, Expression, Part, Relation

PARTLY = "partly"
"""`Attribute.part` of a colour that shares the thing with another one: "black and white"."""


@dataclass
class ExpressionBuilder:
    """Mutable twin of `Expression`, with what the parser must remember between words."""

    noun: str | None = None
    noun_class: str = ""
    attributes: list[Attribute] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    plural: bool = False
    count: int | None = None
    excluded: list[Expression] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    owner: ExpressionBuilder | None = None
    others: list[Expression] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    respelled: list[tuple[str, str]] = field(default_factory=list)
    rank: int = 0
    rank_words: str = ""
    frame: bool = False
    phase: int = 0

    def add(self, attribute: Attribute) -> None:
        if attribute.kind in ("motion", "order") and self.phase:
            attribute = replace(attribute, phase=self.phase)
        same = [each for each in self.attributes if replace(each, words=attribute.words) == attribute]
        if not same:
            self.attributes.append(attribute)

    def add_direction(self, direction: str, words: str, negated: bool) -> None:
        """ "from the right" and "to the left" after one motion say the same thing once; what does not turn
        left may well turn.
        """
        motion = self.open_motion
        if motion is not None and motion.values == (direction,):
            return
        if motion is not None and motion.negated:
            self.attributes.remove(motion)
            negated, words = True, f"{motion.words} {words}"
        self.add(Attribute("motion", (direction,), words, negated))

    @property
    def open_motion(self) -> Attribute | None:
        """The motion that was said last, if nothing but motions and places were said since."""
        for attribute in reversed(self.attributes):
            if attribute.kind == "motion":
                return attribute
            if attribute.kind not in ("position", "order"):
                return None
        return None

    def change_last(self, **changes: Any) -> None:
        self.attributes[-1] = replace(self.attributes[-1], **changes)

    @property
    def last_motion(self) -> Attribute | None:
        return next((each for each in reversed(self.attributes) if each.kind == "motion"), None)

    def next_phase(self, earlier: bool = False) -> None:
        """What follows happens after all that was said so far, or `earlier` than it."""
        if not self.phase:
            said = 2 if earlier else 1
            self.attributes = [
                replace(attribute, phase=said) if attribute.kind == "motion" else attribute
                for attribute in self.attributes
            ]
            self.phase = 1
        if not earlier:
            self.phase += 1

    def take_noun(self, other: ExpressionBuilder) -> None:
        """The noun of `other` with all that tells how many and whose they are."""
        self.noun, self.noun_class, self.owner = other.noun, other.noun_class, other.owner
        self.plural, self.count = self.plural or other.plural, other.count or self.count

    def adopt(self, other: ExpressionBuilder) -> None:
        """ "not the dog but the black cat": all that is said of the cat is said of this."""
        self.take_noun(other)
        self.attributes += other.attributes
        self.relations += other.relations
        self.parts += other.parts
        self.others += other.others
        self.excluded += other.excluded
        self.take_leftovers(other)

    def take_leftovers(self, other: ExpressionBuilder) -> None:
        """What was said of `other` and cannot be used."""
        self.unchecked += other.unchecked
        self.unknown += other.unknown

    def build(self, text: str = "") -> Expression:
        if self.phase:
            self.rank = 0
        self._settle_rank()
        if self.phase:
            self.attributes = [attribute for attribute in self.attributes if attribute.kind != "order"]
        return Expression(
            text=text,
            noun=self.noun,
            noun_class=self.noun_class,
            attributes=tuple(self.attributes),
            relations=tuple(self.relations),
            plural=self.plural,
            count=self.count,
            excluded=tuple(self.excluded),
            parts=tuple(self.parts),
            owner=None if self.owner is None else self.owner.build(),
            others=tuple(self.others),
            unchecked=tuple(dict.fromkeys(self.unchecked)),
            unknown=tuple(dict.fromkeys(self.unknown)),
            respelled=tuple(dict.fromkeys(self.respelled)),
        )

    def _settle_rank(self) -> None:
        """ "the second cup": an ordinal counts from a side that is named, else in time if something moves,
        else from the left."""
        if not self.rank:
            return
        motion = self.last_motion
        side = next((each for each in self.attributes if each.kind == "position" and not each.negated), None)
        if side is not None:
            self.attributes.remove(side)
            rank = max(self.rank, 1)
            words = f"{self.rank_words} {side.words}"
            self.attributes.append(Attribute("rank", side.values, words, rank=rank))
        elif motion is not None and motion.values[0] not in lexicon.STAYING:
            self.attributes.append(
                Attribute("order", ("first",), self.rank_words, rank=self.rank, event=motion.values[0])
            )
        else:
            self.attributes.append(Attribute("rank", ("left",), self.rank_words, rank=self.rank))
        self.rank = 0
