"""Reads what is said of time: what comes first, what after what, and when something is so."""

from __future__ import annotations

import re

from refervid.engines.lite.language.builder import ExpressionBuilder
from refervid.engines.lite.language.cursor import Cursor
from refervid.engines.lite.language.expression import Attribute, Relation
from refervid.engines.lite.language.noun_phrase import noun_phrase

_OF_THE_CLIP = re.compile(
    r"(?:in|at|during|for|throughout|from|by) (?:the )?(?:very )?"
    r"(?:(?:first|last|final|second|whole|entire) )?"
    r"(?:start|beginning|end|half|frames?|seconds?|moments?|minutes?|time|whole video|entire video)"
    r"(?: of (?:the )?(?:video|clip|scene|shot|sequence|footage))?(?= |$)(?! of )"
)
_WHILE = ("while", "when", "as", "until", "till")
_BECAUSE = ("before", "after", "once", "because", "if", "since")
_EVENTS = ("leaves", "enters", "stops", "starts")


def read_time(cursor: Cursor, builder: ExpressionBuilder) -> bool:
    """ "at the end", "after the light turns green": no rule measures it. False: no time is said here."""
    rest = " ".join(word.text for word in cursor.words[cursor.at :])
    if said := _OF_THE_CLIP.match(rest):
        end = cursor.at
        while len(" ".join(word.text for word in cursor.words[cursor.at : end])) < said.end():
            end += 1
        builder.unchecked.append(said[0])
        cursor.at = end
        return True
    if (cursor.sees_text(*_WHILE) and cursor.noun_phrase_at(1)) or _is_clause(cursor):
        builder.unchecked.append(rest)
        cursor.at = len(cursor.words)
        return True
    return False


def _is_clause(cursor: Cursor) -> bool:
    """ "after the bus turns", "because it is red" have a verb of their own; "stops before the car (does)" is
    compared.
    """
    if not (cursor.sees_text(*_BECAUSE) and cursor.noun_phrase_at(1)):
        return False
    ahead = cursor.fork(1)
    pronoun = ahead.sees_text("it", "he", "she", "they")
    who, word = noun_phrase(ahead), ahead.peek()
    if word is None or not (who.noun or pronoun):
        return False
    if "be" in word:
        return ahead.peek(1) is not None
    return ("motion" in word or "action" in word) and word.form != "ing"


def read_step(cursor: Cursor, builder: ExpressionBuilder) -> bool:
    """ "then", "before turning", "stops before the car"; False: nothing of the kind is here."""
    if cursor.sees("then"):
        word = cursor.take()
        if cursor.peek() is None:  # "who comes later": than what is not told
            builder.unchecked.append(word.text)
        else:
            builder.next_phase()
        return True
    if not cursor.sees_text("before", "after"):
        return False
    if cursor.sees("motion", "action", ahead=1):
        builder.next_phase(earlier=cursor.take().text == "after")
        return True
    return _read_earlier(cursor, builder)


def _read_earlier(cursor: Cursor, builder: ExpressionBuilder) -> bool:
    """ "stops before the car (does)"; "leaves after" is the contrary; who goes after it is behind it."""
    motion, later = builder.open_motion, cursor.sees_text("after")
    if motion is None or not cursor.noun_phrase_at(1) or (later and motion.values[0] not in _EVENTS):
        return False
    words = f"{motion.words} {cursor.take().text}"
    event = Attribute("order", ("first",), motion.words, degree="comparative", event=motion.values[0])
    targets = (noun_phrase(cursor).build(),)
    builder.relations.append(Relation("compared", targets, words, later, attribute=event))
    return True


def read_order(cursor: Cursor, builder: ExpressionBuilder) -> None:
    """ "jumps first", "is the last to leave"."""
    before = cursor.words[: cursor.at]
    word, motion = cursor.take(), builder.last_motion
    rank = int(word["ordinal"])
    done = [each for each in before if ("action" in each or "motion" in each) and each.form != "base"]
    counts = cursor.sees_text("from") or cursor.noun_phrase_at()
    if motion is None and done and not counts:
        builder.unchecked.append(f"{done[-1].text} {word.text}")  # "the dog that barks first"
    elif motion is None or cursor.sees("motion"):
        builder.rank, builder.rank_words = rank, word.text
    else:
        words = f"{motion.words} {word.text}"
        builder.attributes.append(Attribute("order", ("first",), words, rank=rank, event=motion.values[0]))
