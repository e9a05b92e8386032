"""What callers of the library pass: nonsense is told at once, and by the argument's name."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from numbers import Integral, Real
from pathlib import Path

from refervid.core.errors import SettingsError


def need_number(name: str, value: object, least: float = -math.inf, *, whole: bool = False) -> None:
    """Raises `SettingsError` for what is no finite number from `least` on; True and False are none."""
    right = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    if not right or not least <= float(value) < math.inf:  # type: ignore[arg-type]
        kind = "whole number" if whole else "number"
        bound = f" from {least:g} on" if least > -math.inf else ""
        raise SettingsError(f"{name}={value!r:.60} is no {kind}{bound}")


def need_word(name: str, value: object) -> None:
    """Raises `SettingsError` for what is no string."""
    if not isinstance(value, str):
        raise SettingsError(f"{name}={value!r:.60} is no word")


def need_path(name: str, value: object) -> Path:
    """`value` as a path; raises `SettingsError` for what is none."""
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str) or not text or "\0" in text:
        raise SettingsError(f"{name}={value!r:.60} is no path")
    return Path(text)


def need_words(name: str, value: object) -> None:
    """Raises `SettingsError` for what is no sequence of strings; a string by itself is none."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise SettingsError(f"{name}={value!r:.60} is no list of words")
    for each in value:
        need_word(name, each)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """What goes behind an unknown name: the known one that it is most like, "" where it is like none.

    "lit", ["fast", "lite"] -> " (did you mean 'lite'?)"
    """
    return "".join(f" (did you mean {near!r}?)" for near in get_close_matches(name, list(known), 1, 0.7))
