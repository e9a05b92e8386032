"""Reads what a thing does, to what, and where it is to other things."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import cast

from refervid.engines.lite.language import lexicon
from refervid.engines.lite.language.builder import ExpressionBuilder
from refervid.engines.lite.language.cursor import Cursor
from refervid.engines.lite.language.expression import Attribute, Expression, Relation, RelationKind
from refervid.engines.lite.language.noun_phrase import noun_phrase
from refervid.engines.lite.language.places import read_place
from refervid.engines.lite.language.words import PART_KINDS, Word

_CAMERA_PLACES = {"near": "front", "in_front_of": "front", "behind": "back", "far_from": "back"}
_BARE_PLACES = {"behind": "back", "above": "top", "below": "bottom", "near": "front", "far_from": "back"}
_PLACES = ("", "place", "stuff", "substance", "bodypart", "garment", "part")
_MOVED = ("pull", "push", "throw", "toss", "carry")
"""What is pulled up goes up; what is held up does not."""
_TOWARDS = ("towards", "toward", "to", "up to")
_ON_THE_SPOT = (*lexicon.STAYING, "swinging", "stirring")
"""Motions that go nowhere, whatever they are directed to: "waves at the camera"."""
_HELD = ("ware", "food", "ball")
"""Classes of things that no person is inside of."""
_SOMETHING = Expression("", "thing", "thing")


class Doings(ABC):
    """Adds to the expression being built; `target` reads a second thing."""

    def __init__(self, cursor: Cursor, builder: ExpressionBuilder) -> None:
        self._cursor = cursor
        self._builder = builder
        self._target_end = -1
        self._undergone: tuple[Word, str] | None = None
        """What is done to the thing, and what was noted of that."""

    @abstractmethod
    def target(self) -> ExpressionBuilder:
        """The noun phrase at the cursor with what clings to it."""

    def read_motion(self, word: Word) -> None:
        cursor, builder = self._cursor, self._builder
        value = self._motion_of(word)
        if not value or self._read_agent(word):
            return
        if word.stem in ("lift", "lower") and cursor.sees_text("up", "down") and cursor.noun_phrase_at(1):
            cursor.take()  # "lifting up the box"
        covers = value == "hidden" and word.form in ("ing", "s") and cursor.noun_phrase_at()
        negated = cursor.negated
        said = list(builder.attributes)
        if not covers:
            builder.add(Attribute("motion", (value,), word.text, cursor.take_negation(), word.degree))
        how = cursor.sees("position", "degree", "ordinal", "motion", ahead=1) and not cursor.noun_at(1)
        if cursor.noun_phrase_at() and not how:
            cursor.negated = negated and word.stem in lexicon.VERB_RELATIONS
            moved = self._read_object(word)
            cursor.negated = False
            if moved and word.stem in lexicon.MOVES_OTHERS:
                builder.attributes = said

    def _motion_of(self, word: Word) -> str:
        """Which motion the word is here; "": none, or the beginning of one that comes."""
        cursor, builder, value = self._cursor, self._builder, word["motion"]
        turns_colour = word.stem in ("turn", "go", "come") and self._sees_a_colour()  # "the light turns red"
        runs = builder.noun_class in ("person", "animal", "vehicle", "cycle", "thing", "ball", "")
        lively = value == "running" or word.stem == "take off"
        if turns_colour or (lively and not runs):  # "the tap that is running", "the lid taken off"
            builder.unchecked.append(word.text)
            return ""
        if value == "running" and builder.noun_class in ("vehicle", "cycle"):
            return "moving"
        if value == "spinning" and word.stem == "turn" and self._sees_a_side():
            return "moving"
        if value == "starts" and cursor.sees_text("to"):
            cursor.take()
            return ""
        if value == "starts" and cursor.sees("motion"):
            return ""
        moved = builder.last_motion is not None
        if value == "stops" and not (cursor.negated and moved):  # but "hops away without stopping"
            if moved and not builder.phase:
                builder.next_phase()
            if cursor.sees("motion") and not cursor.sees("position"):
                cursor.take()
        return value

    def _sees_a_colour(self) -> bool:
        cursor = self._cursor
        return (cursor.sees("colour") or cursor.shaded_colour_at()) and not cursor.noun_ahead()

    def _sees_a_side(self) -> bool:
        """ "left", "to the left"."""
        cursor, ahead = self._cursor, 0
        while cursor.sees_text("to", "the", "its", ahead=ahead):
            ahead += 1
        return cursor.sees("position", ahead=ahead)

    def goes_on_moving(self) -> bool:
        """Does the word here belong to a motion: is there nothing but "straight" or "and" between them?"""
        cursor, motion = self._cursor, self._builder.open_motion
        ahead = -1
        while cursor.sees("conjunction", "then", "intensifier", "material", "degree", ahead=ahead):
            ahead -= 1
        before = cursor.peek(ahead)
        if before is not None and before.form == "ed" and before.stem in _MOVED:
            return True
        return (
            before is not None
            and motion is not None
            and motion.values[0] not in lexicon.STAYING
            and motion.words.endswith(before.text)
        )

    def read_action(self, word: Word) -> None:
        """A doing that cannot be measured; what it is done to can at least be looked for close by."""
        cursor, builder = self._cursor, self._builder
        if word.stem == "look" and cursor.sees_text("into"):
            cursor.take()  # nobody is where they look
        if self._read_facing(word) or self._read_agent(word):
            return
        # "being pushed on a swing": by whom is not said, and the swing is not pushed.
        undergone = word.form == "ed" and cursor.sees("be", ahead=-2)
        negated, cursor.negated = cursor.negated, False
        said = [word.text]
        if word.stem in lexicon.POSES and cursor.sees_text("up", "down") and not cursor.noun_phrase_at(1):
            said.append(cursor.take().text)  # who looks up goes nowhere
        elif not undergone and cursor.sees_text(*lexicon.VERB_PARTICLES) and cursor.noun_phrase_at(1):
            cursor.take()
        known = len(builder.unchecked), len(builder.relations)
        if not undergone and (cursor.noun_phrase_at() or cursor.sees("noun")):
            cursor.negated = negated
            self._read_object(word)
        elif not undergone and word.stem in lexicon.AMONG_OTHERS:
            builder.relations.append(
                Relation(_kind_of(word), (_SOMETHING,), word.text, negated, action=word.stem)
            )
        noted = " ".join(["not", *said] if negated else said)
        self._undergone = (word, noted) if word.form == "ed" else None
        if (len(builder.unchecked), len(builder.relations)) == known:
            builder.unchecked.append(noted)

    def _read_facing(self, word: Word) -> bool:
        """ "looks away from the camera", "faces left"."""
        cursor, facing = self._cursor, ExpressionBuilder()
        if word.stem not in ("face", "look", "point", "lean"):
            return False
        if cursor.sees_text("away", "away from"):
            said = [cursor.take().text]
            self.target()
        elif read_place(cursor, facing):
            said = [each.words for each in facing.attributes[:1]]
        else:
            return False
        self._builder.unchecked.append(" ".join([word.text, *said]))
        return True

    def _read_agent(self, word: Word) -> bool:
        """ "walked by the man": the thing is what something is done to."""
        cursor = self._cursor
        if not (word.form in ("ed", "base") and cursor.sees_text("by") and cursor.noun_phrase_at(1)):
            return False
        cursor.take()
        self.relate(_kind_of(word), word.text, self.target(), action=word.stem, passive=True)
        return True

    def read_late_agent(self) -> bool:
        """ "pushed off the table by the cat"."""
        if self._undergone is None:
            return False
        word, noted = self._undergone
        negated = self._cursor.negated
        self._cursor.negated = negated or noted.startswith("not ")
        if not self._read_agent(word):
            self._cursor.negated = negated
            return False
        self._undergone = None
        self._builder.unchecked = [each for each in self._builder.unchecked if each != noted]
        return True

    def read_object_clause(self) -> bool:
        """ "(that) the girl throws", "the man is sitting on"; False: no such clause, and nothing was read."""
        cursor = self._cursor
        start, negated = cursor.at, cursor.negated
        clause = cursor.sees("relative", "determiner") and not cursor.sees_text("while", "when", "as")
        if clause and self._read_what_another_does():
            return True
        cursor.at, cursor.negated = start, negated
        return False

    def _read_what_another_does(self) -> bool:
        cursor = self._cursor
        if cursor.sees("relative"):
            cursor.take()
        determined = cursor.sees("determiner")
        # "then he turns around" goes on with the thing itself.
        person = cursor.sees_text("he", "she") and cursor.sees("noun", "relative", ahead=-1)
        if not cursor.noun_phrase_at() or cursor.sees("motion", "action"):
            return False
        agent = noun_phrase(cursor)
        if person and agent.noun is None:
            agent.noun = agent.noun_class = "person"
        if not determined and agent.noun_class not in ("person", "animal", "vehicle"):
            return False
        while cursor.sees("be", "intensifier", "negation"):
            cursor.negated |= cursor.sees("negation")
            cursor.take()
        verb = cursor.peek()
        if agent.noun and cursor.sees("preposition") and not cursor.noun_phrase_at(1):
            self.relate(cast(RelationKind, cursor.take()["preposition"]), "", agent, passive=True)
            return True
        if not agent.noun or agent.frame or verb is None or not ("motion" in verb or "action" in verb):
            return False
        cursor.take()
        kind = _kind_of(verb)
        if cursor.sees("preposition") and not cursor.noun_phrase_at(1):
            kind = cast(RelationKind, cursor.take()["preposition"])
        elif person and "motion" in verb and verb.stem not in lexicon.MOVES_OTHERS:
            return False
        elif cursor.sees_text("at", "to", "after") and not cursor.noun_phrase_at(1):
            cursor.take()
        self.relate(kind, verb.text, agent, action=verb.stem, passive=True)
        return True

    def read_pursuit(self) -> None:
        """ "jumps after the ball": what moves behind something that moves is after it."""
        word = self._cursor.take()
        moving = self._builder.open_motion is not None
        self.relate("behind", word.text, self.target(), action="chase" if moving else "")

    def _read_object(self, word: Word) -> bool:
        """Was it something else than the picture or a part of the thing itself? Who turns their head does not
        turn, but moves.
        """
        target = self.target()
        if target.frame:
            return False
        part, motion = target.noun_class in PART_KINDS, word.readings.get("motion")
        if motion == "enters" and target.noun_class in ("stuff", "vehicle", "ware", "furniture"):
            self._builder.change_last(values=("moving",))  # "enters the water": it is in the picture before
        elif motion == "towards":
            self._builder.change_last(values=("moving",))
        elif part and motion and (motion == "swinging" or word.stem in lexicon.MOVES_OTHERS):
            self._builder.change_last(values=("stirring",))
        self.relate(_kind_of(word), word.text, target, action=word.stem)
        return target.noun is not None and not part

    def read_relation(self, word: Word) -> None:
        cursor, builder = self._cursor, self._builder
        kind = cast(RelationKind, word["preposition"])
        motion = builder.open_motion
        if cursor.sees("negation") and cursor.noun_phrase_at(1):
            cursor.take()
            cursor.negated = True
        if not (cursor.noun_phrase_at() or cursor.sees("frame", "colour", "size", "shape")):
            side = _BARE_PLACES.get(kind)
            if side and word.text not in ("around", "over", "by"):
                builder.add(Attribute("position", (side,), word.text, cursor.take_negation(), word.degree))
            elif "motion" in word:
                builder.add(Attribute("motion", (word["motion"],), word.text, cursor.take_negation()))
            elif kind == "inside" and cursor.peek() is None:
                builder.unchecked.append(word.text)
            return
        target = self.target()
        if kind == "inside" and builder.noun_class == "person" and target.noun_class in _HELD:
            kind = "near"  # who mixes something in a bowl is not in it
        if kind == "on" and builder.noun_class == "person" and _is_phone(target):
            kind = "with"
        if not target.frame:
            self.relate(kind, word.text, target, superlative=word.degree == "superlative")
        elif kind == "far_from" and motion is not None and motion.values[0] not in lexicon.STAYING:
            builder.add(Attribute("motion", ("away",), word.text, cursor.take_negation()))
        elif word.text == "into":
            builder.add(Attribute("motion", ("enters",), word.text, cursor.take_negation()))
        elif kind in _CAMERA_PLACES:
            place = _CAMERA_PLACES[kind]
            builder.add(Attribute("position", (place,), word.text, cursor.take_negation(), word.degree))

    def read_way(self, word: Word) -> None:
        """ "towards the camera", "across the road", "out of the picture"."""
        cursor, builder = self._cursor, self._builder
        if word.text == "to" and cursor.sees("motion", "action") and not cursor.sees("determiner"):
            return
        if word.text == "out" and not cursor.noun_phrase_at():
            builder.unchecked.append(word.text)  # "walks out" of what, or from where it was hidden
            return
        target = self.target()
        if target.frame:
            motion = {"out of": "leaves", "off": "leaves", "across": "crossing"}.get(word.text, "")
            moves = builder.open_motion
            goes = moves is not None and moves.values[0] not in _ON_THE_SPOT
            if goes and word.text in (*_TOWARDS, "at", "from"):
                motion = "away" if word.text == "from" else "towards"
            if motion:
                builder.add(Attribute("motion", (motion,), word.text, cursor.take_negation()))
            elif word.text in lexicon.PATHS:
                builder.unchecked.append(f"{word.text} the camera")
        else:
            moving = builder.open_motion is not None and word.text in _TOWARDS
            self.relate("near", word.text, target, action="approach" if moving else "")

    def relate(
        self,
        kind: RelationKind,
        words: str,
        target: ExpressionBuilder,
        superlative: bool = False,
        action: str = "",
        passive: bool = False,
    ) -> None:
        """Add a relation; a mere place ("on the road") cannot be found, so it is only named."""
        builder = self._builder
        negated = self._cursor.take_negation()
        side = target.noun in (None, "row") and {each.kind for each in target.attributes} == {"position"}
        whole = target.owner if target.noun_class in PART_KINDS else None
        if side and kind != "near":
            builder.unchecked.append(f"{words} {target.attributes[0].words}")
        elif side:
            builder.attributes += [
                replace(each, degree="superlative", negated=negated) for each in target.attributes
            ]
        elif whole or _may_be_found(target) or (action and kind == "with" and target.noun_class == "place"):
            targets = [(whole or target).build()]
            if kind == "between" and self._cursor.sees_text("and") and self._cursor.noun_phrase_at(1):
                self._cursor.take()
                targets.append(self.target().build())
            builder.relations.append(
                Relation(kind, tuple(targets), words, negated, superlative, None, action, passive)
            )
            self._target_end = self._cursor.at
        elif target.noun:
            said = f"{words} {target.noun}"
            denied = negated and words not in ("without", "lacking")
            builder.unchecked.append(f"not {said}" if denied else said)
        builder.take_leftovers(target)


def _may_be_found(target: ExpressionBuilder) -> bool:
    """A thing, or a place or part that a network knows or more is said of."""
    meant = target.build().concept
    described = bool(target.attributes) and target.noun_class not in PART_KINDS
    return described or target.noun_class not in _PLACES or (meant is not None and meant.known)


def _is_phone(target: ExpressionBuilder) -> bool:
    """Who is "on the phone" holds it."""
    meant = target.build().concept
    return meant is not None and meant.detector.get("cell phone") == 1


def _kind_of(verb: Word) -> RelationKind:
    """Where the two are to each other while this is done."""
    return cast(RelationKind, lexicon.VERB_RELATIONS.get(verb.stem, "near"))
