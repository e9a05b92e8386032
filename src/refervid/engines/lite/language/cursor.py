"""A place in a sentence, and what may be seen from there."""

from __future__ import annotations

from collections.abc import Sequence

from refervid.engines.lite.language import lexicon
from refervid.engines.lite.language.words import Category, Word

_PREMODIFIERS: tuple[Category, ...] = (
    "colour",
    "shade",
    "size",
    "shape",
    "position",
    "material",
    "intensifier",
    "ordinal",
    "garment_word",
    "degree",
)


class Cursor:
    """Walks over words; `negated` is set by a negation until a statement takes it."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self.at = 0
        self.negated = False

    def peek(self, ahead: int = 0) -> Word | None:
        position = self.at + ahead
        return self.words[position] if 0 <= position < len(self.words) else None

    def sees(self, *categories: Category, ahead: int = 0) -> bool:
        """May the word there have one of these readings?"""
        word = self.peek(ahead)
        return word is not None and any(category in word for category in categories)

    def sees_text(self, *texts: str, ahead: int = 0) -> bool:
        word = self.peek(ahead)
        return word is not None and word.text in texts

    def fork(self, ahead: int = 0) -> Cursor:
        """Another one to look on with, from so many words ahead."""
        other = Cursor(self.words)
        other.at = self.at + ahead
        return other

    def take(self) -> Word:
        word = self.words[self.at]
        self.at += 1
        return word

    def skip(self, *categories: Category) -> None:
        while self.sees(*categories):
            self.at += 1

    def take_negation(self) -> bool:
        negated, self.negated = self.negated, False
        return negated

    def asks(self) -> bool:
        """ "who is dancing", "whatever the man holds": a clause without a noun of its own."""
        if self.sees_text("who", "whoever"):
            return True
        asked = self.sees("be", ahead=1) and self.sees("determiner", ahead=2)  # "what is the man holding"
        return self.sees_text("what", "whatever") and (
            self.sees("determiner", ahead=1)
            or self.sees("motion", "action", ahead=2)
            or (asked and self.sees("motion", "action", ahead=4))
        )

    def noun_at(self, ahead: int = 0) -> bool:
        """May the word there be a noun? An unknown word may, unless it ends like a verb or adverb."""
        word = self.peek(ahead)
        if word is None:
            return False
        if "noun" in word or "group" in word or "frame" in word:
            return True
        return not word.readings and not word.text.endswith(("ing", "ly", "ed"))

    def noun_ahead(self, ahead: int = 1) -> bool:
        """Does a noun come at `ahead` or later, with nothing but adjectives before it?"""
        while not self.noun_at(ahead):
            if not (self._premodifier_at(ahead) or self.sees("conjunction", ahead=ahead)):
                return False
            ahead += 1
        return True

    def shaded_colour_at(self) -> bool:
        """Do shades and then a colour come here: "dark red"?"""
        ahead = 0
        while self.sees("shade", ahead=ahead) and not self.sees("colour", ahead=ahead):
            ahead += 1
        return ahead > 0 and self.sees("colour", ahead=ahead)

    def noun_phrase_at(self, ahead: int = 0) -> bool:
        """Does a noun phrase begin here: determiners and adjectives, then a noun or the end?"""
        determined = False
        while self.sees("determiner", "all", "cardinal", ahead=ahead):
            determined = True
            ahead += 1
        word = self.peek(ahead)
        participle = word is not None and is_participle(word) and "position" not in word
        if not determined and participle and not self.noun_at(ahead):
            return False
        described = False
        while not self.noun_at(ahead) and self._premodifier_at(ahead):
            described = described or self.sees("colour", "size", "shape", "position", ahead=ahead)
            ahead += 1
        if not self.noun_at(ahead):
            return determined
        return determined or described or not self.sees("motion", "action", ahead=ahead)

    def _premodifier_at(self, ahead: int) -> bool:
        word = self.peek(ahead)
        if word is None:
            return False
        return self.sees(*_PREMODIFIERS, ahead=ahead) or is_participle(word)


def is_participle(word: Word) -> bool:
    """A motion or doing that can stand before a noun: "moving", "parked", "fastest", "still"."""
    if "motion" not in word and "action" not in word:
        return False
    return word.form in ("ing", "ed") or word.degree != "plain" or word.text in lexicon.MOTION_ADJECTIVES
