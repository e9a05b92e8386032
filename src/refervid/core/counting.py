"""How many there are, in words."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """1, "frame" -> "1 frame"; 2, "frame" -> "2 frames"."""
    return f"{number} {plural(number, noun)}"


def plural(number: int, noun: str) -> str:
    """The noun as it is said of so many: for nouns that only take an s."""
    return noun if number == 1 else f"{noun}s"
