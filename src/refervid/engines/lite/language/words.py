"""From a sentence to words with all their possible readings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from refervid.engines.lite.language import inflections, lexicon
from refervid.engines.lite.language.expression import Degree
from refervid.engines.lite.language.vocabulary import concept, entry, kind_of, singulars

Category = Literal[
    "colour",
    "shade",
    "size",
    "shape",
    "position",
    "motion",
    "action",
    "noun",
    "garment_word",
    "group",
    "preposition",
    "place_preposition",
    "cardinal",
    "ordinal",
    "all",
    "negation",
    "determiner",
    "be",
    "relative",
    "conjunction",
    "intensifier",
    "filler",
    "wearing",
    "material",
    "frame",
    "side",
    "then",
    "degree",
    "than",
    "of",
]
Form = Literal["base", "s", "ing", "ed"]


@dataclass(frozen=True)
class Word:
    """One word (or fixed phrase) of the sentence.

    `readings` maps each category the word may have to its canonical value. `form` is the verb form, `stem`
    the uninflected verb; `plural` is set for a noun in the plural.
    """

    text: str
    readings: Mapping[Category, str]
    degree: Degree = "plain"
    form: Form = "base"
    stem: str = ""
    plural: bool = False
    written: str = ""

    def __contains__(self, category: Category) -> bool:
        return category in self.readings

    def __getitem__(self, category: Category) -> str:
        return self.readings[category]


_MEASURABLE = {"colour", "size", "shape", "position", "motion"}
PART_KINDS = ("garment", "bodypart", "part")
"""Kinds of nouns that someone wears or a thing has."""
WHOLES = ("person", "animal", "vehicle", "cycle", "furniture", "ware")
"""Kinds of nouns that name their parts: "the fridge handle"."""
MOST_WORDS, MOST_LETTERS = 200, 40
"""No sentence that refers to one thing is longer; what is beyond is not read, nor a word's end."""
CONTRACTIONS = {
    "i'm": "i am",
    "let's": "let us",
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "that's": "that is",
    "who's": "who is",
    "it's": "it is",
    "there's": "there is",
    "nobody": "no person",
    "no one": "no person",
    "nothing": "no thing",
}


_UNBROKEN = "\u2011"
"""A hyphen that holds a word together."""
_COVERED = re.compile(r"\b([a-z]+)-([a-z]+ed|made)\b")


def tokenize(text: str) -> tuple[list[Word], int]:
    """Words of `text` in order, fixed phrases joined; hyphens count as spaces.

    Also how many words follow the first `MOST_WORDS`.
    """
    plain = text.lower().replace("’", "'").replace("_", " ")
    plain = _COVERED.sub(_as_one_word, plain).replace("-", " ")
    for short, long in CONTRACTIONS.items():
        plain = re.sub(rf"\b{short}\b", long, plain)
    plain = re.sub(r"#\s*(?=\d)|\bno\.\s?(?=\d)", "number ", plain)
    plain = re.sub(r"\bw/o\b", "without ", re.sub(r"\bw/(?!o\b)", "with ", plain))
    plain = re.sub(r"(?<=\w) w (?=\w)", " with ", plain)
    plain = re.sub(r"(?<=\w)n't\b", " not", plain)
    plain = re.sub(r"(?<=\w)'s\b|(?<=s)'(?=\s)", " 's", plain)
    raw = [word[:MOST_LETTERS] for word in re.findall(rf"'s|[^\W_]+(?:{_UNBROKEN}[^\W_]+)?|[,;/&+]", plain)]
    return list(_join_phrases(raw[:MOST_WORDS])), max(len(raw) - MOST_WORDS, 0)


def _as_one_word(found: re.Match[str]) -> str:
    """ "snow-covered" describes a thing, "red-haired" says what it has."""
    first, second = found.groups()
    kept = first in _index() or _garment(second) or second in ("coloured", "colored")
    return found[0] if kept else f"{first}{_UNBROKEN}{second}"


def _join_phrases(raw: list[str]) -> Iterator[Word]:
    position = 0
    while position < len(raw):
        for length in range(min(_longest_phrase(), len(raw) - position), 0, -1):
            words = raw[position : position + length]
            word = _read(words[0]) if length == 1 else _read_phrase(words) or _read_compound(words)
            if word is not None:
                yield word
                position += length
                break


