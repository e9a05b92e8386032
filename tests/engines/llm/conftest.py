"""What tests of the choosers with a language model share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refervid.engines.base import Runtime
from refervid.engines.llm.engines import ServerChooser, ServerChooserSettings
from refervid.media.array import ArrayClip
from refervid.media.sections import Section
from tests.chat_server import KEY


@pytest.fixture(scope="module")
def section() -> Section:
    frames = np.random.default_rng(0).integers(0, 256, (50, 60, 80, 3), np.uint8)
    return Section(ArrayClip(frames), 0, (0, 10, 20, 30, 40))


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ServerChooser]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def make(
        url: str, *, allow_remote: bool = False, max_cost: float | None = None, **settings: Any
    ) -> ServerChooser:
        given = {"model": "m", "retries": 1, "probe": False, "key_variable": "OPENAI_API_KEY", **settings}
        options = ServerChooserSettings(base_url=url, **given)
        return ServerChooser.build(options, Runtime("cpu", "auto", allow_remote, tmp_path, max_cost))

    return make
