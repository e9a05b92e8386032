"""Shared fixtures."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

gc.disable()


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One more process than cores, as tests of the page mostly wait for their browser."""
    return 1 + (yield)


def pytest_collection_finish() -> None:
    """What was imported stays: searching it for garbage would take a quarter of a second each time."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing that a test caches is left on the machine, or taken from it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REFERVID_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Material that is not ours to ship; tests on it run only where it lies beside the repository."""
    folder = Path(os.environ.get("REFERVID_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no shared material at {folder}; set REFERVID_SHARED to run this test")
    return folder