def _read_phrase(words: list[str]) -> Word | None:
    exact = _index().get(" ".join(words))
    if exact:
        form: Form = "ing" if words[-1].endswith("ing") else "base"
        return Word(" ".join(words), exact, _phrase_degree(words), form, " ".join(words))
    for stem, form in _verb_stems(words[0]):
        plain = " ".join([stem, *words[1:]])
        if "motion" in _index().get(plain, {}):
            return Word(" ".join(words), _index()[plain], form=form, stem=plain)
    return None


def _read_compound(words: list[str]) -> Word | None:
    """ "coffee cup", "old man"; of WordNet's compounds only those whose words say nothing else: not "car
    wheel", which is the wheel of a car.
    """
    owned = kind_of(words[-1]) in ("part", "bodypart") and kind_of(words[0]) in WHOLES
    plain = not owned and all(set(_read(word).readings) <= {"noun", "material"} for word in words)
    noun = entry(words, by_hand=not plain)
    stops = _read(words[-1]).form == "s" and kind_of(words[0]) in ("person", "animal", "vehicle", "cycle")
    if noun is None or stops:  # "the bus stops", "the baby swings"
        return None
    text = " ".join(words)
    return Word(text, {"noun": noun}, stem=text, plural=not noun.endswith(words[-1]))


def _phrase_degree(words: list[str]) -> Degree:
    """ "closer to the door" than the others is the closest one."""
    most = any(word.endswith(("most", "est")) or word in ("closer", "nearer") for word in words)
    return "superlative" if most else "plain"


def _read(text: str) -> Word:
    readings: dict[Category, str] = dict(_index().get(text, {}))
    if re.fullmatch(r"[0-9]{1,3}", text):
        readings["cardinal"] = text
    if match := re.fullmatch(r"([0-9]{1,3})(st|nd|rd|th)", text):
        readings["ordinal"] = match[1]
    degree = _read_adjective(text, readings)
    form, stem = _read_verb(text, readings)
    if noun := _noun(text, readings):
        readings["noun"] = noun
    if text.endswith("ed") and _garment(text):
        readings["garment_word"] = _garment(text)
    if text in lexicon.MADE or (not readings and text.endswith(("ing", "ed")) and len(text) > 5):
        form = "ing" if text.endswith("ing") else "ed"
        readings["action"], stem = text, text.removesuffix(form)
    if text in lexicon.SLIPS or not readings:
        respelled = lexicon.SLIPS.get(text) or _respell(text)
        if respelled:
            return replace(_read(respelled), written=text)
    return Word(text, readings, degree, form, stem, plural=bool(noun) and noun != text)


def _read_adjective(text: str, readings: dict[Category, str]) -> Degree:
    """How much is said; added are the readings that the word has by its ending."""
    degree: Degree = "superlative" if "position" in readings and text in _position_superlatives() else "plain"
    if text in ("closer", "nearer", "further", "farther"):
        degree = "comparative"
    if "shade" in readings and text.endswith(("er", "est")):
        degree = "superlative" if text.endswith("est") else "comparative"
    for base, base_degree in _adjective_stems(text):
        for category in ("size", "shape", "colour", "motion", "material"):
            described = category != "motion" or base in lexicon.MOTION_ADJECTIVES
            if described and category in _index().get(base, {}) and category not in readings:
                readings[category] = _index()[base][category]
                degree = base_degree
    return degree


def _read_verb(text: str, readings: dict[Category, str]) -> tuple[Form, str]:
    """The verb's form and stem; added are the readings that the word has by its ending."""
    form: Form = "base"
    stem = text
    for base, base_form in _verb_stems(text):
        if base in lexicon.PARTICLES:
            continue  # "push-ups"
        for category in ("motion", "action", "wearing"):
            if category in _index().get(base, {}) and category not in readings:
                readings[category] = _index()[base][category]
                form, stem = base_form, base
    return form, stem


def _noun(text: str, readings: Mapping[Category, str]) -> str:
    """The noun in the singular that `text` is, or ""; a word with other readings must be in `ALSO_NOUNS`."""
    found = concept(text)
    by_itself = text not in _index() and entry([text], by_hand=True) == text  # "building"
    if found is None or (readings and not by_itself and not lexicon.ALSO_NOUNS & {text, *singulars(text)}):
        return ""
    return found.noun


def _undouble(stem: str) -> Iterator[str]:
    yield stem
    yield stem + "e"
    if len(stem) > 2 and stem[-1] == stem[-2]:
        yield stem[:-1]
    if stem.endswith("i"):
        yield stem[:-1] + "y"


