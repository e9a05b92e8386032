"""The DAVIS protocols on label maps."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from refervid.core.errors import DatasetError
from refervid.metrics.davis import LabelMap, ObjectScore, Task, score_sequence, set_score

FIXTURES = Path(__file__).parents[1] / "parity" / "metrics"
SEQUENCES = json.loads((FIXTURES / "sequences.json").read_text())
ARRAYS = np.load(FIXTURES / "sequences.npz")
LONG = 256


def compare(found: list[ObjectScore], expected: dict[str, Any], frames: int) -> None:
    assert len(found) == len(expected["objects"])
    for score, numbers in zip(found, expected["objects"].values(), strict=True):
        for letter, part in (("J", score.j), ("F", score.f)):
            assert part.mean == pytest.approx(numbers[f"{letter}_mean"], abs=1e-9)
            assert part.recall == pytest.approx(numbers[f"{letter}_recall"], abs=1e-9)
            if frames < LONG:
                assert part.decay == pytest.approx(numbers[f"{letter}_decay"], abs=1e-9)


def compare_set(objects: list[ObjectScore], expected: dict[str, float]) -> None:
    total = set_score(objects)
    assert [total.j.mean, total.j.recall, total.f.mean, total.f.recall] == pytest.approx(
        [expected[key] for key in ("J_M", "J_R", "F_M", "F_R")], abs=1e-9
    )
    assert total.j_and_f == pytest.approx(expected["JF"], abs=1e-9)


@pytest.mark.parametrize("task", ["unsupervised", "semi-supervised"])
@pytest.mark.parametrize("name", SEQUENCES)
def test_official_numbers(name: str, task: Task) -> None:
    case = SEQUENCES[name]
    truth, result = ARRAYS[f"gt_{case['index']}"], ARRAYS[f"pred_{case['index']}"]
    pairs = zip(truth, result, strict=True)
    if "refused" in case[task]:
        with pytest.raises(DatasetError, match="at most"):
            score_sequence(pairs, task)
    else:
        found = score_sequence(pairs, task)
        compare(found, case[task], len(truth))
        compare_set(found, case[task]["summary"])


def test_official_numbers_of_four_annotators() -> None:
    expected = json.loads((FIXTURES / "annotators.json").read_text())
    arrays = np.load(FIXTURES / "annotators.npz")
    for annotator, numbers in enumerate(expected["per_annotator"]):
        found = []
        for video in ("one", "two", "three"):
            pairs = zip(arrays[f"gt/{video}"], arrays[f"anno_{annotator}/{video}"], strict=True)
            found += score_sequence(pairs, "unsupervised")
        compare(found, numbers, 0)
        compare_set(found, numbers["summary"])


def test_exchanged_objects_cost_nothing_unsupervised() -> None:
    truth = np.zeros((4, 30, 30), np.uint8)
    truth[:, 2:10, 2:10], truth[:, 15:28, 15:28] = 1, 2
    swapped = np.choose(truth, [0, 2, 1]).astype(np.uint8)
    found = score_sequence(zip(truth, swapped, strict=True), "unsupervised")
    assert [(score.object_id, score.result_id, score.j.mean) for score in found] == [(2, 1, 1.0), (1, 2, 1.0)]
    assert set_score(score_sequence(zip(truth, swapped, strict=True), "semi-supervised")).j.mean == 0


def test_what_cannot_be_scored_is_refused() -> None:
    labels = np.ones((2, 30, 30), np.uint8)
    assert score_sequence(zip(labels, labels, strict=True), "unsupervised")[0].j.mean == 1
    with pytest.raises(DatasetError, match="no frame is left"):
        score_sequence(zip(labels, labels, strict=True), "semi-supervised")
    with pytest.raises(DatasetError, match="no frame is left"):
        score_sequence([], task="unsupervised")
    empty = np.zeros((2, 30, 30), np.uint8)
    with pytest.raises(DatasetError, match="no video shows an object"):
        set_score(score_sequence(zip(empty, labels, strict=True), "unsupervised"))


def test_memory_does_not_grow_with_the_clip() -> None:
    def pairs(count: int) -> Iterator[tuple[LabelMap, LabelMap]]:
        for index in range(count):
            labels = np.zeros((120, 160), np.uint8)
            labels[20:60, index % 90 : index % 90 + 30] = 1
            yield labels, np.roll(labels, 2, axis=1)

    def peak(count: int) -> int:
        tracemalloc.start()
        score_sequence(pairs(count), "unsupervised")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(2)
    assert peak(400) < peak(20) + 400 * 2_000  # a frame's two label maps alone have 38,400 bytes


def real_masks(folder: Path) -> dict[str, NDArray[np.uint8]]:
    arrays = np.load(folder / "parity" / "metrics" / "osvos_davis16.npz")
    return {name: np.unpackbits(arrays[name], axis=-1)[..., :854] for name in arrays}


def test_osvos_on_davis_2016_gives_the_official_figures(shared_dir: Path) -> None:
    expected = json.loads((shared_dir / "parity" / "metrics" / "osvos_davis16.json").read_text())
    for key, task in (("semi_supervised", "semi-supervised"), ("unsupervised", "unsupervised")):
        objects = []
        for name, masks in real_masks(shared_dir).items():
            files = sorted((shared_dir / "data" / "davis16" / "Annotations" / name).glob("*.png"))
            truth = ((cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) > 127).astype(np.uint8) for file in files)
            objects += score_sequence(zip(truth, masks, strict=True), task)
        compare(objects, expected[key], 0)
        compare_set(objects, expected[key]["summary"])


def test_real_proposals_give_the_official_figures(shared_dir: Path) -> None:
    folder = shared_dir / "parity" / "metrics"
    expected, arrays = json.loads((folder / "real.json").read_text()), np.load(folder / "real.npz")
    objects = []
    for name in expected["frames"]:
        objects += score_sequence(
            zip(arrays[f"gt/{name}"], arrays[f"pred/{name}"], strict=True), "unsupervised"
        )
    compare(objects, expected["unsupervised"], 0)
    compare_set(objects, expected["unsupervised"]["summary"])
