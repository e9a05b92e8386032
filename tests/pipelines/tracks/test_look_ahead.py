"""What is done with a clip before anything is asked about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from refervid.core.types import TextReference
from refervid.media.opening import open_clip
from refervid.pipelines.first_look import LEAST_FRAMES, parts_to_look_at
from refervid.pipelines.presets import load
from tests.clips import disc_and_square, write_video

BALL = "the striped ball that moves"


def gather_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def again(*_: object) -> None:
        raise AssertionError("this was gathered before")

    monkeypatch.setattr("refervid.engines.lite.analysis.clip_analysis.Scene", again)
    monkeypatch.setattr("refervid.engines.lite.analysis.clip_analysis.MotionEvidence", again)


def test_what_hangs_on_the_clip_alone_is_not_gathered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = open_clip(write_video(tmp_path / "clip.mp4", disc_and_square(8)))
    pipeline = load("lite", device="cpu", remember=False)
    pipeline.look_ahead(clip)
    gather_nothing_more(monkeypatch)
    [result] = pipeline.run(clip, [TextReference(BALL)])
    assert result.areas.any()


def test_what_a_first_look_needs_is_gathered_before_there_is_a_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = open_clip(write_video(tmp_path / "clip.mp4", disc_and_square(LEAST_FRAMES)))
    pipeline = load("lite", device="cpu", remember=False)
    parts = parts_to_look_at(clip)
    pipeline.look_ahead(parts[0])
    gather_nothing_more(monkeypatch)
    look = pipeline.first_look(parts, [BALL])
    assert look is not None
    assert look.masks[0].any()
