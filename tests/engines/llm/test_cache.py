"""The file of answers, when it is damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from refervid.engines.llm.cache import AnswerCache
from refervid.engines.llm.model import Prompt, Reply

PROMPT = Prompt("frame-v1", "which frame?", b"jpeg")


def garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)


def cut(path: Path) -> None:
    cache = AnswerCache(path)
    for number in range(100):
        cache.put("m", Prompt("frame-v1", str(number), b"jpeg"), Reply("x" * 1000))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


@pytest.mark.parametrize("damage", [garbage, cut])
def test_a_damaged_file_is_kept_and_a_new_one_begun(
    damage: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "answers.sqlite"
    damage(path)
    content = path.read_bytes()
    cache = AnswerCache(path)
    assert not cache.holds("m")
    cache.put("m", PROMPT, Reply("[1]"))
    assert AnswerCache(path).get("m", PROMPT) == Reply("[1]")
    [aside] = tmp_path.glob("answers.sqlite.damaged-*")
    assert aside.read_bytes() == content
    [warning] = caplog.messages
    assert aside.name in warning
    assert cache.holds("m")
