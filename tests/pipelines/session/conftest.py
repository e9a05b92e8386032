"""One clip and one pipeline for all tests of sessions."""

from __future__ import annotations

import pytest

from refervid import load
from refervid.pipelines.base import Pipeline
from tests.engines.made_clips import BLUE, RED, Made, Thing, made_clip

FRAMES = 8


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    things = [Thing(RED, lambda i: (50 + 4 * i, 45)), Thing(BLUE, lambda i: (160 - 4 * i, 105))]
    return made_clip(tmp_path_factory.mktemp("two") / "frames", things, FRAMES)


@pytest.fixture(scope="package")
def pipeline() -> Pipeline:
    return load("lite", device="cpu")
