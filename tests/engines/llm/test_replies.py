"""Replies are read strictly."""

from __future__ import annotations

import pytest

from refervid.core.errors import ReplyUnreadable
from refervid.engines.llm.replies import (
    LONGEST_REASON,
    LONGEST_REPLY,
    read_number,
    read_numbers,
    read_objects,
    read_reason,
)

FRAMES = range(1, 6)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ('{"description": "a dog", "frame": 3}', 3),
        ('```json\n{"frame": 2}\n```', 2),
        ('Sure! Here it is: {"frame": 4}. Anything else?', 4),
        ('{"frame": 1} no, better {"frame": 5}', 5),
        ("<think>maybe [1]</think> It is frame [2].", 2),
        ("The dog is clearest in **[4]**", 4),
        ("[4] because of the list [a, b] below", 4),
        ("first [1], then finally [ 3 ]", 3),
        ('{"reason": {"inner": [1, 2]}, "frame": 2}', 2),
    ],
)
def test_numbers_are_found(reply: str, expected: int) -> None:
    assert read_number(reply, "frame", FRAMES) == expected


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "frame 3",
        "[1, 3]",
        "[Frame 2]",
        '{"frame": "3"}',
        '{"frame": true}',
        '{"frame": 2.0}',
        '{"frame": null}',
        '{"frame": 6}',
        '{"frame": -1}',
        '{"frame": [2]}',
        '{"frame": 3',
        "[99999999999999999999]",
        "[7]",
        '{"frame": 1}' + " " * LONGEST_REPLY,
        "{" * 100_000,
        '{"frame": ' + "9" * 5000 + "}",
    ],
)
def test_anything_else_is_refused(reply: str) -> None:
    """Fault 21."""
    with pytest.raises(ReplyUnreadable):
        read_number(reply, "frame", FRAMES)


def test_several_numbers() -> None:
    assert read_numbers('{"chosen": [3, 1, 3]}', "chosen", FRAMES) == [3, 1]
    assert read_numbers("none of them: []", "chosen", FRAMES) == []
    assert read_numbers("I take [1, 2]", "chosen", FRAMES) == [1, 2]
    for reply in ('{"chosen": 3}', '{"chosen": [9]}', "[one, two]", "nothing"):
        with pytest.raises(ReplyUnreadable):
            read_numbers(reply, "chosen", FRAMES)


def test_named_objects_as_json() -> None:
    reply = '{"objects": [{"name": "dog, barking", "frame": 3}, {"name": "car", "frame": 77}]}'
    assert read_objects(reply, FRAMES) == {"dog": 3, "car": 1}
    assert read_objects('{"objects": []}', FRAMES) == {}
    with pytest.raises(ReplyUnreadable):
        read_objects('{"objects": [{"name": 3, "frame": 1}]}', FRAMES)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("['dog': 3]", {"dog": 3}),
        ("""['dog': 3, "cat": 4]""", {"dog": 3, "cat": 4}),
        ("{'dog': 3}", {"dog": 3}),
        ("['dog; barking': 2]", {"dog": 2}),
        ("['dog': 3, 'dog': 5]", {"dog": 5}),
        ("['dog': 3.7]", {"dog": 3}),
        ("['dog': 07]", {"dog": 1}),
        ("[]", {}),
    ],
)
def test_named_objects_in_the_published_form(reply: str, expected: dict[str, int]) -> None:
    assert read_objects(reply, FRAMES) == expected


@pytest.mark.parametrize("reply", ["['dog':3]", "['dog' : 3]", "[dog: 3]", "['dog': '3']", "['dog': -3]"])
def test_what_the_published_parser_does_not_read(reply: str) -> None:
    with pytest.raises(ReplyUnreadable):
        read_objects(reply, FRAMES)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ('{"scene": "a park", "match": "box 2\\nruns", "box": 2}', "box 2 runs"),
        ('{"description": "a dog runs", "frame": 3}', "a dog runs"),
        ('{"reason": {"inner": 1}, "frame": 2}', ""),
        ("It is frame [2].", ""),
        ('{"reason": "half a \\ud83d smile, a \\u001b[2J"}', "half a smile, a [2J"),
    ],
)
def test_reasons_are_told(reply: str, expected: str) -> None:
    assert read_reason(reply) == expected


def test_a_long_reason_is_cut() -> None:
    assert len(read_reason('{"reason": "' + "x" * 5000 + '"}')) == LONGEST_REASON


@pytest.mark.parametrize(
    ("reply", "named"),
    [
        ("['tank'\n: 4]", {"tank": 4}),
        ("""["wolf': 3]""", {"wolf": 3}),
        ("""['dog': 3, "cat": 2]""", {"dog": 3, "cat": 2}),
        ("'one', 'two': 5", {"two": 5}),
    ],
)
def test_forms_that_the_published_parser_takes(reply: str, named: dict[str, int]) -> None:
    assert read_objects(reply, range(1, 11)) == named


@pytest.mark.parametrize("reply", ["['tank' : 4]", "['tank':4]", "[tank: 4]", "['tank'\n\n: 4]"])
def test_forms_that_it_does_not_take(reply: str) -> None:
    with pytest.raises(ReplyUnreadable):
        read_objects(reply, range(1, 11))
