"""Numbers of things, as they are said."""

from __future__ import annotations

import pytest

from refervid.core.counting import counted, plural


@pytest.mark.parametrize(("number", "words"), [(0, "0 frames"), (1, "1 frame"), (2, "2 frames")])
def test_only_one_goes_without_an_s(number: int, words: str) -> None:
    assert counted(number, "frame") == words
    assert plural(number, "frame") == words.split()[1]
