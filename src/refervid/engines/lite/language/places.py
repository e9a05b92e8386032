"""Reads "on the far left", "second from the right", "to the left of the ball", "in the background"."""

from __future__ import annotations

from dataclasses import dataclass

from refervid.engines.lite.language import lexicon
from refervid.engines.lite.language.builder import ExpressionBuilder
from refervid.engines.lite.language.cursor import Cursor
from refervid.engines.lite.language.expression import Attribute, Relation, RelationKind
from refervid.engines.lite.language.garments import read_clothes
from refervid.engines.lite.language.noun_phrase import noun_phrase
from refervid.engines.lite.language.vocabulary import kind_of
from refervid.engines.lite.language.words import PART_KINDS, Word

DIRECTIONS = {
    "left": "left",
    "right": "right",
    "top": "up",
    "bottom": "down",
    "front": "towards",
    "back": "away",
}
OPPOSITES = {
    "left": "right",
    "right": "left",
    "up": "down",
    "down": "up",
    "towards": "away",
    "away": "towards",
}
_SIDE_RELATIONS: dict[str, RelationKind] = {
    "left": "left_of",
    "right": "right_of",
    "top": "above",
    "bottom": "below",
    "front": "in_front_of",
    "back": "behind",
    "centre": "inside",
    "corner": "near",
    "edge": "near",
}
_CLOSE_BY = ("near", "behind", "in_front_of", "above", "below")
_FAR = ("far", "very", "extreme", "most")
_CLOSEST = ("closest to", "nearest to")
_CLOSE = ("near", "close to", *_CLOSEST)
_INTRODUCTIONS = ("in", "on", "at", "to", "from", "towards", "toward", "into", "by", "over to", *_CLOSE)


@dataclass(frozen=True)
class _Side:
    """ "to the far left": the word before it, the places of the lexicon that it names, and all words."""

    introduction: str
    places: list[str]
    said: str
    far: bool


def read_place(cursor: Cursor, builder: ExpressionBuilder) -> bool:
    """Read a side of the picture or of another thing; False: there is none here, and nothing was read."""
    start = cursor.at
    near_a_thing = cursor.sees("preposition") and cursor.noun_phrase_at(1)  # "nearest the door"
    further = cursor.sees("degree") and (cursor.sees("position", ahead=1) or cursor.sees_text("to", ahead=1))
    if cursor.sees("position") and (near_a_thing or further):
        return False
    introduction = cursor.take().text if cursor.sees_text(*_INTRODUCTIONS) else ""
    words = _side_words(cursor)
    if not introduction and [word.text for word in words] == ["right"] and _is_close_by(cursor, builder):
        return True  # "right behind the man"
    places = [word["position"] for word in words if "position" in word]
    if [word.text for word in words if "determiner" not in word] in (["far", "end"], ["far", "side"]):
        places = ["back"]
    owned = any(word.text in ("its", "his", "her", "their") for word in words)
    garment_follows = cursor.noun_at() and not cursor.sees("side")
    if not places or owned or (garment_follows and introduction):
        cursor.at = start
        return False
    said = " ".join(word.text for word in cursor.words[start : cursor.at])
    far = introduction in _CLOSEST or any(word.text in _FAR or word.degree == "superlative" for word in words)
    side, done = _Side(introduction, places, said, far), _was_done(cursor, builder, start)
    if not _take_side_of_a_thing(cursor, builder, side):
        _take_side(cursor, builder, side, done)
    return True


def _take_side_of_a_thing(cursor: Cursor, builder: ExpressionBuilder, side: _Side) -> bool:
    """ "to the left of the ball"; False: no thing is named, or one without sides: a road."""
    target = _target(cursor)
    if target is None:
        return False
    within = side.introduction in ("on", "in", "at", "from") or "side" in side.said
    if target.noun_class in ("place", "stuff") and within and side.places[-1] in DIRECTIONS:
        builder.unchecked.append(f"{side.said} of the {target.noun}")  # "on the left side of the road"
        return False
    kind = _kind_of_side(side.places[-1], side.introduction, target)
    builder.relations.append(
        Relation(kind, (target.build(),), side.said, cursor.take_negation(), superlative=side.far)
    )
    return True


