"""Reads what someone wears and what belongs to a thing: "in a white shirt", "with blonde hair"."""

from __future__ import annotations

from dataclasses import replace

from refervid.engines.lite.language.builder import ExpressionBuilder
from refervid.engines.lite.language.cursor import Cursor
from refervid.engines.lite.language.expression import Part
from refervid.engines.lite.language.noun_phrase import noun_phrase, read_colours
from refervid.engines.lite.language.words import PART_KINDS

_CLOTHES = "clothes"


def read_whose(cursor: Cursor, builder: ExpressionBuilder) -> bool:
    """ "whose shirt is red"; False: nothing of the kind is here."""
    if not cursor.sees_text("whose"):
        return False
    cursor.take()
    owned = noun_phrase(cursor)
    cursor.skip("be")
    if cursor.sees("negation"):
        cursor.take()
        cursor.negated = True
    if cursor.sees("colour") or cursor.shaded_colour_at():
        read_colours(cursor, owned)
    take_part(cursor, builder, owned)
    return True


def read_clothes(cursor: Cursor, builder: ExpressionBuilder) -> bool:
    """ "in a white shirt", "in red", "with blonde hair"; False: something else is in or with the thing."""
    if not cursor.sees_text("in", "with", "of"):
        return False
    start, negated = cursor.at, cursor.negated
    introduction = cursor.take().text
    determined = cursor.sees("determiner")  # "in the sand"
    owned = noun_phrase(cursor)
    if introduction == "in" and not determined and owned.noun in {each.words for each in owned.attributes}:
        owned.noun, owned.noun_class = None, ""  # "in orange"
    coloured = any(attribute.kind == "colour" for attribute in owned.attributes)
    kinds = {"in": ("garment",), "with": PART_KINDS}.get(introduction, ())
    garment = owned.noun_class in kinds and owned.owner is None
    if not garment and (owned.noun is not None or not coloured):
        cursor.at, cursor.negated = start, negated
        return False
    take_part(cursor, builder, owned)
    _read_more(cursor, builder)
    return True


def read_garments(cursor: Cursor, builder: ExpressionBuilder) -> None:
    """What follows "wearing" or "dressed"."""
    if cursor.sees_text("in", "with", "as"):
        cursor.take()
    take_part(cursor, builder, noun_phrase(cursor))
    _read_more(cursor, builder)


def take_part(cursor: Cursor, builder: ExpressionBuilder, owned: ExpressionBuilder, words: str = "") -> None:
    """Hang the colours of a garment or body part on the thing itself; without colours it is a `Part`."""
    negated = cursor.take_negation()
    part = owned.noun or ("top" if is_top(owned) else _CLOTHES)
    colours = [each for each in owned.attributes if each.kind == "colour"]
    for attribute in colours:
        said = f"{attribute.words} {part}"
        negative = attribute.negated or negated
        builder.attributes.append(replace(attribute, part=part, negated=negative, words=said))
    if colours and not is_top(owned):
        rest = [each for each in owned.attributes if each.kind != "colour"]
        if owned.noun is None:
            builder.attributes += rest
        else:
            builder.unchecked += [each.words for each in rest]
    if owned.noun and not colours:
        words = words or (f"no {owned.noun}" if negated else owned.noun)
        builder.parts.append(Part(owned.build(), words, negated))
    builder.take_leftovers(owned)


def _read_more(cursor: Cursor, builder: ExpressionBuilder) -> None:
    """Further garments of the same list."""
    while True:
        start = cursor.at
        cursor.skip("conjunction")
        if cursor.sees_text("with", "in"):
            cursor.take()
        more = noun_phrase(cursor)
        if cursor.at == start or not (more.noun_class in PART_KINDS or is_top(more)):
            cursor.at = start
            return
        take_part(cursor, builder, more)


def is_top(owned: ExpressionBuilder) -> bool:
    """ "a pink top" reads like a colour and a position without a noun."""
    kinds = [attribute.kind for attribute in owned.attributes]
    return owned.noun is None and "colour" in kinds and owned.attributes[-1].values == ("top",)
