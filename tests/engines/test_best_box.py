"""The chooser without language: one frame in the clip's middle, the detector's first box."""

from __future__ import annotations

import numpy as np
import pytest

from refervid.engines.best_box import BestBoxChooser, BestBoxSettings
from refervid.engines.questions import FrameQuestion
from refervid.media.array import ArrayClip
from refervid.media.sections import sample_sections


@pytest.mark.parametrize("frames", [41, 61, 100, 333])
def test_one_frame_nearest_to_the_middle(frames: int) -> None:
    clip = ArrayClip(np.zeros((frames, 8, 8, 3), np.uint8), fps=25.0)
    sections = sample_sections(clip)
    choices = BestBoxChooser(BestBoxSettings()).pick_frames([FrameQuestion(s, "it") for s in sections])
    picked = [choice.frame_index for choice in choices if choice.frame_index is not None]
    sampled = [index for section in sections for index in section.frame_indices]
    middle = (sampled[0] + sampled[-1]) / 2
    assert len(picked) == 1
    assert abs(picked[0] - middle) == min(abs(index - middle) for index in sampled)
