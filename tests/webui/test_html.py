"""Pieces of the page."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="the page needs the extra `ui`")

from refervid.report.stages import stage_words
from refervid.webui.desk import Desk
from refervid.webui.html import clips_card
from tests.clips import write_video
from tests.emitted import first_arguments
from tests.webui.conftest import FRAMES, pictures

NEVER_SHOWN = {"download", "write clips"}
"""Stages of work that the page does not do."""


def test_every_stage_has_words() -> None:
    above = frozenset({"cli", "evaluation", "training"})
    stages = first_arguments({"hook", ".hook", "._hook"}, above)
    assert stages > {"prepare", "inventory", "objects", "round 1", "pack"} | NEVER_SHOWN
    assert [stage for stage in stages - NEVER_SHOWN if stage_words(stage) == stage] == []


def test_one_frame_is_one(desk: Desk, tmp_path: Path) -> None:
    assert f"· {FRAMES} frames ·" in clips_card(desk)
    desk.open(write_video(tmp_path / "one.mp4", pictures()[:1]), "one.mp4")
    assert "· 1 frame ·" in clips_card(desk)
