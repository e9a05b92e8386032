"""Validations find the right truth for every answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from refervid.core.errors import DatasetError
from refervid.datasets.folder import Folder
from refervid.datasets.registry import dataset_class
from refervid.engines.hub.weights import find_weights
from refervid.media.clip import Clip
from refervid.models.soc import SOC, SocConfig, build_tokenizer
from refervid.models.soc.inference import Segmenter
from refervid.models.soc.postprocess import Predictions
from refervid.training.processes import Processes
from refervid.training.recipe import FolderValidation, FrameValidation
from refervid.training.validation import open_validator, validate

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


def by_colour() -> ByColour:
    network = SOC(SocConfig.nano())
    return ByColour(network, build_tokenizer(network.config.text, find_weights))


@pytest.mark.parametrize("kind", ["a2d-sentences", "refcoco", "refcoco+"])
def test_answers_on_single_frames_meet_their_truth(kind: str, tmp_path: Path) -> None:
    dataset_class(kind).make_sample(tmp_path)
    validator = open_validator(FrameValidation(kind=kind, root=tmp_path))
    scores = validate(validator, by_colour(), ONE)
    assert scores[validator.headline] > 0.6
    assert scores["P@0.8"] == 1
    assert min(scores.values()) >= 0
    few = open_validator(FrameValidation(kind=kind, root=tmp_path, limit=1))
    assert 0 < len(few) <= len(validator)
    assert np.isfinite(list(validate(few, by_colour(), ONE).values())).all()


def test_a_sentence_without_an_object_is_said_before_training(tmp_path: Path) -> None:
    Folder.make_sample(tmp_path)
    file = tmp_path / "meta_expressions" / "meta_expressions.json"
    content = json.loads(file.read_text())
    del content["videos"]["shapes"]["expressions"]["1"]["obj_id"]
    file.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="expression 1 names no object"):
        open_validator(FolderValidation(kind="folder", root=tmp_path))
