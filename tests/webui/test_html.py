"""Pieces of the page."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gradio", reason="the page needs the extra `ui`")

from refervid.core.track import Track
from refervid.core.types import Candidate, Decision, TextReference
from refervid.media.array import ArrayClip
from refervid.report.result import Result
from refervid.report.stages import stage_words
from refervid.webui.desk import Desk
from refervid.webui.html import clips_card, explain
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


def test_the_chosen_candidate_is_marked_whatever_it_is_called() -> None:
    boxes = (np.array([1, 1, 9, 9], np.float32), np.array([20, 1, 30, 9], np.float32))
    candidates = [Candidate(box, 0.6 - place / 10, f"track {place + 6}") for place, box in enumerate(boxes)]
    decision = Decision("tracks", "7", "rules", frame_index=0, candidates=candidates, chosen=(1,))
    clip = ArrayClip(pictures())
    track = Track(len(clip), clip.height, clip.width)
    result = Result(clip, TextReference("it"), "it", "ok", track, "lite", decisions=[decision])
    rows = re.findall("<li>.*?</li>", explain([result]).reasons, re.DOTALL)
    assert [(">score 0.50<" in row, ">chosen<" in row) for row in rows] == [
        (False, False),
        (True, True),
    ]


def test_one_frame_is_one(desk: Desk, tmp_path: Path) -> None:
    assert f"· {FRAMES} frames ·" in clips_card(desk)
    desk.open(write_video(tmp_path / "one.mp4", pictures()[:1]), "one.mp4")
    assert "· 1 frame ·" in clips_card(desk)
