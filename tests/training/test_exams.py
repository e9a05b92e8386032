"""Exams find the right truth for every answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from refervid.datasets.registry import dataset_class
from refervid.media.clip import Clip
from refervid.models.soc import SOC, SocConfig
from refervid.models.soc.postprocess import Predictions
from refervid.pipelines.soc_windows import Segmenter
from refervid.training.exams import examine, open_exam
from refervid.training.processes import Processes
from refervid.training.recipe import FrameExam

ONE = Processes(0, 1, torch.device("cpu"))


class ByColour(Segmenter):
    """Answers with what has the colour that the sentence names, and less surely with everything."""

    def answers_at(self, clip: Clip, index: int, texts: Sequence[str]) -> list[Predictions]:
        frame = clip.frame(index).astype(int)
        red = torch.from_numpy(frame[..., 0] - frame[..., 2] > 80)
        blue = torch.from_numpy(frame[..., 2] - frame[..., 0] > 80)
        scores, boxes = torch.tensor([0.3, 0.9]), torch.zeros(2, 4)
        return [
            Predictions(scores, torch.stack((red | blue, red if "red" in text else blue)), boxes)
            for text in texts
        ]


@pytest.mark.parametrize("kind", ["a2d-sentences", "refcoco", "refcoco+"])
def test_answers_on_single_frames_meet_their_truth(kind: str, tmp_path: Path) -> None:
    dataset_class(kind).make_sample(tmp_path)
    paper = open_exam(FrameExam(kind=kind, root=tmp_path))
    scores = examine(paper, ByColour(SOC(SocConfig.nano())), ONE)
    assert scores[paper.headline] > 0.6
    assert scores["P@0.8"] == 1
    assert min(scores.values()) >= 0
    few = open_exam(FrameExam(kind=kind, root=tmp_path, limit=1))
    assert 0 < len(few) <= len(paper)
    assert np.isfinite(list(examine(few, ByColour(SOC(SocConfig.nano())), ONE).values())).all()
