"""A sentence that refers to something, read from left to right into an `Expression`.

The noun phrase comes first ("the second big red cup"), then all that is said about it: garments, places,
motions in their order, relations to other things. Nothing is learned: words come from the lexicon, grammar
from `noun_phrase`, `places`, `garments`, `doings` and `modifiers`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from refervid.engines.lite.language import lexicon
from refervid.engines.lite.language.builder import ExpressionBuilder
from refervid.engines.lite.language.cursor import Cursor
from refervid.engines.lite.language.expression import Expression
from refervid.engines.lite.language.foreign import language_of, translate
from refervid.engines.lite.language.modifiers import Modifiers
from refervid.engines.lite.language.noun_phrase import noun_phrase
from refervid.engines.lite.language.words import Word, tokenize

_PICTURED = ("mask", "masks", "segmentation", "outline", "silhouette")
MOST_FOREIGN = 1000
"""Letters of a sentence in another language that are looked at."""


@lru_cache(1024)
def parse(text: str) -> Expression:
    """The structure of a referring sentence; never fails, words it cannot use are listed in the result.

    Words after the first `words.MOST_WORDS` are not read. What is not English is read as far as a small table
    translates it.
    """
    words, unread = tokenize(text)
    known = sum(len(word.text.split()) for word in words if word.readings and not word.written)
    language = language_of(text[:MOST_FOREIGN], known)
    if not language:
        return replace(_read(words, text), unread=unread)
    translation = translate(text[:MOST_FOREIGN], language)
    read = _read(tokenize(translation.english)[0], text)
    if not (read.noun or read.attributes):
        read = Expression(text)
    unknown = tuple(dict.fromkeys((*translation.untranslated, *read.unknown)))
    return replace(read, unknown=unknown, language=language, translated=translation.pairs)


def _read(words: list[Word], text: str) -> Expression:
    cursor = Cursor(words)
    cursor.at = _opening(cursor)
    builder = ExpressionBuilder()
    if cursor.asks():
        builder.noun = builder.noun_class = "person" if cursor.take().text in ("who", "whoever") else "thing"
    elif not (cursor.sees("negation") and cursor.sees("determiner", ahead=1)):
        builder = noun_phrase(cursor)
        if builder.noun_class == "thing" and cursor.sees_text("who"):
            builder.noun = builder.noun_class = "person"
    Modifiers(cursor, builder).read()
    builder.respelled += [(word.written, word.text) for word in cursor.words if word.written]
    return builder.build(text)


def _opening(cursor: Cursor) -> int:
    """How many words ask for something before it is named: "please cut out the girl", "a mask of the dog"."""
    start = cursor.fork()
    while start.sees("filler") and not start.asks():
        start.take()
    asked = cursor.fork()
    while not asked.asks() and (asked.sees("filler") or asked.sees_text(*lexicon.REQUESTS)):
        asked.take()
    if asked.sees("determiner", "all"):
        start = asked
    pictured = start.sees("determiner", "all") and start.sees_text(*_PICTURED, ahead=1)
    if start.at and pictured and start.sees_text("of", "for", "around", "over", ahead=2):
        start.at += 3
    return start.at


def unseen_noun_in(text: str) -> tuple[str, tuple[int, ...]]:
    """The noun with ImageNet's classes that it names, none for what the detector has a class for: what that
    does not see is drawn, or oddly seen, and is not seen by ImageNet's network either.
    """
    meant = parse(text).concept
    if meant is None or meant.has_class or meant.kind in ("person", "thing"):
        return "", ()
    return meant.noun, tuple(meant.classifier)


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
