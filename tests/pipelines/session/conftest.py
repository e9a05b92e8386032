"""One clip and one pipeline for all tests of sessions."""

from __future__ import annotations

import pytest

from refervid import load
from refervid.pipelines.base import Pipeline
from tests.engines.made_clips import Made, red_and_blue

FRAMES = 8


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return red_and_blue(tmp_path_factory.mktemp("two") / "frames", FRAMES)


@pytest.fixture(scope="package")
def pipeline() -> Pipeline:
    return load("lite", device="cpu")
