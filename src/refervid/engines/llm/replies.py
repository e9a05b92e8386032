"""Reading replies strictly: a number out of a given set, or names with numbers; anything else is refused.

Replies come from a model that may have been talked into anything by a sentence or a sign in the
picture, so nothing in them is used but these numbers and, for sound, short names. Reasons are for show.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from refervid.core.errors import ReplyCut, ReplyEmpty, ReplyOnlyThought, ReplyUnreadable, UnusableReply

LONGEST_REPLY = 64 * 1024
"""Bytes; more is not an answer to any of our questions."""

LONGEST_NAME = 60
LONGEST_REASON = 400
LONGEST_EXCERPT = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What terminals and files trip over."""

_REASONS = ("match", "reason", "description")
"""What our schemas call the step that leads to the choice."""

_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_ONE_LINE_BRACKETS = re.compile(r"\[([^\[\]\n]*)\]")
_NAMED_FRAME = re.compile(r"""['"]([^'"]+)['"]\n?: (\d+)""")


def problem_of(text: str, *, cut: bool, thought: bool = False) -> UnusableReply | None:
    """Why a model's words are no answer, whatever the question: they were `cut` by the length limit, or there
    are none, perhaps because it only `thought`."""
    if cut:
        return ReplyCut(
            "the reply was cut off by the length limit: raise chooser.max_tokens, or --max-cost where that "
            "is what limits it"
        )
    words = text.strip()
    if words.startswith("<think>"):
        thought, words = True, words.split("</think>")[-1].strip()
    if words:
        return None
    if thought:
        return ReplyOnlyThought("the model thought, and gave no answer")
    return ReplyEmpty("the reply has no words")


def read_number(text: str, key: str, allowed: Collection[int]) -> int:
    """The number under `key` of a JSON object, else in the last square brackets that hold one integer.

    Raises `ReplyUnreadable` unless it is one of `allowed`.
    """
    answer = without_thought(text)
    for found in json_objects(answer):
        if key in found:
            return _check(found[key], allowed)
    for inside in reversed(_BRACKETS.findall(_plain(answer))):
        if re.fullmatch(r"\s*-?\d{1,6}\s*", inside):
            return _check(int(inside), allowed)
    raise ReplyUnreadable(f"the reply names no number: {excerpt(text)}")


def read_numbers(text: str, key: str, allowed: Collection[int]) -> list[int]:
    """Distinct numbers under `key` of a JSON object, else in the last square brackets of integers."""
    answer = without_thought(text)
    for found in json_objects(answer):
        if key in found:
            values = found[key]
            if not isinstance(values, list):
                raise ReplyUnreadable(f"{key!r} is no list: {excerpt(text)}")
            return list(dict.fromkeys(_check(value, allowed) for value in values))
    for inside in reversed(_BRACKETS.findall(_plain(answer))):
        if re.fullmatch(r"\s*|(\s*-?\d{1,6}\s*,)*\s*-?\d{1,6}\s*", inside):
            numbers = [int(number) for number in inside.split(",") if number.strip()]
            return list(dict.fromkeys(_check(number, allowed) for number in numbers))
    raise ReplyUnreadable(f"the reply names no numbers: {excerpt(text)}")


def read_sounding_box(text: str, allowed: Collection[int]) -> int:
    """The number under "box" of a JSON object, else the first digits in the first square brackets.

    The latter as in the `avs` scripts of AL-Ref-SAM 2, which ask for the number alone, without reasons.
    """
    answer = without_thought(text)
    for found in json_objects(answer):
        if "box" in found:
            return _check(found["box"], allowed)
    inside = _ONE_LINE_BRACKETS.search(answer)
    digits = inside and re.search(r"\d{1,6}", inside[1])
    if not digits:
        raise ReplyUnreadable(f"the reply names no box: {excerpt(text)}")
    return _check(int(digits[0]), allowed)


def read_objects(text: str, frames: Collection[int]) -> dict[str, int]:
    """Names with frame numbers: a JSON list under "objects", else the published form ['dog': 3].

    Of the published form every quoted name followed by colon, blank and digits counts, whichever quotation
    mark stands on either side, and if a line ends before the colon; a name is cut at
    its first comma or semicolon; a repeated name takes the later number (AL-Ref-SAM 2, `avs` scripts).
    Frames outside `frames` become the first one, as published.
    """
    answer = without_thought(text)
    named: dict[str, int] = {}
    for found in json_objects(answer):
        if isinstance(found.get("objects"), list):
            for entry in found["objects"]:
                if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
                    raise ReplyUnreadable(f"an object without a name: {excerpt(text)}")
                named[entry["name"]] = _integer(entry.get("frame"))
            return _named(named, frames)
    if not _NAMED_FRAME.search(answer) and not re.search(r"\[\s*\]|\{\s*\}", answer):
        raise ReplyUnreadable(f"the reply names no objects: {excerpt(text)}")
    for name, number in _NAMED_FRAME.findall(answer):
        named[name] = int(number[:6])
    return _named(named, frames)


def read_reason(text: str) -> str:
    """What a JSON reply gives as its reason, on one line, to be shown and not used; else ""."""
    for found in json_objects(without_thought(text)):
        for key in _REASONS:
            if isinstance(found.get(key), str):
                return shown(found[key], LONGEST_REASON)
    return ""


def shown(text: str, longest: int = LONGEST_EXCERPT) -> str:
    """Words from outside, to be shown and not used: on one line of at most `longest` characters."""
    words = " ".join(_CONTROL.sub(" ", text).split())
    return words if len(words) <= longest else words[: longest - 1] + "…"


def _named(named: dict[str, int], frames: Collection[int]) -> dict[str, int]:
    result: dict[str, int] = {}
    for name, frame in named.items():
        short = re.split("[,;]", name.strip())[0].strip()
        if 0 < len(short) <= LONGEST_NAME and short.isprintable():
            result[short] = frame if frame in frames else min(frames)
    return result


def without_thought(text: str) -> str:
    """Raises `ReplyUnreadable` for what is too long to be an answer."""
    if len(text.encode("utf-8", "replace")) > LONGEST_REPLY:
        raise ReplyUnreadable(f"the reply has more than {LONGEST_REPLY} bytes")
    return _THOUGHT.sub("", text).strip()


def _plain(text: str) -> str:
    """Without marks of emphasis, as the published scripts remove them."""
    return text.replace("*", "").replace("\\", "")


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects in the text, the last one first: prose and fences around them do not matter."""
    decoder = json.JSONDecoder()
    found, position = [], text.find("{")
    while position >= 0:
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):  # also numbers with too many digits
            end = position + 1
        else:
            if isinstance(value, dict):
                found.append(value)
        position = text.find("{", end)
    return reversed(found)


def _check(value: Any, allowed: Collection[int]) -> int:
    number = _integer(value)
    if number not in allowed:
        raise ReplyUnreadable(f"{number} is none of {', '.join(str(one) for one in sorted(allowed))}")
    return number


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ReplyUnreadable(f"{value!r} is no whole number")
    return value


def excerpt(text: str) -> str:
    """The end of a reply, for the words of an error."""
    return repr(text[-120:])
