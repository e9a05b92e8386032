"""Reads when something is so: "at the end", "after the light turns green". No rule here measures it."""

from __future__ import annotations

import re

from refervid.engines.lite.language.builder import ExpressionBuilder
from refervid.engines.lite.language.cursor import Cursor
from refervid.engines.lite.language.noun_phrase import noun_phrase

_OF_THE_CLIP = re.compile(
    r"(?:in|at|during|for|throughout|from|by) (?:the )?(?:very )?"
    r"(?:(?:first|last|final|second|whole|entire) )?"
    r"(?:start|beginning|end|half|frames?|seconds?|moments?|minutes?|time|whole video|entire video)"
    r"(?: of (?:the )?(?:video|clip|scene|shot|sequence|footage))?(?= |$)(?! of )"
)
_WHILE = ("while", "when", "as", "until", "till")
_BECAUSE = ("before", "after", "once", "because", "if", "since")


def read_time(cursor: Cursor, builder: ExpressionBuilder) -> bool:
    """False: no time is said here, and nothing was read."""
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