def _adjective_stems(word: str) -> Iterator[tuple[str, Degree]]:
    if word.endswith("est") and len(word) > 5:
        yield from ((stem, "superlative") for stem in _undouble(word[:-3]))
    if word.endswith("er") and len(word) > 4:
        yield from ((stem, "comparative") for stem in _undouble(word[:-2]))
    if word.endswith("ish") and len(word) > 5:
        yield from ((stem, "plain") for stem in _undouble(word[:-3]))
    if word.endswith(("coloured", "colored")):
        yield word.removesuffix("coloured").removesuffix("colored"), "plain"


def _verb_stems(word: str) -> Iterator[tuple[str, Form]]:
    if word in inflections.IRREGULAR_VERBS:
        yield inflections.IRREGULAR_VERBS[word], "ed"
    if word.endswith("ing") and len(word) > 4:
        yield from ((stem, "ing") for stem in _undouble(word[:-3]))
    if word.endswith("ed") and len(word) > 3:
        yield from ((stem, "ed") for stem in _undouble(word[:-2]))
    if word.endswith("es"):
        yield from ((stem, "s") for stem in _undouble(word[:-2]))
    if word.endswith("s") and not word.endswith("ss"):
        yield word[:-1], "s"


def _garment(text: str) -> str:
    for stem in _undouble(text[:-2]):
        if kind_of(stem) in PART_KINDS:
            return stem
    return ""


def _respell(word: str) -> str:
    """A word of the measurable tables that differs by two swapped letters or one doubled letter, or ""."""
    if len(word) < 4:
        return ""
    swapped = (
        word[:i] + word[i + 1] + word[i] + word[i + 2 :]
        for i in range(len(word) - 1)
        if word[i] != word[i + 1]
    )
    doubled = (word[: i + 1] + word[i:] for i in range(len(word)))
    halved = (word[:i] + word[i + 1 :] for i in range(len(word) - 1) if word[i] == word[i + 1])
    for attempt in (*swapped, *doubled, *halved):
        if _MEASURABLE & _index().get(attempt, {}).keys():
            return attempt
    return ""


@cache
def _longest_phrase() -> int:
    return max(len(entry.split()) for entry in _index())


@cache
def _position_superlatives() -> frozenset[str]:
    return frozenset(
        word.replace("_", " ") for words in lexicon.POSITION_SUPERLATIVES.values() for word in words.split()
    )


@cache
def _index() -> dict[str, dict[Category, str]]:
    """Every uninflected entry of the lexicon with its readings."""
    index: dict[str, dict[Category, str]] = {}

    def add(category: Category, table: Mapping[str, str]) -> None:
        for value, words in table.items():
            for each in words.split():
                index.setdefault(each.replace("_", " "), {}).setdefault(category, value)

    def add_all(category: Category, words: Iterable[str]) -> None:
        for each in words:
            index.setdefault(each, {}).setdefault(category, each)

    add("colour", lexicon.COLOURS)
    add("shade", lexicon.SHADES)
    add("size", lexicon.SIZES)
    add("shape", lexicon.SHAPES)
    add("position", lexicon.POSITION_SUPERLATIVES)
    add("position", lexicon.POSITIONS)
    add("motion", lexicon.MOTIONS)
    add("preposition", lexicon.PREPOSITIONS)
    add_all("action", lexicon.ACTIONS)
    add_all("place_preposition", lexicon.PLACE_PREPOSITIONS)
    add_all("group", lexicon.GROUPS)
    add_all("frame", lexicon.FRAME_WORDS)
    add_all("side", lexicon.SIDE_NOUNS)
    add("cardinal", {str(number): word for number, word in enumerate(lexicon.CARDINALS)})
    add("ordinal", {str(number): word for number, word in enumerate(lexicon.ORDINALS)})
    add("ordinal", {"-1": lexicon.LAST, "-2": lexicon.SECOND_TO_LAST})
    add_all("all", lexicon.ALL)
    add_all("negation", lexicon.NEGATIONS)
    add_all("determiner", lexicon.DETERMINERS)
    add_all("determiner", lexicon.PRONOUNS)
    add_all("be", lexicon.BE)
    add_all("relative", lexicon.RELATIVES)
    add_all("conjunction", lexicon.CONJUNCTIONS)
    add_all("intensifier", lexicon.INTENSIFIERS)
    add_all("filler", lexicon.FILLERS)
    add_all("wearing", lexicon.WEARING)
    add_all("material", lexicon.MATERIALS)
    add_all("material", lexicon.PATTERNED)
    add_all("then", lexicon.THEN)
    add("degree", lexicon.DEGREES)
    add_all("than", ["than"])
    add_all("of", ["of", "'s"])
    return index


def head_word(noun: str) -> str:
    """Of "hard hat" the hat."""
    return noun.split(" ")[-1]
