"""The docstring of every public name shows how it is used, and that is how it works."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest

import refervid
from refervid.media.array import ArrayClip
from tests.clips import disc_and_square


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What examples may use without a word: a clip, a pipeline, a result of both, and a folder."""
    clip = ArrayClip(disc_and_square(12))
    pipeline = refervid.load("lite", device="cpu")
    return {
        "np": np,
        "refervid": refervid,
        "clip": clip,
        "pipeline": pipeline,
        "result": pipeline(clip, text="the red disc"),
        "out": tmp_path_factory.mktemp("out"),
    }


@pytest.mark.parametrize("name", [name for name in refervid.__all__ if name != "errors"])
def test_examples(name: str, names: dict[str, Any]) -> None:
    shown: Any = getattr(refervid, name)
    [test, *_] = doctest.DocTestFinder(recurse=False).find(shown, name, globs=dict(names))
    assert test.examples
    said: list[str] = []
    failed, _ = doctest.DocTestRunner().run(test, out=said.append)
    assert not failed, "".join(said)
