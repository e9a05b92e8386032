"""A sentence that refers to something, read from left to right into an `Expression`.

The noun phrase comes first ("the second big red cup"), then all that is said about it: garments, places,
motions in their order, relations to other things. Nothing is learned: words come from the lexicon, grammar
from `noun_phrase`, `places` and this file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, cast

from refervid.language import lexicon
from refervid.language.cursor import Cursor
from refervid.language.draft import Draft
from refervid.language.expression import Attribute, Expression, Relation, RelationKind
from refervid.language.garments import PART_CLASSES, read_clothes, read_garments, read_possession, take_part
from refervid.language.noun_phrase import noun_phrase, read_colours, shade_alone
from refervid.language.places import read_place
from refervid.language.words import Word, tokenize

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
    draft = noun_phrase(cursor)
    _Modifiers(cursor, draft).read()
    draft.respelled += [(word.written, word.text) for word in cursor.words if word.written]
    return replace(draft.build(text), unread=unread)


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

    def __init__(self, cursor: Cursor, draft: Draft) -> None:
        self._cursor = cursor
        self._draft = draft
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
        cursor, draft = self._cursor, self._draft
        if read_possession(cursor, draft) or read_clothes(cursor, draft) or self._read_negation(word):
            return
        if word.text == "left" and cursor.sees("relative", ahead=-1):
            self._read_motion(cursor.take())
        elif read_place(cursor, draft):
            return
        elif "wearing" in word:
            cursor.take()
            read_garments(cursor, draft)
        elif "then" in word:
            cursor.take()
            draft.next_phase()
        elif word.text in ("before", "after") and cursor.sees("motion", ahead=1):
            cursor.take()
            draft.next_phase(earlier=word.text == "after")
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
            read_colours(cursor, draft)
        elif "action" in word:
            self._read_action(cursor.take())
        elif "ordinal" in word:
            self._read_order(cursor.take())
        elif "degree" in word:
            self._read_degree(cursor.take()["degree"])
        elif "size" in word or "shape" in word:
            cursor.take()
            kind: Literal["size", "shape"] = "size" if "size" in word else "shape"
            draft.add(Attribute(kind, (word[kind],), word.text, cursor.take_negation(), word.degree))
        elif "shade" in word and not cursor.noun_at():
            draft.add(shade_alone(cursor, cursor.take()))
        elif "conjunction" in word:
            self._read_conjunction()
        elif cursor.noun_phrase_at():
            self._read_predicate_noun()
        else:
            cursor.take()
            if not word.readings:
                draft.unknown.append(word.text)
            elif not _FUNCTION_WORDS & word.readings.keys():
                draft.unchecked.append(word.text)

    # -- negation, order, degree ----------------------------------------------------------------------

    def _read_negation(self, word: Word) -> bool:
        """Remember a negation; a noun phrase that "without", "except" or "not" excludes is read at once."""
        cursor, draft = self._cursor, self._draft
        excepting = word.text == "but" and draft.noun in ("anything", "everything")
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
            take_part(cursor, draft, excluded)
        elif (excluded.attributes or excluded.relations) and (
            draft.noun_class == "thing" or excluded.noun_class in ("", "thing", draft.noun_class)
        ):
            draft.attributes += [replace(attribute, negated=True) for attribute in excluded.attributes]
            draft.relations += [replace(relation, negated=True) for relation in excluded.relations]
        elif excluded.noun and word.text in ("without", "lacking"):
            cursor.negated = True
            self._relate("with", word.text, excluded)
        elif excluded.noun:
            draft.unchecked.append(f"{word.text} {excluded.noun}")
        return True

    def _read_order(self, word: Word) -> None:
        """ "jumps first", "is the last to leave"."""
        draft = self._draft
        motion = draft.last_motion
        rank = int(word["ordinal"])
        if motion is None or self._cursor.sees("motion"):
            draft.rank, draft.rank_words = rank, word.text
        else:
            words = f"{motion.words} {word.text}"
            draft.attributes.append(Attribute("order", ("first",), words, rank=rank, event=motion.values[0]))

    def _read_degree(self, degree: str) -> None:
        """ "moves most", "more to the left", "the least red"."""
        cursor, draft = self._cursor, self._draft
        count = len(draft.attributes)
        word = cursor.peek()
        describes_next = cursor.sees("colour", "size", "shape", "position", "motion", "shade") or (
            cursor.sees_text("to", "on") and not cursor.sees_text("camera", ahead=2)
        )
        if word is not None and describes_next:
            self._read_one(word)
        if draft.attributes and (len(draft.attributes) > count or draft.attributes[-1].kind == "motion"):
            less = degree in ("least", "less")
            draft.change_last(
                degree="superlative" if degree in ("superlative", "least") else "comparative",
                negated=draft.attributes[-1].negated != less,
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
        cursor, draft = self._cursor, self._draft
        value = word["motion"]
        if value == "stops":
            if draft.last_motion is not None and not draft.phase:
                draft.next_phase()
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
            draft.add(Attribute("motion", (value,), word.text, cursor.take_negation(), word.degree))
        if cursor.noun_phrase_at() and not cursor.sees("position", "degree", "ordinal", "motion", ahead=1):
            self._read_object(word)

    def _read_action(self, word: Word) -> None:
        """A doing that cannot be measured; what it is done to can at least be looked for close by."""
        cursor, draft = self._cursor, self._draft
        facing = Draft()
        if word.stem in ("face", "look", "point", "lean") and read_place(cursor, facing):
            draft.unchecked.append(" ".join([word.text, *(each.words for each in facing.attributes[:1])]))
            return
        negated, cursor.negated = cursor.negated, False
        known = len(draft.unchecked)
        if cursor.noun_phrase_at():
            cursor.negated = negated
            self._read_object(word)
        if len(draft.unchecked) == known:
            draft.unchecked.append(word.text)

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
        cursor, draft = self._cursor, self._draft
        kind = cast(RelationKind, word["preposition"])
        motion = draft.open_motion
        if not (cursor.noun_phrase_at() or cursor.sees("frame", "colour", "size", "shape")):
            side = _BARE_PLACES.get(kind)
            if side and word.text != "around":
                draft.add(Attribute("position", (side,), word.text, cursor.take_negation(), word.degree))
            elif "motion" in word:
                draft.add(Attribute("motion", (word["motion"],), word.text, cursor.take_negation()))
            return
        target = self._target()
        if not target.frame:
            self._relate(kind, word.text, target, superlative=word.degree == "superlative")
        elif kind == "far_from" and motion is not None and motion.values != ("still",):
            draft.add(Attribute("motion", ("away",), word.text, cursor.take_negation()))
        elif word.text == "into":
            draft.add(Attribute("motion", ("enters",), word.text, cursor.take_negation()))
        elif kind in _CAMERA_PLACES:
            place = _CAMERA_PLACES[kind]
            draft.add(Attribute("position", (place,), word.text, cursor.take_negation(), word.degree))

    def _read_way(self, word: Word) -> None:
        """ "towards the camera", "across the road", "out of the picture"."""
        cursor, draft = self._cursor, self._draft
        if word.text == "to" and cursor.sees("motion"):
            return
        target = self._target()
        if target.frame:
            motion = {"out of": "leaves", "off": "leaves"}.get(word.text, "")
            if draft.open_motion is not None and word.text in ("towards", "toward", "to", "at", "from"):
                motion = "away" if word.text == "from" else "towards"
            if motion:
                draft.add(Attribute("motion", (motion,), word.text, cursor.take_negation()))
        else:
            self._relate("near", word.text, target)

    def _relate(self, kind: RelationKind, words: str, target: Draft, superlative: bool = False) -> None:
        """Add a relation; a mere place ("on the road") cannot be found, so it is only named."""
        draft = self._draft
        negated = self._cursor.take_negation()
        side = target.noun is None and {each.kind for each in target.attributes} == {"position"}
        if side and kind != "near":
            draft.unchecked.append(f"{words} {target.attributes[0].words}")
        elif side:
            draft.attributes += [
                replace(each, degree="superlative", negated=negated) for each in target.attributes
            ]
        elif target.attributes or target.noun_class in _FINDABLE_CLASSES:
            targets = [target.build("")]
            if kind == "between" and self._cursor.sees_text("and"):
                self._cursor.take()
                targets.append(self._target().build(""))
            draft.relations.append(Relation(kind, tuple(targets), words, negated, superlative))
            self._target_end = self._cursor.at
        elif target.noun:
            draft.unchecked.append(f"{words} {target.noun}")
        draft.unchecked += target.unchecked
        draft.unknown += target.unknown

    def _read_conjunction(self) -> None:
        cursor, draft = self._cursor, self._draft
        after_target = cursor.at == self._target_end
        cursor.skip("conjunction")
        if cursor.sees("then") or not cursor.noun_phrase_at():
            return
        if after_target and draft.relations:
            last = draft.relations[-1]
            self._relate(last.kind, last.words, self._target())
            return
        other = noun_phrase(self._cursor)
        if other.noun_class == "garment" and draft.noun_class in ("person", "animal", ""):
            take_part(cursor, draft, other)
            return
        _Modifiers(cursor, other).read()
        if draft.noun is None:
            draft.noun, draft.noun_class = other.noun, other.noun_class
        expression = other.build("")
        draft.others += [replace(expression, others=()), *expression.others]

    def _read_predicate_noun(self) -> None:
        """ "is the red one", "is the tallest": what it says holds for the thing itself."""
        draft, cursor = self._draft, self._cursor
        start = cursor.at
        said = noun_phrase(self._cursor)
        if cursor.at == start:
            draft.unchecked.append(cursor.take().text)
        draft.attributes += said.attributes
        draft.rank, draft.rank_words = said.rank or draft.rank, said.rank_words or draft.rank_words
        if draft.noun is None:
            draft.noun, draft.noun_class = said.noun, said.noun_class
        elif said.noun and said.noun_class != "thing":
            draft.unchecked.append(said.noun)
        draft.unchecked += said.unchecked
        draft.unknown += said.unknown

    def _target(self) -> Draft:
        """A second thing with what clings to it."""
        target = noun_phrase(self._cursor)
        _Modifiers(self._cursor, target).read_closely()
        return target
