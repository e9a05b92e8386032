"""Pieces of the page."""

from __future__ import annotations

import pytest

pytest.importorskip("gradio", reason="the page needs the extra `ui`")

from refervid.webui.html import stage_words
from tests.emitted import first_arguments

NEVER_SHOWN = {"download", "write clips"}
"""Stages of work that the page does not do."""


def test_every_stage_has_words() -> None:
    above = frozenset({"cli", "evaluation", "training"})
    stages = first_arguments({"hook", ".hook", "._hook"}, above)
    assert stages > {"prepare", "inventory", "objects", "round 1", "pack"} | NEVER_SHOWN
    assert [stage for stage in stages - NEVER_SHOWN if stage_words(stage) == stage] == []
