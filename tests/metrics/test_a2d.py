"""P@K, IoU and mAP of single frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refervid.core.rle import encode_mask
from refervid.metrics.a2d import PRECISION_AT, Entry, Prediction, box_scores, overlap, scores

FIXTURES = Path(__file__).parents[1] / "parity" / "metrics"


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    return json.loads((FIXTURES / "a2d_results.json").read_text())


def entries_of(truth: dict[str, Any], predictions: list[dict[str, Any]]) -> list[Entry]:
    found: dict[str, list[Prediction]] = {each["id"]: [] for each in truth["images"]}
    for each in predictions:
        found[each["image_id"]].append(Prediction(each["segmentation"], each["score"]))
    return [
        Entry(each["image_id"], each["segmentation"], found[each["image_id"]])
        for each in truth["annotations"]
    ]


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    truth = json.loads((FIXTURES / "a2d_gt.json").read_text())
    return entries_of(truth, json.loads((FIXTURES / "a2d_pred.json").read_text()))


def test_official_scores(entries: list[Entry], expected: dict[str, Any]) -> None:
    found = scores(entries)
    for threshold, share in expected["precision_at"].items():
        assert found[f"P@{threshold}"] == share
    assert found["overall IoU"] == pytest.approx(expected["overall_iou"], abs=1e-6)
    assert found["mean IoU"] == pytest.approx(expected["mean_iou"], abs=1e-6)
    coco = expected["coco"]
    assert found["mAP"] == pytest.approx(coco["mAP 0.5:0.95"], abs=1e-6)
    for name in ("AP small", "AP medium", "AP large"):
        assert found[name] == pytest.approx(coco[name], abs=1e-6)
    assert found["AP@0.5"] == pytest.approx(coco["AP 0.5"], abs=1e-6)
    assert found["AP@0.75"] == pytest.approx(coco["AP 0.75"], abs=1e-6)


def test_official_entries(entries: list[Entry], expected: dict[str, Any]) -> None:
    for entry in entries:
        numbers = expected["per_sample"][entry.name]
        found = overlap(entry)
        assert (found.intersection, found.union) == (numbers["intersection"], numbers["union"])
        assert found.iou == pytest.approx(numbers["iou"], abs=1e-6)


def entry(truth: np.ndarray, *predictions: np.ndarray) -> Entry:
    def rle(mask: np.ndarray) -> dict[str, Any]:
        return {"size": list(mask.shape), "counts": encode_mask(mask)}

    return Entry("x", rle(truth), [Prediction(rle(mask), 1.0) for mask in predictions])


def test_no_prediction_counts_as_empty() -> None:
    full, empty = np.ones((4, 6), bool), np.zeros((4, 6), bool)
    found = scores([entry(full), entry(full, full)])
    assert found["P@0.5"] == 0.5
    assert found["mean IoU"] == pytest.approx(0.5)
    assert overlap(entry(empty)).iou == 1
    assert scores([entry(full)])["mAP"] == 0


def test_a_prediction_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not of the truth's size \[4, 6\]"):
        overlap(entry(np.ones((4, 6), bool), np.ones((2, 3), bool)))


def test_official_scores_of_several_queries_and_an_empty_truth() -> None:
    fixture = json.loads((FIXTURES / "soc_a2d.json").read_text())
    found = scores(entries_of(fixture["ground_truth"], fixture["predictions"]))
    ours = ["mAP", "AP@0.5", "AP@0.75", "AP small", "AP medium", "AP large"]
    ours += [f"P@{threshold}" for threshold in PRECISION_AT] + ["overall IoU", "mean IoU"]
    assert [found[name] for name in ours] == pytest.approx(list(fixture["expected"].values()), abs=1e-6)


def test_boxes() -> None:
    def entry(box: tuple[float, float, float, float] | None, score: float = 1.0) -> Entry:
        mask = np.zeros((40, 40), bool)
        mask[10:20, 10:20] = True
        code = {"size": [40, 40], "counts": encode_mask(mask)}
        return Entry("e", code, [Prediction(code, 0.1, (0, 0, 1, 1)), Prediction(code, score, box)])

    same, half, aside = (10, 10, 10, 10), (10, 10, 10, 5), (30, 30, 5, 5)
    found = box_scores([entry(same), entry(half), entry(aside)])
    assert found["box P@0.5"] == pytest.approx(1 / 3)  # one half is not above it
    assert found["box P@0.9"] == pytest.approx(1 / 3)
    assert found["box mean IoU"] == pytest.approx(0.5)
    assert found["box overall IoU"] == pytest.approx(150 / (100 + 100 + 125))
    # All predictions count; the surest two fit by a half at least, so that two of three truths are found.
    assert found["box AP@0.5"] == pytest.approx(np.mean(np.arange(101) / 100 <= 2 / 3))
    assert found["box mAP"] == pytest.approx(34 / 101 + 33 / 101 / 10)
    assert box_scores([entry(same), entry(None)]) == {}
    assert box_scores([]) == {}
    assert scores([entry(half)])["box mean IoU"] == pytest.approx(0.5)
    assert scores([entry(half)])["mean IoU"] == 1
