"""The trained network on data sets, in the ways of its published scripts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from refervid.datasets.base import Dataset
from refervid.datasets.registry import datasets, open_dataset
from refervid.evaluation.presets import for_dataset
from refervid.evaluation.runner import evaluate
from refervid.models.soc import SOC, SocConfig, common_words, save
from refervid.pipelines.base import Pipeline
from refervid.pipelines.presets import load


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "own.safetensors"
    save(SOC(SocConfig.nano(common_words(["the red circle on the left", "the blue square"]))), path)
    return path


def asked(name: str, folder: Path, weights: Path) -> tuple[Dataset, Pipeline]:
    datasets()[name].make_sample(folder)
    data = open_dataset(name, folder)
    changes = [f"weights={weights}", "short=32", "long=64"]
    return data, load("soc", device="cpu", settings=[*for_dataset(data, "soc"), *changes])


@pytest.mark.parametrize("name", ["a2d-sentences", "jhmdb-sentences", "refcoco"])
def test_every_query_of_a_frame_is_scored(name: str, tmp_path: Path, weights: Path) -> None:
    data, pipeline = asked(name, tmp_path / "data", weights)
    scores = evaluate(data, pipeline, tmp_path / "out")
    assert scores["failed"] == {}
    found = json.loads((tmp_path / "out" / "masks" / "predictions.json").read_text())
    entries = {f"{item.name}/{frame}" for item in data.items() for frame in item.frames}
    queries = SocConfig.nano().queries
    assert sorted(each["image_id"] for each in found) == sorted([*entries] * queries)
    assert len({each["score"] for each in found}) > len(entries)
    assert scores["notes"] == data.notes
    # The scores are those of the file, by the same measure that other systems' files get.
    again = data.score(tmp_path / "out" / "masks").metrics
    assert {key: scores[key] for key in again} == again
    for item in data.items():
        assert all(item.prediction(tmp_path / "out" / "masks", frame).is_file() for frame in item.frames)


def test_a_resumed_run_keeps_the_scored_masks(tmp_path: Path, weights: Path) -> None:
    data, pipeline = asked("a2d-sentences", tmp_path / "data", weights)
    file = tmp_path / "out" / "masks" / "predictions.json"
    evaluate(data, pipeline, tmp_path / "out")
    whole = json.loads(file.read_text())
    file.unlink()
    next((tmp_path / "out" / "items").glob("*/*.json")).unlink()
    evaluate(data, pipeline, tmp_path / "out", resume=True)
    again = json.loads(file.read_text())
    assert [each["image_id"] for each in again] == [each["image_id"] for each in whole]
    # One sentence is answered alone now, which changes the last digits.
    np.testing.assert_allclose(
        [each["score"] for each in again], [each["score"] for each in whole], atol=1e-4
    )


def test_objects_of_ref_davis17_are_merged_by_logits(tmp_path: Path, weights: Path) -> None:
    data, pipeline = asked("ref-davis17", tmp_path / "data", weights)
    assert evaluate(data, pipeline, tmp_path / "out")["failed"] == {}
    maps = list((tmp_path / "out" / "masks").glob("anno_*/*/*.png"))
    assert len(maps) == 4 * len(data.items()[0].frames)
