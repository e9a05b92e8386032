"""Every data set end to end on its sample with the embedded preset."""

from __future__ import annotations

from pathlib import Path

import pytest

from refervid.datasets.registry import datasets, open_dataset
from refervid.evaluation.presets import for_dataset
from refervid.evaluation.runner import evaluate
from refervid.pipelines.presets import load


@pytest.mark.parametrize("name", datasets())
def test_lite_on_the_sample(name: str, tmp_path: Path) -> None:
    datasets()[name].make_sample(tmp_path / "data")
    data = open_dataset(name, tmp_path / "data")
    pipeline = load("lite", device="cpu", settings=for_dataset(data, "lite"))
    scores = evaluate(data, pipeline, tmp_path / "out")
    assert scores["complete"] is True
    assert scores["failed"] == {}
    assert scores["items"] >= len(data.items()) or name == "ref-davis17"
    numbers = [value for value in scores.values() if isinstance(value, float)]
    # -1 is what COCO calls the precision of sizes that do not occur.
    assert all(-1 <= value <= 1 for value in numbers), numbers
    assert numbers or (tmp_path / "out" / "submission.zip").is_file()
    for item in data.items():
        for frame in item.frames:
            assert item.prediction(tmp_path / "out" / "masks", frame).is_file()
