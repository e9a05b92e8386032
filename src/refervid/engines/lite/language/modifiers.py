"""Reads what follows the noun phrase of a reference, from left to right."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from refervid.engines.lite.language import lexicon
from refervid.engines.lite.language.builder import ExpressionBuilder
from refervid.engines.lite.language.doings import Doings
from refervid.engines.lite.language.expression import Attribute, Relation
from refervid.engines.lite.language.garments import is_top, read_clothes, read_garments, read_whose, take_part
from refervid.engines.lite.language.noun_phrase import noun_phrase, read_colours, shade_alone
from refervid.engines.lite.language.places import read_place
from refervid.engines.lite.language.times import read_order, read_step, read_time
from refervid.engines.lite.language.vocabulary import kind_of
from refervid.engines.lite.language.words import PART_KINDS, Word

_EXCEPTIONS = ("except", "except for", "excluding", "other than", "but", "apart from", "besides")
_PLAIN_NEGATIONS = ("not", "no", "never", "hardly", "neither", "nor")
_DENIALS = ("not", "neither", "nor")
"""What they stand before, the thing is not; what "no" stands before, it has not."""
_KIN = ("mother", "father", "parent", "brother", "sister", "sibling", "friend", "baby", "partner")
_LIVELY = ("person", "animal", "vehicle", "cycle", "ball", "toy", "thing")
"""Classes of what may move by itself, or as if it did."""
_ACTS = ("running", "walking", "jumping", "dancing")
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


class Modifiers(Doings):
    """A target's own modifiers are read `closely`: only what clings to it."""

    def read(self) -> None:
        while (word := self._cursor.peek()) is not None:
            self._read_one(word)

    def read_closely(self, head: ExpressionBuilder | None = None) -> None:
        """ "the woman wearing red", "the dog that jumps": clothes of a person and clauses with "that"; what
        only the `head` can do is left to it: "the man on the horse who waves".
        """
        cursor, own = self._cursor, self._builder.noun_class
        heads = head.noun_class if head is not None else ""
        if own == "person" or (own == "animal" and heads != "person"):
            if cursor.sees("wearing"):
                self._read_one(cursor.words[cursor.at])
            elif cursor.sees_text("in", "with"):
                read_clothes(cursor, self._builder)
        if not cursor.sees_text("that", "which", "who") or self._excludes():
            return
        theirs = (cursor.sees_text("who") and own != "person" and heads == "person") or (
            own not in _LIVELY and heads in ("person", "animal") and self._acts()
        )
        if not theirs:
            self._read_clause()

    def _acts(self) -> bool:
        """Does what follows "that" say what only somebody does?"""
        cursor, ahead = self._cursor, 1
        while cursor.sees("be", "intensifier", "negation", ahead=ahead):
            ahead += 1
        word = cursor.peek(ahead)
        return word is not None and (
            "wearing" in word or word.readings.get("motion") in _ACTS or word.stem in ("sleep", "sit")
        )

    def _read_clause(self) -> None:
        while (word := self._cursor.peek()) is not None and not self._cursor.sees_text(",", "and", "but"):
            self._read_one(word)

    def _excludes(self) -> bool:
        """ "the thing on the table that is not the cup": nobody says of a table that it is no cup."""
        sees = self._cursor.sees
        return sees("be", ahead=1) and sees("negation", ahead=2) and sees("determiner", ahead=3)

    def target(self) -> ExpressionBuilder:
        target = self._named_alike(noun_phrase(self._cursor))
        Modifiers(self._cursor, target).read_closely(self._builder)
        return target

    def _named_alike(self, other: ExpressionBuilder) -> ExpressionBuilder:
        """ "the dog next to the brown one": another dog; "faster than the others", "next to its mother"."""
        cursor, builder = self._cursor, self._builder
        alone = cursor.sees("preposition", "place_preposition", ahead=-2)  # "from one side"
        own = any(cursor.sees_text("its", "their", ahead=ahead) for ahead in (-2, -3))
        kin = own and builder.noun_class == "animal" and other.noun in _KIN
        if builder.noun and (kin or (other.noun in ("one", "others", "other one") and not alone)):
            other.plural = other.plural or other.noun == "others"
            other.noun, other.noun_class = builder.noun, builder.noun_class
        return other

    def _read_one(self, word: Word) -> None:
        """Read what begins with this word; whatever it is, the cursor moves on."""
        cursor, builder = self._cursor, self._builder
        if not (
            read_time(cursor, builder)
            or read_whose(cursor, builder)
            or self._read_clothes()
            or self._read_negation(word)
            or self.read_late_agent()
            or self.read_object_clause()
            or self._read_side()
            or self._read_worn(word)
            or read_step(cursor, builder)
            or self._read_to_others(word)
            or self._read_doing(word)
            or self._read_look(word)
        ):
            self._read_rest(word)

    def _read_worn(self, word: Word) -> bool:
        """ "wearing a hat", "worn by the man"."""
        cursor, builder = self._cursor, self._builder
        if "wearing" not in word:
            return False
        cursor.take()
        if cursor.sees_text("by"):
            cursor.take()
            builder.owner = self.target()
        else:
            read_garments(cursor, builder)
        return True

    def _read_to_others(self, word: Word) -> bool:
        """ "jumps after the ball", "bigger than the ball", "behind the car", "across the road"."""
        cursor = self._cursor
        if word.text == "after" and cursor.noun_phrase_at(1):
            self.read_pursuit()
        elif "than" in word:
            cursor.take()
            self._read_comparison()
        elif "preposition" in word:
            self.read_relation(cursor.take())
        elif "place_preposition" in word and (cursor.noun_phrase_at(1) or "motion" not in word):
            self.read_way(cursor.take())
        else:
            return False
        return True

    def _read_doing(self, word: Word) -> bool:
        cursor = self._cursor
        if (word.text in ("up", "down") and not self.goes_on_moving()) or self._is_of_a_part(word):
            self._builder.unchecked.append(cursor.take().text)  # "with its head up", "with arms crossed"
        elif "motion" in word:
            self.read_motion(cursor.take())
        elif "action" in word:
            self.read_action(cursor.take())
        else:
            return False
        return True

    def _read_look(self, word: Word) -> bool:
        """ "is dark red", "the biggest"; which in a row or in time, and how much of what was said."""
        cursor, builder = self._cursor, self._builder
        if "colour" in word or cursor.shaded_colour_at():
            read_colours(cursor, builder)
        elif "ordinal" in word:
            read_order(cursor, builder)
        elif "degree" in word:
            self._read_degree(cursor.take()["degree"])
        elif "size" in word or "shape" in word:
            cursor.take()
            kind: Literal["size", "shape"] = "size" if "size" in word else "shape"
            builder.add(Attribute(kind, (word[kind],), word.text, cursor.take_negation(), word.degree))
        elif "shade" in word and not cursor.noun_at():
            builder.add(shade_alone(cursor, cursor.take()))
        else:
            return False
        return True

    def _read_rest(self, word: Word) -> None:
        cursor, builder = self._cursor, self._builder
        if "conjunction" in word:
            self._read_conjunction()
        elif cursor.noun_phrase_at():
            self._read_predicate_noun()
        else:
            cursor.take()
            if not word.readings:
                builder.unknown.append(word.text)
            elif not _FUNCTION_WORDS & word.readings.keys():
                builder.unchecked.append(word.text)

    def _read_clothes(self) -> bool:
        """ "the hand of a man in a red shirt": the man's, not the hand's."""
        owner = self._builder.owner
        whose = owner if owner is not None and owner.noun_class in ("person", "animal") else self._builder
        return read_clothes(self._cursor, whose)

    def _read_side(self) -> bool:
        if self._cursor.sees_text("left") and self._cursor.sees("relative", ahead=-1):
            return False  # "the man who left"
        known = len(self._builder.relations)
        found = read_place(self._cursor, self._builder)
        if len(self._builder.relations) > known:
            self._target_end = self._cursor.at
        return found

    def _read_negation(self, word: Word) -> bool:
        """Remember a negation; a noun phrase that "without", "except" or "not" excludes is read at once."""
        cursor, builder = self._cursor, self._builder
        said = builder.noun is not None or builder.plural
        excepting = word.text == "but" and said and cursor.noun_phrase_at(1)
        if not ("negation" in word or excepting):
            return False
        cursor.take()
        cursor.negated = True
        determined = cursor.sees("determiner") and cursor.noun_phrase_at()
        if word.text in _PLAIN_NEGATIONS and not (determined or self._bare_noun()):
            return True
        if not cursor.noun_phrase_at() and not cursor.sees("colour", "shade"):
            return True
        cursor.negated = False
        excluded = noun_phrase(cursor)
        modifiers = Modifiers(cursor, excluded)
        if word.text in _EXCEPTIONS:
            modifiers.read()
            if builder.noun is None and excluded.attributes:
                builder.noun, builder.noun_class = excluded.noun, excluded.noun_class  # "all but the red car"
        elif excluded.noun_class == "thing":
            modifiers._read_clause()  # "not the one on the left"
        else:
            modifiers.read_closely()
        if excluded.noun_class in PART_KINDS and word.text not in _DENIALS:
            self._lack(word, excluded)
        elif excluded.noun and word.text in ("without", "lacking"):
            cursor.negated = True
            self.relate("with", word.text, excluded)
        else:
            self._exclude(excluded)
            while cursor.sees_text("or", "nor") and cursor.noun_phrase_at(1):
                cursor.take()
                self._exclude(noun_phrase(cursor))
        return True

    def _lack(self, word: Word, part: ExpressionBuilder) -> None:
        """ "without shoes or socks"."""
        cursor = self._cursor
        while part.noun_class in PART_KINDS:
            cursor.negated = True
            take_part(cursor, self._builder, part, f"{word.text} {part.noun}")
            start = cursor.at
            if not (cursor.sees_text("and", "or", "nor") and cursor.noun_phrase_at(1)):
                return
            cursor.take()
            part = noun_phrase(cursor)
        cursor.at = start

    def _bare_noun(self) -> bool:
        """ "not grass", where the word can be nothing else: "orange" would be a colour."""
        word = self._cursor.peek()
        return word is not None and "noun" in word and word.readings.keys() <= {"noun", "group", "wearing"}

    def _exclude(self, excluded: ExpressionBuilder) -> None:
        """The thing is not `excluded`: of one statement about the same noun its contrary, else as a whole."""
        builder = self._builder
        generic = excluded.noun is None or excluded.noun_class == "thing" or excluded.noun == builder.noun
        statements = len(excluded.attributes) + len(excluded.relations)
        if generic and statements == 1:
            builder.attributes += [replace(each, negated=not each.negated) for each in excluded.attributes]
            builder.relations += [replace(each, negated=not each.negated) for each in excluded.relations]
        elif statements or not generic:
            builder.excluded += [excluded.build(), *excluded.others]
        builder.take_leftovers(excluded)

    def _read_degree(self, degree: str) -> None:
        """ "moves most", "more to the left", "the least red"."""
        cursor, builder = self._cursor, self._builder
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
        target = self.target()
        if self._builder.attributes:
            compared = self._builder.attributes.pop()
            self._builder.relations.append(
                Relation(
                    "compared",
                    (target.build(),),
                    f"{compared.words} than",
                    negated=compared.negated,
                    attribute=replace(compared, negated=False, degree="comparative"),
                )
            )

    def _read_conjunction(self) -> None:
        cursor, builder = self._cursor, self._builder
        after_target = cursor.at == self._target_end
        cursor.skip("conjunction")
        if cursor.sees("then") or not cursor.noun_phrase_at():
            return
        if after_target and builder.relations and not self._another_acts():
            last = builder.relations[-1]
            cursor.negated = last.negated
            self.relate(last.kind, last.words, self.target(), action=last.action, passive=last.passive)
            return
        other = self._named_alike(noun_phrase(cursor))
        worn = other.noun_class == "garment" or is_top(other)
        if worn and builder.noun_class in ("person", "animal", ""):
            take_part(cursor, builder, other)
            return
        Modifiers(cursor, other).read()
        if builder.noun is None and all(each.negated for each in builder.attributes):
            builder.adopt(other)
            return
        if builder.noun is None:  # "the red and the blue car"
            builder.noun, builder.noun_class = other.noun, other.noun_class
        if builder.count == 2 and any(word.text == "both" for word in cursor.words[:2]):
            builder.plural, builder.count = False, None  # "both the boy and the girl"
        expression = other.build()
        builder.others += [replace(expression, others=()), *expression.others]

    def _is_of_a_part(self, word: Word) -> bool:
        before = self._cursor.peek(-1)
        moved = word.form == "ed" and word.readings.get("motion", "still") not in lexicon.STAYING
        return moved and before is not None and kind_of(before.readings.get("noun")) == "bodypart"

    def _another_acts(self) -> bool:
        """ "throwing the ball and the dog catching it": does who is named here do something else?"""
        if not self._builder.relations[-1].action or not self._cursor.sees("determiner"):
            return False
        ahead = self._cursor.fork()
        who, word = noun_phrase(ahead), ahead.peek()
        acts = word is not None and (word.form == "ing" or "relative" in word)
        return acts and who.noun_class in ("person", "animal", "vehicle")

    def _read_predicate_noun(self) -> None:
        """ "is the red one", "is the tallest": what it says holds for the thing itself."""
        builder, cursor = self._builder, self._cursor
        start = cursor.at
        said = noun_phrase(cursor)
        if cursor.at == start:
            builder.unchecked.append(cursor.take().text)
        builder.attributes += said.attributes
        builder.parts += said.parts
        builder.rank, builder.rank_words = said.rank or builder.rank, said.rank_words or builder.rank_words
        if builder.noun is None:
            builder.take_noun(said)
        elif said.noun and said.noun_class != "thing":
            builder.unchecked.append(said.noun)
        builder.take_leftovers(said)
