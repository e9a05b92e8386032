"""One clip and one pipeline for all tests of sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from refervid import Pivot, Session, load
from refervid.pipelines.base import Pipeline
from tests.engines.made_clips import Made, red_and_blue

FRAMES = 8


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return red_and_blue(tmp_path_factory.mktemp("two") / "frames", FRAMES)


@pytest.fixture(scope="package")
def pipeline() -> Pipeline:
    return load("lite", device="cpu")


@pytest.fixture
def session(made: Made, pipeline: Pipeline, tmp_path: Path) -> Session:
    return Session(made.clip, tmp_path / "work", pipeline)


def mark(made: Made, thing: int, frame: int) -> Pivot:
    return Pivot(frame, mask=made.masks[thing][frame])


def again(session: Session) -> Session:
    """After a restart."""
    session.close()
    return Session(session.clip, session.folder, session.pipeline)
