"""What is done with a clip before anything is asked about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from refervid.core.types import TextReference
from refervid.media.opening import open_clip
from refervid.pipelines.presets import load
from tests.clips import disc_and_square, write_video


def test_what_hangs_on_the_clip_alone_is_not_gathered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = open_clip(write_video(tmp_path / "clip.mp4", disc_and_square(8)))
    pipeline = load("lite", device="cpu", remember=False)
    pipeline.look_ahead(clip)

    def again(*_: object) -> None:
        raise AssertionError("this was gathered before")

    monkeypatch.setattr("refervid.engines.lite.analysis.clip_analysis.Scene", again)
    monkeypatch.setattr("refervid.engines.lite.analysis.clip_analysis.MotionEvidence", again)
    [result] = pipeline.run(clip, [TextReference("the striped ball that moves")])
    assert result.areas.any()