def _take_side(cursor: Cursor, builder: ExpressionBuilder, side: _Side, done: bool) -> None:
    """Of the picture, or the way that something goes. `done`: something is so turned, or held."""
    introduction, said, place = side.introduction, side.said, side.places[-1]
    if introduction == "from" and builder.rank:
        words = f"{builder.rank_words} {said}"
        builder.attributes.append(
            Attribute("rank", (place,), words, cursor.take_negation(), rank=builder.rank)
        )
        builder.rank = 0
    elif introduction == "to" and any(each.kind == "rank" for each in builder.attributes):
        pass  # "the first from right to left"
    elif said == "back" and (builder.open_motion is not None or done):
        pass  # "walks back to the right"
    elif _turns_a_part(builder) and introduction in ("", "to", "from", "towards", "toward"):
        builder.unchecked.append(said)  # "turning its head to the left"
    elif _is_direction(builder, introduction) and place in DIRECTIONS:
        direction = DIRECTIONS[place]
        if introduction == "from":
            direction = OPPOSITES[direction]
        builder.add_direction(direction, said, cursor.take_negation())
    else:
        negated = cursor.take_negation()
        for each in dict.fromkeys(side.places):
            builder.add(Attribute("position", (each,), said, negated, "superlative" if side.far else "plain"))


def _kind_of_side(side: str, introduction: str, target: ExpressionBuilder) -> RelationKind:
    if introduction == "on" and side in ("top", "back"):
        return "on"  # "on the back of the elephant"
    if introduction in ("in", "at") and side == "back" and target.noun_class == "vehicle":
        return "inside"
    if side == "centre" and target.plural:
        return "between"
    if introduction in _CLOSE:
        return "near"
    return _SIDE_RELATIONS[side]


def _side_words(cursor: Cursor) -> list[Word]:
    words: list[Word] = []
    while cursor.sees("determiner", "intensifier", "position", "degree") or cursor.sees_text("far"):
        words.append(cursor.take())
    while words and "determiner" not in words[-1] and cursor.sees("side"):
        words.append(cursor.take())
    return words


def _target(cursor: Cursor) -> ExpressionBuilder | None:
    """The thing after "of", unless it is the picture itself."""
    if not cursor.sees_text("of"):
        return None
    cursor.at += 1
    target = noun_phrase(cursor)
    read_clothes(cursor, target)
    if target.frame or (target.noun is None and not target.attributes):
        return None
    return target


def _is_close_by(cursor: Cursor, builder: ExpressionBuilder) -> bool:
    """Does a relation follow, and not the end of "turns right behind the bus"?"""
    word, motion = cursor.peek(), builder.open_motion
    if word is None or word.readings.get("preposition") not in _CLOSE_BY:
        return False
    return motion is None or motion.values[0] != "moving"


def _was_done(cursor: Cursor, builder: ExpressionBuilder, start: int) -> bool:
    """ "whose hair is tied back", "holding her hair back", "pulls the curtain back"."""
    if not start:
        return False
    before = cursor.words[start - 1]
    done_to = bool(builder.relations and builder.relations[-1].action) and "noun" in before
    return done_to or before.text.endswith("ed") or kind_of(before.readings.get("noun")) in PART_KINDS


def _turns_a_part(builder: ExpressionBuilder) -> bool:
    motion = builder.open_motion
    return motion is not None and motion.values == ("stirring",)


def _is_direction(builder: ExpressionBuilder, introduction: str) -> bool:
    """Does a side after the last word say where something moves, not where it is?"""
    motion = builder.open_motion
    if motion is None or motion.values[0] in (*lexicon.STAYING, "hidden", "stops"):
        return False
    return introduction in ("", "to", "from", "towards", "toward", "into", "over to")
