"""Tells what language a sentence is in, and puts what a small table knows of eight of them into English.

`data/foreign.tsv` has a row per English word and a column per language. Only words are translated, put in
English order by two rules: adjectives go before their noun, and in Chinese and Japanese the head comes first.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LANGUAGES = ("Spanish", "French", "German", "Italian", "Portuguese", "Chinese", "Japanese", "Russian")
HEAD_LAST = ("Chinese", "Japanese")
"""Languages that put all that is said about a thing before it, and no spaces between words."""
# Scripts by the name that Unicode gives their letters; of these languages the table has at most some.
_SCRIPTS = {
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "CJK": "Chinese",
    "CYRILLIC": "Russian",
    "HANGUL": "Korean",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "GREEK": "Greek",
    "DEVANAGARI": "Hindi",
    "BENGALI": "Bengali",
    "TAMIL": "Tamil",
    "THAI": "Thai",
    "GEORGIAN": "Georgian",
    "ARMENIAN": "Armenian",
}
# Small and common words of languages that are told, but not translated.
_TOLD = {
    "Dutch": "het een van met op naar zwarte rode witte links rechts hond kat vrouw meisje jongen auto die",
    "Swedish": "den det en ett och med på som till svarta röda hund katt kvinna man flicka pojke bil vänster",
    "Polish": "czarny czerwony biały pies kot kobieta mężczyzna dziewczyna chłopiec samochód po lewej na",
    "Turkish": "bir ve ile siyah kırmızı beyaz köpek kedi kadın adam kız çocuk araba sol sağ taraftaki",
    "Indonesian": "yang dengan di dan hitam merah putih anjing kucing wanita pria anak mobil kiri kanan",
    "Vietnamese": "con chó mèo người đàn ông phụ nữ cô gái màu đỏ đen trắng xe bên trái phải và với",
}
_ADJECTIVES = ("colour", "size")


@dataclass(frozen=True)
class Term:
    """An entry of the table; `kind` is the part of speech."""

    kind: str
    english: str


@dataclass(frozen=True)
class Translation:
    """A sentence in English words as far as the table goes; the words that it has not stay as they are."""

    english: str
    pairs: tuple[tuple[str, str], ...]
    untranslated: tuple[str, ...]


def language_of(text: str, known: int) -> str:
    """The language of a sentence of which English knows `known` words; "" is English, or none that is told.

    By script first. In the Latin script a language must have more of the words than English.
    """
    by_script = _language_of_script(text)
    if by_script:
        return by_script
    words = _words(text)
    translated = {
        language: sum(size for size, term in _matches(words, language) if term)
        for language in LANGUAGES
        if language not in (*HEAD_LAST, "Russian")
    }
    told = {language: sum(word in said.split() for word in words) for language, said in _TOLD.items()}
    scores = sorted((score, language) for language, score in {**translated, **told}.items())
    most, language = scores[-1]
    return language if most > max(known, scores[-2][0] if most < 2 else 0) else ""


def translate(text: str, language: str) -> Translation:
    """What the table makes of a sentence; nothing of a language that it has not."""
    if language not in LANGUAGES:
        return Translation("", (), tuple(_words(text)))
    units = list(re.sub(r"[\W_]+", "", text)) if language in HEAD_LAST else _words(text)
    joint = "" if language in HEAD_LAST else " "
    terms: list[Term] = []
    pairs: list[tuple[str, str]] = []
    untranslated: list[str] = []
    at = 0
    for size, term in _matches(units, language):
        written = joint.join(units[at : at + size])
        at += size
        if term is None and not joint and terms and terms[-1].kind == "unknown":
            untranslated[-1] += written
            terms[-1] = Term("unknown", untranslated[-1])
        elif term is None:
            untranslated.append(written)
            terms.append(Term("unknown", written))
        else:
            terms.append(term)
            pairs.append((written, term.english))
    ordered = _head_first(terms, language) if language in HEAD_LAST else terms
    english = " ".join(term.english for term in _english_order(ordered))
    return Translation(english, tuple(pairs), tuple(untranslated))


def _language_of_script(text: str) -> str:
    """The language whose script most letters are in; Han with any kana is Japanese."""
    names = [unicodedata.name(letter, "").split(" ")[0] for letter in text if letter.isalpha()]
    found = [_SCRIPTS[name] for name in names if name in _SCRIPTS]
    if not found or 2 * len(found) <= len(names):
        return ""
    return "Japanese" if "Japanese" in found else max(set(found), key=found.count)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text).lower())


def _matches(units: list[str], language: str) -> list[tuple[int, Term | None]]:
    """From left to right the longest entries: how many units each takes, and what it is (None: not there)."""
    exact, beginnings, longest = _table(language)
    joint = "" if language in HEAD_LAST else " "
    found: list[tuple[int, Term | None]] = []
    at = 0
    while at < len(units):
        size, term = 1, None
        for length in range(min(longest, len(units) - at), 0, -1):
            written = joint.join(units[at : at + length])
            inflected = [b for b in beginnings if _inflects(written, b)]
            if written in exact or inflected:
                size, term = length, exact.get(written) or beginnings[max(inflected, key=len)]
                break
        found.append((size, term))
        at += size
    return found


def _inflects(word: str, beginning: str) -> bool:
    return word.startswith(beginning) and re.fullmatch(r"\w{0,3}", word[len(beginning) :]) is not None


def _english_order(terms: list[Term]) -> list[Term]:
    """ "dress blue" -> "blue dress", "on the left black dog" -> "black dog on the left"."""
    ordered: list[Term] = []
    for term in filter(lambda term: term.english, terms):
        at = len(ordered)
        if term.kind in _ADJECTIVES:
            while at and ordered[at - 1].kind == "noun":
                at -= 1
        ordered.insert(at, term)
        if term.kind == "noun":
            while at and ordered[at - 1].kind in (*_ADJECTIVES, "number"):
                at -= 1
            if at and ordered[at - 1].kind == "place":
                ordered.append(ordered.pop(at - 1))
    return ordered


def _head_first(terms: list[Term], language: str) -> list[Term]:
    """What a thing does goes behind it: "wearing red clothes girl" -> "girl wearing red clothes"."""
    verbs = [number for number, term in enumerate(terms) if term.kind == "verb"]
    nouns = [number for number, term in enumerate(terms) if term.kind == "noun"]
    if not verbs or not nouns or nouns[-1] < verbs[-1]:
        return terms
    head = nouns[-1]
    start = head
    while start - 1 > verbs[-1] and terms[start - 1].kind in (*_ADJECTIVES, "number"):
        start -= 1
    before, verb = terms[: verbs[-1]], terms[verbs[-1]]
    between = terms[verbs[-1] + 1 : start]
    objects = before if language == "Japanese" else between
    rest = between if language == "Japanese" else before
    return [*rest, *terms[start : head + 1], verb, *objects, *terms[head + 1 :]]


@cache
def _table(language: str) -> tuple[dict[str, Term], dict[str, Term], int]:
    """Entries as they stand, beginnings of those with endings, and the most units of an entry."""
    column = 2 + LANGUAGES.index(language)
    exact: dict[str, Term] = {}
    beginnings: dict[str, Term] = {}
    text = (files("refervid.engines.lite.language") / "data" / "foreign.tsv").read_text("utf-8")
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        cells = line.split("\t")
        for written in filter(None, cells[column].split("/")):
            table = beginnings if written.endswith("~") else exact
            table.setdefault(written.removesuffix("~").lower(), Term(cells[0], cells[1]))
    if language in HEAD_LAST:
        exact.update(dict.fromkeys(_PARTICLES[language], Term("particle", "")))
        return exact, beginnings, max(map(len, exact))
    return exact, beginnings, max(len(written.split()) for written in (*exact, *beginnings))


# Words without an English counterpart here: markers of cases and topics, and what numbers count by.
_PARTICLES = {
    "Chinese": tuple("的个只条辆匹头名位件"),
    "Japanese": tuple("のをがはにへなも"),
}
