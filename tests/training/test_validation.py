"""Validations find the right truth for every answer."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from refervid.core.errors import DatasetError
from refervid.core.track import Track
from refervid.core.types import Hook, no_hook
from refervid.datasets.folder import Folder
from refervid.datasets.registry import dataset_class
from refervid.datasets.samples import two_shapes, write_common_form
from refervid.engines.hub.weights import find_weights
from refervid.media.clip import Clip
from refervid.metrics.boundary import boundary_f
from refervid.metrics.region import jaccard
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

    def segment(self, clip: Clip, texts: Sequence[str], hook: Hook = no_hook) -> list[Track]:
        """The red thing on every frame."""
        tracks = [Track(len(clip), clip.height, clip.width) for _ in texts]
        for index, frame in clip.frames():
            for track in tracks:
                track[index] = frame[..., 0].astype(int) - frame[..., 2] > 80
        return tracks


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


def test_whole_clips_are_scored_frame_by_frame(tmp_path: Path) -> None:
    shapes = two_shapes(count=40)
    shapes.ids[:, :40] = np.where(shapes.ids[:, :40] == 1, 255, shapes.ids[:, :40])
    write_common_form(tmp_path, "", [replace(shapes, sentences=shapes.sentences * 6)])
    validator = open_validator(FolderValidation(kind="folder", root=tmp_path))
    answers = by_colour()
    tracemalloc.start()
    try:
        scores = validate(validator, answers, ONE)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < len(shapes.sentences) * 6 * shapes.ids.size  # the truth of all sentences

    clip, _ = validator.clip(0)
    found, void = answers.segment(clip, ["red"])[0].stack(), shapes.ids == 255
    truths = [shapes.ids == number for number in (1, 2)]
    assert scores["J"] == pytest.approx(np.mean([jaccard(truth, found, void).mean() for truth in truths]))
    assert scores["F"] == pytest.approx(np.mean([boundary_f(truth, found, void).mean() for truth in truths]))


def test_a_sentence_without_an_object_is_said_before_training(tmp_path: Path) -> None:
    Folder.make_sample(tmp_path)
    file = tmp_path / "meta_expressions" / "meta_expressions.json"
    content = json.loads(file.read_text())
    del content["videos"]["shapes"]["expressions"]["1"]["obj_id"]
    file.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="expression 1 names no object"):
        open_validator(FolderValidation(kind="folder", root=tmp_path))
