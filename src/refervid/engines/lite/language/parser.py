"""A sentence that refers to something, read from left to right into an `Expression`.

The noun phrase comes first ("the second big red cup"), then all that is said about it: garments, places,
motions in their order, relations to other things. Nothing is learned: words come from the lexicon, grammar
from `noun_phrase`, `places` and this file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, cast

from refervid.engines.lite.language import lexicon
from refervid.engines.lite.language.builder import ExpressionBuilder
from refervid.engines.lite.language.cursor import Cursor
from refervid.engines.lite.language.expression import Attribute, Expression, Relation, RelationKind
from refervid.engines.lite.language.garments import (
    PART_CLASSES,
    read_clothes,
    read_garments,
    read_possession,
    take_part,
)
from refervid.engines.lite.language.noun_phrase import noun_phrase, read_colours, shade_alone
from refervid.engines.lite.language.places import read_place
from refervid.engines.lite.language.words import Word, tokenize

_CAMERA_PLACES = {"near": "front", "in_front_of": "front", "behind": "back", "far_from": "back"}
_BARE_PLACES = {"behind": "back", "above": "top", "below": "bottom", "near": "front", "far_from": "back"}
_EXCEPTIONS = ("except", "except for", "excluding", "other than", "but")
_FINDABLE_CLASSES = (
    "person",
    "animal",
    "vehicle",
    "cycle",
    "ball",
    "ware",
    "furniture",
    "instrument",
    "thing",
)
_FUNCTION_WORDS = {
    "determiner",
    "be",
    "relative",
    "conjunction",
    "intensifier",
    "filler",
    "of",
    "preposition",
    "place_preposition",
    "negation",
    "side",
    "frame",
}


def parse(text: str) -> Expression:
    """The structure of a referring sentence; never fails, words it cannot use are listed in the result.

    Words after the first `words.MOST_WORDS` are not read.
    """
    words, unread = tokenize(text)
    cursor = Cursor(words)
    cursor.skip("filler")
    builder = noun_phrase(cursor)
    _Modifiers(cursor, builder).read()
    builder.respelled += [(word.written, word.text) for word in cursor.words if word.written]
    return replace(builder.build(text), unread=unread)


def colour_names_in(text: str) -> tuple[str, ...]:
    """Basic colour terms that the sentence asks for, in order, without repeats; negated ones are left out.

    Colours of things that are only related to ("behind the red car") come last.
    """
    names: dict[str, None] = {}

    def collect(expression: Expression) -> None:
        for attribute in expression.attributes:
            if attribute.kind == "colour" and not attribute.negated:
                names.update(dict.fromkeys(attribute.values))
        for other in expression.others:
            collect(other)
        for relation in expression.relations:
            for target in relation.targets:
                collect(target)

    collect(parse(text))
    return tuple(names)


class _Modifiers:
    """What follows the noun phrase. A target's own modifiers are read `closely`: only what clings to it."""

    def __init__(self, cursor: Cursor, builder: ExpressionBuilder) -> None:
        self._cursor = cursor
        self._draft = builder
        self._target_end = -1

    def read(self) -> None:
        while (word := self._cursor.peek()) is not None:
            self._read_one(word)

    def read_closely(self) -> None:
        """ "the woman wearing red", "the dog that jumps": clothes of a person and clauses with "that"."""
        cursor = self._cursor
        dressed = cursor.sees("wearing") or (
            cursor.sees_text("in") and cursor.sees("colour", "shade", ahead=1)
        )
        if dressed and self._draft.noun_class in ("person", "animal"):
            self._read_one(cursor.words[cursor.at])
        if cursor.sees_text("that", "which", "who"):
            while (word := cursor.peek()) is not None and not cursor.sees_text(",", "and"):
                self._read_one(word)

    def _read_one(self, word: Word) -> None:
        cursor, builder = self._cursor, self._draft
        if read_possession(cursor, builder) or read_clothes(cursor, builder) or self._read_negation(word):
            return
        if word.text == "left" and cursor.sees("relative", ahead=-1):
            self._read_motion(cursor.take())
        elif read_place(cursor, builder):
            return
        elif "wearing" in word:
            cursor.take()
            read_garments(cursor, builder)
        elif "then" in word:
            cursor.take()
            builder.next_phase()
        elif word.text in ("before", "after") and cursor.sees("motion", ahead=1):
            cursor.take()
            builder.next_phase(earlier=word.text == "after")
        elif "than" in word:
            cursor.take()
            self._read_comparison()
        elif "preposition" in word:
            self._read_relation(cursor.take())
        elif "place_preposition" in word and (cursor.noun_phrase_at(1) or "motion" not in word):
            self._read_way(cursor.take())
        elif "motion" in word:
            self._read_motion(cursor.take())
        elif "colour" in word or cursor.shaded_colour_at():
            read_colours(cursor, builder)
        elif "action" in word:
            self._read_action(cursor.take())
        elif "ordinal" in word:
            self._read_order(cursor.take())
        elif "degree" in word:
            self._read_degree(cursor.take()["degree"])
        elif "size" in word or "shape" in word:
            cursor.take()
            kind: Literal["size", "shape"] = "size" if "size" in word else "shape"
            builder.add(Attribute(kind, (word[kind],), word.text, cursor.take_negation(), word.degree))
        elif "shade" in word and not cursor.noun_at():
            builder.add(shade_alone(cursor, cursor.take()))
        elif "conjunction" in word:
            self._read_conjunction()
        elif cursor.noun_phrase_at():
            self._read_predicate_noun()
        else:
            cursor.take()
            if not word.readings:
                builder.unknown.append(word.text)
            elif not _FUNCTION_WORDS & word.readings.keys():
                builder.unchecked.append(word.text)

    # -- negation, order, degree ----------------------------------------------------------------------

    def _read_negation(self, word: Word) -> bool:
        """Remember a negation; a noun phrase that "without", "except" or "not" excludes is read at once."""
        cursor, builder = self._cursor, self._draft
        excepting = word.text == "but" and builder.noun in ("anything", "everything")
        if not ("negation" in word or excepting):
            return False
        cursor.take()
        cursor.negated = True
        if word.text in ("not", "no", "never", "hardly", "neither", "nor") and not cursor.sees("determiner"):
            return True
        if not cursor.noun_phrase_at() and not cursor.sees("colour", "shade"):
            return True
        cursor.negated = False
        excluded = noun_phrase(self._cursor)
        if word.text in _EXCEPTIONS:
            _Modifiers(cursor, excluded).read()
        if excluded.noun_class in PART_CLASSES:
            cursor.negated = True
            take_part(cursor, builder, excluded)
        elif (excluded.attributes or excluded.relations) and (
            builder.noun_class == "thing" or excluded.noun_class in ("", "thing", builder.noun_class)
        ):
            builder.attributes += [replace(attribute, negated=True) for attribute in excluded.attributes]
            builder.relations += [replace(relation, negated=True) for relation in excluded.relations]
        elif excluded.noun and word.text in ("without", "lacking"):
            cursor.negated = True
            self._relate("with", word.text, excluded)
        elif excluded.noun:
            builder.unchecked.append(f"{word.text} {excluded.noun}")
        return True

    def _read_order(self, word: Word) -> None:
        """ "jumps first", "is the last to leave"."""
        builder = self._draft
        motion = builder.last_motion
        rank = int(word["ordinal"])
        if motion is None or self._cursor.sees("motion"):
            builder.rank, builder.rank_words = rank, word.text
        else:
            words = f"{motion.words} {word.text}"
            builder.attributes.append(
                Attribute("order", ("first",), words, rank=rank, event=motion.values[0])
            )

    def _read_degree(self, degree: str) -> None:
        """ "moves most", "more to the left", "the least red"."""
        cursor, builder = self._cursor, self._draft
        count = len(builder.attributes)
        word = cursor.peek()
        describes_next = cursor.sees("colour", "size", "shape", "position", "motion", "shade") or (
            cursor.sees_text("to", "on") and not cursor.sees_text("camera", ahead=2)
        )
        if word is not None and describes_next:
            self._read_one(word)
        if builder.attributes and (
            len(builder.attributes) > count or builder.attributes[-1].kind == "motion"
        ):
            less = degree in ("least", "less")
            builder.change_last(
                degree="superlative" if degree in ("superlative", "least") else "comparative",
                negated=builder.attributes[-1].negated != less,
            )

    def _read_comparison(self) -> None:
        """ "bigger than the ball": the comparative that was read becomes a relation."""
        target = noun_phrase(self._cursor)
        if self._draft.attributes:
            compared = self._draft.attributes.pop()
            self._draft.relations.append(
                Relation(
                    "compared",
                    (target.build(""),),
                    f"{compared.words} than",
                    negated=compared.negated,
                    attribute=replace(compared, negated=False, degree="comparative"),
                )
            )

    # -- motions and doings ---------------------------------------------------------------------------

    def _read_motion(self, word: Word) -> None:
        cursor, builder = self._cursor, self._draft
        value = word["motion"]
        if value == "stops":
            if builder.last_motion is not None and not builder.phase:
                builder.next_phase()
            if cursor.sees("motion") and not cursor.sees("position"):
                cursor.take()
        elif value == "starts" and cursor.sees_text("to"):
            cursor.take()
            return
        elif value == "starts" and cursor.sees("motion"):
            return
        elif value == "spinning" and word.stem == "turn" and cursor.sees("position"):
            value = "moving"
        covers = value == "hidden" and word.form in ("ing", "s") and cursor.noun_phrase_at()
        if not covers:
            builder.add(Attribute("motion", (value,), word.text, cursor.take_negation(), word.degree))
        if cursor.noun_phrase_at() and not cursor.sees("position", "degree", "ordinal", "motion", ahead=1):
            self._read_object(word)

    def _read_action(self, word: Word) -> None:
        """A doing that cannot be measured; what it is done to can at least be looked for close by."""
        cursor, builder = self._cursor, self._draft
        facing = ExpressionBuilder()
        if word.stem in ("face", "look", "point", "lean") and read_place(cursor, facing):
            builder.unchecked.append(" ".join([word.text, *(each.words for each in facing.attributes[:1])]))
            return
        negated, cursor.negated = cursor.negated, False
        known = len(builder.unchecked)
        if cursor.noun_phrase_at():
            cursor.negated = negated
            self._read_object(word)
        if len(builder.unchecked) == known:
            builder.unchecked.append(word.text)

    def _read_object(self, word: Word) -> None:
        target = self._target()
        if target.frame:
            return
        if word.readings.get("motion") == "towards":
            self._draft.change_last(values=("moving",))
        kinds = [kind for kind, verbs in lexicon.VERB_RELATIONS.items() if word.stem in verbs.split()]
        self._relate(cast(RelationKind, [*kinds, "near"][0]), word.text, target)

    # -- other things ---------------------------------------------------------------------------------

    def _read_relation(self, word: Word) -> None:
        cursor, builder = self._cursor, self._draft
        kind = cast(RelationKind, word["preposition"])
        motion = builder.open_motion
        if not (cursor.noun_phrase_at() or cursor.sees("frame", "colour", "size", "shape")):
            side = _BARE_PLACES.get(kind)
            if side and word.text != "around":
                builder.add(Attribute("position", (side,), word.text, cursor.take_negation(), word.degree))
            elif "motion" in word:
                builder.add(Attribute("motion", (word["motion"],), word.text, cursor.take_negation()))
            return
        target = self._target()
        if not target.frame:
            self._relate(kind, word.text, target, superlative=word.degree == "superlative")
        elif kind == "far_from" and motion is not None and motion.values != ("still",):
            builder.add(Attribute("motion", ("away",), word.text, cursor.take_negation()))
        elif word.text == "into":
            builder.add(Attribute("motion", ("enters",), word.text, cursor.take_negation()))
        elif kind in _CAMERA_PLACES:
            place = _CAMERA_PLACES[kind]
            builder.add(Attribute("position", (place,), word.text, cursor.take_negation(), word.degree))

    def _read_way(self, word: Word) -> None:
        """ "towards the camera", "across the road", "out of the picture"."""
        cursor, builder = self._cursor, self._draft
        if word.text == "to" and cursor.sees("motion"):
            return
        target = self._target()
        if target.frame:
            motion = {"out of": "leaves", "off": "leaves"}.get(word.text, "")
            if builder.open_motion is not None and word.text in ("towards", "toward", "to", "at", "from"):
                motion = "away" if word.text == "from" else "towards"
            if motion:
                builder.add(Attribute("motion", (motion,), word.text, cursor.take_negation()))
        else:
            self._relate("near", word.text, target)

    def _relate(
        self, kind: RelationKind, words: str, target: ExpressionBuilder, superlative: bool = False
    ) -> None:
        """Add a relation; a mere place ("on the road") cannot be found, so it is only named."""
        builder = self._draft
        negated = self._cursor.take_negation()
        side = target.noun is None and {each.kind for each in target.attributes} == {"position"}
        if side and kind != "near":
            builder.unchecked.append(f"{words} {target.attributes[0].words}")
        elif side:
            builder.attributes += [
                replace(each, degree="superlative", negated=negated) for each in target.attributes
            ]
        elif target.attributes or target.noun_class in _FINDABLE_CLASSES:
            targets = [target.build("")]
            if kind == "between" and self._cursor.sees_text("and"):
                self._cursor.take()
                targets.append(self._target().build(""))
            builder.relations.append(Relation(kind, tuple(targets), words, negated, superlative))
            self._target_end = self._cursor.at
        elif target.noun:
            builder.unchecked.append(f"{words} {target.noun}")
        builder.unchecked += target.unchecked
        builder.unknown += target.unknown

    def _read_conjunction(self) -> None:
        cursor, builder = self._cursor, self._draft
        after_target = cursor.at == self._target_end
        cursor.skip("conjunction")
        if cursor.sees("then") or not cursor.noun_phrase_at():
            return
        if after_target and builder.relations:
            last = builder.relations[-1]
            self._relate(last.kind, last.words, self._target())
            return
        other = noun_phrase(self._cursor)
        if other.noun_class == "garment" and builder.noun_class in ("person", "animal", ""):
            take_part(cursor, builder, other)
            return
        _Modifiers(cursor, other).read()
        if builder.noun is None:
            builder.noun, builder.noun_class = other.noun, other.noun_class
        expression = other.build("")
        builder.others += [replace(expression, others=()), *expression.others]

    def _read_predicate_noun(self) -> None:
        """ "is the red one", "is the tallest": what it says holds for the thing itself."""
        builder, cursor = self._draft, self._cursor
        start = cursor.at
        said = noun_phrase(self._cursor)
        if cursor.at == start:
            builder.unchecked.append(cursor.take().text)
        builder.attributes += said.attributes
        builder.rank, builder.rank_words = said.rank or builder.rank, said.rank_words or builder.rank_words
        if builder.noun is None:
            builder.noun, builder.noun_class = said.noun, said.noun_class
        elif said.noun and said.noun_class != "thing":
            builder.unchecked.append(said.noun)
        builder.unchecked += said.unchecked
        builder.unknown += said.unknown

    def _target(self) -> ExpressionBuilder:
        """A second thing with what clings to it."""
        target = noun_phrase(self._cursor)
        _Modifiers(self._cursor, target).read_closely()
        return target
