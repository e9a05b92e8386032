"""Reads "the second big dark red cup": numbers, adjectives and the noun they belong to."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from refervid.engines.lite.language import lexicon
from refervid.engines.lite.language.builder import PARTLY, ExpressionBuilder
from refervid.engines.lite.language.cursor import Cursor, is_participle
from refervid.engines.lite.language.expression import Attribute, Expression, Part
from refervid.engines.lite.language.vocabulary import concept, entry, kind_of
from refervid.engines.lite.language.words import PART_KINDS, WHOLES, Category, Word

# Classes whose leading "-ing" word names a purpose, not a motion: "racing track", "running shoes".
_PURPOSE_CLASSES = {"place", "stuff", "garment"}
_MEASURED: tuple[Category, ...] = ("colour", "size", "shape", "position")
_DOERS = ("person", "animal", "vehicle", "cycle", "bodypart", "thing")
"""Classes of what does something, of which someone may say "the car stop"."""


def noun_phrase(cursor: Cursor) -> ExpressionBuilder:
    """What the noun phrase at the cursor says; the cursor moves behind it."""
    builder, start = ExpressionBuilder(), cursor.at
    while (word := cursor.peek()) is not None and not _is_done(cursor, builder, word, start):
        if _is_named(cursor, builder, word, start):
            noun = word.readings.get("noun") or str(entry([word.text]))
            named = Word(word.text, {"noun": noun}, plural=word.form == "s")
            _take_head(builder, named)
            cursor.at += 1
            continue
        verb = "motion" in word or ("action" in word and builder.noun_class in ("person", "animal", "thing"))
        if builder.noun is not None and (not cursor.noun_at() or verb or "position" in word):
            break
        if not _read_one(cursor, builder, word):
            break
    if builder.noun_class in _PURPOSE_CLASSES:
        for attribute in [each for each in builder.attributes if each.kind == "motion"]:
            builder.attributes.remove(attribute)
            builder.unchecked.append(attribute.words)
    if cursor.sees_text("of"):
        _read_of(cursor, builder)
    owns = cursor.sees_text("'s") and (cursor.noun_phrase_at(1) or cursor.sees("noun", ahead=1))
    if owns and builder.noun is not None:
        cursor.at += 1
        owned = noun_phrase(cursor)
        owned.owner = builder
        return owned
    return builder


def _read_of(cursor: Cursor, builder: ExpressionBuilder) -> None:
    """ "a group of dogs", "a bottle of wine", "the top of the box"."""
    portion = builder.noun in lexicon.PORTIONS and not cursor.sees("determiner", ahead=1)
    if portion or builder.noun in lexicon.GROUPS or builder.noun_class == "thing" or not builder.noun:
        _read_members(cursor, builder)
    elif builder.noun_class == "ware" and not cursor.sees("determiner", ahead=1):
        _read_contents(cursor, builder)
    elif builder.noun_class in PART_KINDS or cursor.sees("determiner", ahead=1):
        cursor.at += 1
        if builder.owner is not None:
            builder.unchecked.append(str(builder.owner.noun))
        builder.owner = noun_phrase(cursor)
        if builder.noun_class == "garment" and builder.owner.noun_class not in ("person", "animal"):
            builder.noun_class = "part"  # of no garment


def _is_done(cursor: Cursor, builder: ExpressionBuilder, word: Word, start: int) -> bool:
    """ "the pen writing a word", "in red painting" say what is done, where "the painting" and "the wall
    painting" are things.
    """
    doing = word.form == "ing" and ("motion" in word or "action" in word) and "noun" in word
    if not doing or (builder.noun is None and _is_determined(cursor, start)):
        return False
    doer = builder.noun_class in (*PART_KINDS, "furniture", "instrument")
    coloured = builder.noun is None and {each.kind for each in builder.attributes} == {"colour"}
    worn = coloured and cursor.sees_text("in", ahead=start - 1 - cursor.at)
    return doer or worn or cursor.sees("determiner", ahead=1)


def _is_determined(cursor: Cursor, start: int) -> bool:
    """Has the noun phrase that begins at `start` an article?"""
    before = cursor.words[start : cursor.at]
    return any("determiner" in one and one.text not in lexicon.PRONOUNS for one in before)


def _is_named(cursor: Cursor, builder: ExpressionBuilder, word: Word, start: int) -> bool:
    """ "a paddle", "in the stands", "the book cover": no verb stands unbent after an article, nor after what
    does nothing.
    """
    if not ("motion" in word or "action" in word) or word.form == "ed":
        return False
    if "noun" in word and builder.noun is None:
        return False
    adjective = word.text in lexicon.MOTION_ADJECTIVES or "shape" in word or "size" in word
    if adjective or word.stem in lexicon.NEVER_NOUNS or entry([word.text]) is None:
        return False
    if cursor.noun_ahead():
        return False
    if builder.noun is None:
        return _is_determined(cursor, start)
    ends = not cursor.noun_phrase_at(1) and not cursor.sees("position", ahead=1)
    return builder.noun_class not in _DOERS and word.form != "s" and not builder.plural and ends


def _read_contents(cursor: Cursor, builder: ExpressionBuilder) -> None:
    """ "a bottle of red wine": the wine is red, and hardly seen."""
    cursor.at += 1
    contents = noun_phrase(cursor)
    builder.unchecked += [each.words for each in contents.attributes]
    builder.unchecked += [contents.noun] if contents.noun else []
    builder.take_leftovers(contents)


def _read_one(cursor: Cursor, builder: ExpressionBuilder, word: Word) -> bool:
    """Read what begins with this word; False: it does not belong to a noun phrase."""
    readers = (
        _read_listing,
        _read_number,
        _read_own_colours,
        _read_count,
        _read_adjective,
        _read_noun,
        _read_rest,
    )
    return any(read(cursor, builder, word) for read in readers)


def _read_listing(cursor: Cursor, builder: ExpressionBuilder, word: Word) -> bool:
    """ "the big and heavy box"."""
    listing = builder.noun is None and builder.attributes and builder.attributes[-1].kind != "position"
    if not (listing and "conjunction" in word and cursor.noun_ahead()):
        return False
    cursor.at += 1
    return True


def _read_number(cursor: Cursor, builder: ExpressionBuilder, word: Word) -> bool:
    """ "player 23", "the number 7 player"; but "number 3 from the left" is the third."""
    said = 2 if word.text == "number" and cursor.sees("cardinal", ahead=1) else 1
    named = builder.noun is not None and not builder.plural and not cursor.noun_at(1)
    number = cursor.peek(said - 1)
    if number is None or not number.text.isdecimal() or not (said == 2 or named):
        return False
    cursor.at += said
    if cursor.sees_text("from"):
        builder.rank, builder.rank_words = int(number.text), f"number {number.text}"
    else:
        builder.unchecked.append(f"number {number.text}")
    return True


def _read_own_colours(cursor: Cursor, builder: ExpressionBuilder, word: Word) -> bool:
    """ "the dark red cup"; "the orange" may be the thing itself."""
    if not ("colour" in word or cursor.shaded_colour_at()):
        return False
    if cursor.noun_at() and not cursor.noun_ahead():
        _take_head(builder, word)
    read_colours(cursor, builder)
    return True


def _read_count(cursor: Cursor, builder: ExpressionBuilder, word: Word) -> bool:
    """ "all", "both", "three", "the second"."""
    if "all" in word:
        builder.plural = True
        builder.count = 2 if word.text == "both" else builder.count
        if word.text in ("everyone", "everybody"):
            builder.noun = builder.noun_class = "person"
    elif "cardinal" in word and cursor.sees("garment_word", ahead=1):
        builder.unchecked.append(f"{word.text} {cursor.words[cursor.at + 1].text}")  # "three-legged"
        cursor.at += 1
    elif "cardinal" in word and (word.text != "one" or _counts(cursor)):
        if word.text != "one":
            builder.count, builder.plural = int(word["cardinal"]), True
    elif "ordinal" in word and (cursor.noun_ahead() or builder.noun is None):
        builder.rank, builder.rank_words = int(word["ordinal"]), word.text
    else:
        return False
    cursor.at += 1
    return True


def _counts(cursor: Cursor) -> bool:
    """ "the one dog", "one painting", but not "the one painting"."""
    ahead = cursor.peek(1)
    doing = ahead is not None and ahead.form == "ing" and "noun" in ahead
    return cursor.noun_ahead() and not (doing and cursor.sees("determiner", ahead=-1))


def _read_adjective(cursor: Cursor, builder: ExpressionBuilder, word: Word) -> bool:
    """ "big", "round", "leftmost", "running", with "not", "most" or "least" before it."""
    if "garment_word" in word and "material" not in word and builder.attributes:
        builder.change_last(part=word["garment_word"])
    elif "negation" in word:
        cursor.negated = True
    elif "degree" in word and (
        cursor.sees(*_MEASURED, ahead=1) or (cursor.noun_ahead() and "position" not in word)
    ):
        cursor.at += 1
        _read_with_degree(cursor, builder, word["degree"])
        return True
    elif "size" in word or "shape" in word:
        builder.add(_adjective(cursor, builder, word, "size" if "size" in word else "shape"))
        if cursor.noun_at() and not cursor.noun_ahead():
            _take_head(builder, word)
    elif word.text in ("hand", "side") and _at_a_side(cursor):
        pass  # "the left-hand side car"
    elif "position" in word and (word.degree != "plain" or not cursor.sees_text("of", ahead=1)):
        builder.add(_position(cursor, builder, word))
    elif is_participle(word) and "motion" in word and "material" not in word and cursor.noun_ahead():
        builder.add(_adjective(cursor, builder, word, "motion"))
    else:
        return False
    cursor.at += 1
    return True


def _read_noun(cursor: Cursor, builder: ExpressionBuilder, word: Word) -> bool:
    if not cursor.noun_at():
        return False
    if _describes(cursor, builder, word):
        builder.unchecked.append(word.text)
    else:
        _take_head(builder, word)
    cursor.at += 1
    return True


def _read_rest(cursor: Cursor, builder: ExpressionBuilder, word: Word) -> bool:
    """What is no noun and cannot be measured, or says nothing; shades and "bald" are read here, too."""
    if "shade" in word:
        builder.add(shade_alone(cursor, word))
    elif word.text in lexicon.LACKS:
        lacking = lexicon.LACKS[word.text]
        thing = Expression("", lacking, kind_of(lacking))
        builder.parts.append(Part(thing, word.text, not cursor.take_negation()))
    elif "wearing" in word and word.form != "base" and "material" not in word:  # "the sports bag"
        return False
    elif "material" in word or (_may_describe(word) and cursor.noun_ahead()):
        builder.unchecked.append(word.text)
    elif not ("determiner" in word or "intensifier" in word):
        return False
    cursor.at += 1
    return True


def _may_describe(word: Word) -> bool:
    return "motion" in word or "action" in word or word.text == "half"


def _at_a_side(cursor: Cursor) -> bool:
    """Does a side come before the word here, and a noun after it?"""
    sided = cursor.sees("position", ahead=-1) or cursor.sees("position", ahead=-2)
    ahead = 2 if cursor.sees_text("side", ahead=1) else 1
    return sided and cursor.noun_ahead(ahead)


def _describes(cursor: Cursor, builder: ExpressionBuilder, word: Word) -> bool:
    """ "the solid white line": no noun of every day, and adjectives and a noun come after it."""
    adjectives = cursor.sees("colour", "size", "shape", ahead=1) and cursor.noun_ahead()
    return builder.noun is None and adjectives and entry([word.text], by_hand=True) is None


def _take_head(builder: ExpressionBuilder, word: Word) -> None:
    noun = word.readings.get("noun", word.text)
    known = kind_of(noun) if "noun" in word else ""
    if builder.noun is not None:
        if builder.noun_class and not known:
            builder.unknown.append(word.text)
            return
        if builder.noun_class in ("garment", "bodypart") and _wears(noun, known):
            _put_on(builder)
        elif known in ("bodypart", "part") and builder.noun_class in WHOLES:
            builder.owner = ExpressionBuilder(builder.noun, builder.noun_class)  # "the fridge handle"
        elif builder.noun != noun:
            (builder.unchecked if builder.noun_class else builder.unknown).append(builder.noun)
    builder.frame = "frame" in word and (builder.noun is None or builder.frame)  # not "the bed frame"
    builder.noun, builder.noun_class = noun, known
    builder.plural = builder.plural or word.plural or noun in lexicon.COLLECTIVES
    builder.count = builder.count or lexicon.COLLECTIVES.get(noun)


def _wears(noun: str, kind: str) -> bool:
    """May it have clothes on, or hair: is it a person, an animal, or looks like one? Not the box of shoes."""
    meant = concept(noun)
    return kind == "animal" or (meant is not None and "person" in meant.detector)


def _put_on(builder: ExpressionBuilder) -> None:
    """ "the blue shirt guy": what was read as the noun is worn by the one that comes now."""
    part = builder.noun or ""
    colours = [each for each in builder.attributes if each.kind == "colour"]
    builder.attributes = [
        replace(each, part=part) if each.kind == "colour" else each for each in builder.attributes
    ]
    if not colours:
        builder.parts.append(Part(Expression("", part, builder.noun_class), part))


def _adjective(
    cursor: Cursor, builder: ExpressionBuilder, word: Word, kind: Literal["size", "shape", "motion"]
) -> Attribute:
    rank = 0
    if word.degree == "superlative":
        rank, builder.rank = builder.rank, 0
    return Attribute(kind, (word[kind],), word.text, cursor.take_negation(), word.degree, rank=rank)


def _position(cursor: Cursor, builder: ExpressionBuilder, word: Word) -> Attribute:
    """ "left", "leftmost", or with an ordinal before it "second leftmost"."""
    if builder.rank:
        rank, builder.rank = builder.rank, 0
        words = f"{builder.rank_words} {word.text}"
        return Attribute("rank", (word["position"],), words, cursor.take_negation(), rank=rank)
    return Attribute("position", (word["position"],), word.text, cursor.take_negation(), word.degree)


def _read_with_degree(cursor: Cursor, builder: ExpressionBuilder, degree: str) -> None:
    """ "most colourful", "least red": the degree goes to the adjective that follows."""
    before = len(builder.attributes)
    word = cursor.peek()
    if word is None or not _read_one(cursor, builder, word) or len(builder.attributes) == before:
        return
    builder.change_last(
        degree="comparative" if degree in ("comparative", "less") else "superlative",
        negated=builder.attributes[-1].negated != (degree in ("least", "less")),
    )


def read_colours(cursor: Cursor, builder: ExpressionBuilder) -> None:
    """ "dark red", "greyish blue", "red or blue", "black and white" (each then covers a part)."""
    negated = cursor.take_negation()
    colours = [_one_colour(cursor, negated)]
    while joined := _joining(cursor):
        colour = _one_colour(cursor, negated)
        if joined == "or" and not negated:
            last = colours[-1]
            words = f"{last.words} or {colour.words}"
            colours[-1] = replace(last, values=last.values + colour.values, words=words)
        else:
            colours.append(colour)
    if len(colours) > 1 and not negated:
        colours = [replace(colour, part=PARTLY) for colour in colours]
    builder.attributes += colours


def shade_alone(cursor: Cursor, word: Word) -> Attribute:
    """ "the darker cup": a shade without a colour."""
    colour = lexicon.SHADE_COLOURS[word["shade"]]
    return Attribute("colour", (colour,), word.text, cursor.take_negation(), word.degree)


def _one_colour(cursor: Cursor, negated: bool) -> Attribute:
    shade, words, values = "", [], dict[str, None]()
    degree = cursor.words[cursor.at].degree
    while cursor.sees("shade") and not cursor.sees("colour"):
        word = cursor.take()
        shade = word["shade"]
        words.append(word.text)
    while cursor.sees("colour"):
        word = cursor.take()
        degree = word.degree
        shade = shade or lexicon.IMPLIED_SHADES.get(word.text.replace(" ", "_"), "")
        values.update(dict.fromkeys(word["colour"].split()))
        words.append(word.text)
    return Attribute("colour", tuple(values), " ".join(words), negated, degree, shade=shade)


def _joining(cursor: Cursor) -> str:
    """Step over the conjunction before one more colour: "and" or "or"; "": no colour follows."""
    ahead, joined = 0, "and"
    while cursor.sees("conjunction", ahead=ahead) or cursor.sees_text("nor", ahead=ahead):
        joined = "or" if cursor.sees_text("or", ahead=ahead) else joined
        ahead += 1
    colour = ahead
    while cursor.sees("shade", ahead=colour) and not cursor.sees("colour", ahead=colour):
        colour += 1
    if not ahead or not cursor.sees("colour", ahead=colour):
        return ""
    cursor.at += ahead
    return joined


def _read_members(cursor: Cursor, builder: ExpressionBuilder) -> None:
    """ "group of dogs", "one of the cups", "the biggest of the three"; a piece of it is seen as the whole."""
    group = builder.noun in lexicon.GROUPS
    portion = cursor.peek(-1)
    if portion is not None and portion.text in lexicon.PORTIONS:
        builder.unchecked.append(portion.text)
    several = cursor.sees_text(*lexicon.SEVERAL, ahead=-1)
    cursor.at += 1
    members = noun_phrase(cursor)
    if members.frame:
        return
    builder.plural = builder.plural or group or several
    builder.count = builder.count or (members.count if group else None)
    builder.noun, builder.noun_class, builder.owner = members.noun, members.noun_class, members.owner
    builder.attributes += members.attributes
    builder.take_leftovers(members)
