"""Scores of the newer data sets on their samples, where the right number is known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refervid.core.types import Mask
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.registry import dataset_class, open_dataset
from refervid.media.pictures import write_mask
from tests.datasets.predictions import write_predictions

LEFT_HALF = np.indices((96, 160))[1] < 80
"""Not the whole frame, which has no outline and so F 1 where nothing is meant."""


def opened(name: str, folder: Path, split: str | None = None) -> Dataset:
    dataset_class(name).make_sample(folder / "root")
    return open_dataset(name, folder / "root", split)


def perfect(dataset: Dataset, folder: Path) -> Path:
    write_predictions(dataset, folder / "out")
    return folder / "out"


def everywhere(dataset: Dataset, out: Path, expression: str, change: Callable[[Mask], Mask]) -> Scores:
    """The scores once the masks of one expression are changed in every frame."""
    (item,) = (item for item in dataset.items() if item.expression_id == expression)
    for position, frame in enumerate(item.frames):
        write_mask(item.prediction(out, frame), change(item.truth.at(position)[0]))
    return dataset.score(out)


def row(scores: Scores, expression: str) -> dict[str, Any]:
    return next(each for each in scores.items if each["expression_id"] == expression)


def test_mevis_counts_a_sentence_that_lacks_a_frame_as_nothing(tmp_path: Path) -> None:
    dataset = opened("mevis", tmp_path)
    out = perfect(dataset, tmp_path)
    first = dataset.items()[0]
    first.prediction(out, first.frames[0]).unlink()
    scores = dataset.score(out)
    assert row(scores, first.expression_id)["J&F"] == 0
    assert scores.metrics["J&F"] == pytest.approx(1 - 1 / len(dataset.items()))
    assert scores.notes == [
        f"1 of {len(dataset.items())} expressions have frames with no prediction and count 0"
    ]


def test_mevis_v2_counts_answers_to_sentences_that_mean_nothing(tmp_path: Path) -> None:
    dataset = opened("mevis-v2", tmp_path)
    out = perfect(dataset, tmp_path)
    assert dataset.score(out).metrics == {"J&F": 1, "J": 1, "F": 1, "N-acc": 1, "T-acc": 1, "final": 1}
    scores = everywhere(dataset, out, "3", lambda mask: LEFT_HALF)
    assert scores.metrics["J"] == 3 / 4
    assert (scores.metrics["N-acc"], scores.metrics["T-acc"]) == (0, 1)
    shutil.rmtree(out / "valid_u_01" / "0")
    scores = dataset.score(out)
    assert scores.metrics["T-acc"] == pytest.approx(2 / 3)
    assert scores.metrics["final"] == pytest.approx((0.5 + 0 + 2 / 3) / 3)
    assert dataset.score(out, dataset.items()[:1]).metrics["N-acc"] is None


def test_mevis_v2_lists_of_valid_have_two_names(tmp_path: Path) -> None:
    assert opened("mevis-v2", tmp_path, "valid").items()[0].truth is None
    (tmp_path / "root/valid/meta_expressions_v2_release.json").rename(
        tmp_path / "root/valid/meta_expressions_v2.json"
    )
    assert len(open_dataset("mevis-v2", tmp_path / "root", "valid").items()) == 4


def test_revos_means_of_types_leave_out_what_has_no_target(tmp_path: Path) -> None:
    dataset = opened("revos", tmp_path)
    out = perfect(dataset, tmp_path)
    scores = everywhere(dataset, out, "2", lambda mask: LEFT_HALF)
    assert scores.metrics["J&F"] == scores.metrics["A"] == scores.metrics["R"] == 1
    assert scores.metrics["types"]["no target"] == {"J&F": 0, "J": 0, "F": 0, "A": 0.5, "R": 0}


def test_revos_robustness_is_measured_by_the_foreground(tmp_path: Path) -> None:
    """The square is answered with square and disk: outside is the disk, the foreground both."""
    dataset = opened("revos", tmp_path)
    disk, square, _ = dataset.items()
    out = perfect(dataset, tmp_path)
    expected = []
    for position, frame in enumerate(square.frames):
        other, mask = disk.truth.at(position)[0], square.truth.at(position)[0]
        write_mask(square.prediction(out, frame), mask | other)
        expected.append((1 - (other & ~mask).sum() / (mask | other).sum(), 1 - (other & ~mask).mean()))
    scores = dataset.score(out)
    assert (row(scores, "1")["R"], row(scores, "1")["A"]) == pytest.approx(tuple(np.mean(expected, axis=0)))
    assert scores.metrics["R"] == pytest.approx((1 + row(scores, "1")["R"]) / 2)


def test_long_rvos_scores_when_an_answer_is_there(tmp_path: Path) -> None:
    """The disk has left in the last of six frames: answered there too, five frames of six are right."""
    dataset = opened("long-rvos", tmp_path)
    out = perfect(dataset, tmp_path)
    item = dataset.items()[0]
    assert not item.truth.at(5)[0].any()
    write_mask(item.prediction(out, item.frames[5]), item.truth.at(0)[0])
    scores = dataset.score(out)
    assert [row(scores, "0")[name] for name in ("J", "tIoU", "vIoU")] == pytest.approx([5 / 6] * 3)
    assert scores.metrics["types"]["hybrid"]["tIoU"] == pytest.approx(5 / 6)
    assert scores.metrics["types"]["static"]["tIoU"] == 1
    assert scores.metrics["tIoU"] == pytest.approx((5 / 6 + 2) / 3)


def test_reasonvos_scores_the_annotated_frames_of_whole_clips(tmp_path: Path) -> None:
    item = opened("reasonvos", tmp_path).items()[0]
    assert item.name == "MOSE_shapes_1/0"
    assert (item.frames, item.indices) == (("00000", "00002", "00004"), (0, 2, 4))
    assert len(item.video.open()) == 6


def test_the_null_set_of_ref_avs_wants_nothing(tmp_path: Path) -> None:
    dataset = opened("ref-avs", tmp_path, "test_n")
    shutil.rmtree(tmp_path / "root" / "gt_mask" / "test_n_clip")  # whatever is stored there does not count
    dataset = open_dataset("ref-avs", tmp_path / "root", "test_n")
    dataset.check()
    assert dataset.score(perfect(dataset, tmp_path)).metrics == {"S": 0}
    quarter = np.zeros((96, 160), bool)
    quarter[:48, :80] = True
    scores = everywhere(dataset, tmp_path / "out", "0", lambda mask: quarter)
    assert scores.metrics["S"] == 0.25  # the root of 1/4, and 0 of the other sentence


def test_sentences_of_ref_avs_have_their_sound_beside(tmp_path: Path) -> None:
    item = opened("ref-avs", tmp_path).items()[0]
    assert item.reference.text == "the red circle that moves to the right"
    assert item.video.open().waveform().duration_s == pytest.approx(10, abs=0.1)


def test_omniavs_asks_what_is_written_and_averages_types(tmp_path: Path) -> None:
    dataset = opened("omniavs", tmp_path)
    assert dataset.notes == ["1 of 4 expressions are left out: they are spoken, without text"]
    assert {item.expression_id: item.category for item in dataset.items()} == {
        **{"0": "text", "1": "text_sound", "2": "text"}
    }
    out = perfect(dataset, tmp_path)
    scores = everywhere(dataset, out, "2", lambda mask: LEFT_HALF)
    assert scores.metrics["types"]["text"]["J"] == 0.5
    assert scores.metrics["types"]["text_sound"]["J"] == 1
    assert scores.metrics["J&F"] == 0.75


def test_a_sentence_of_omniavs_may_mean_several_objects(tmp_path: Path) -> None:
    root = tmp_path / "root"
    dataset_class("omniavs").make_sample(root)
    path = root / "meta_expressions_test.jsonl"
    path.write_text(path.read_text().replace('"obj_id": [1]', '"obj_id": ["1", 2]'))
    both, square, _ = open_dataset("omniavs", root).items()
    mask, part = both.truth.at(0)[0], square.truth.at(0)[0]
    assert part.any()
    assert (part & mask).sum() == part.sum() < mask.sum()


def test_one_wrong_frame_costs_an_omniavs_sentence_without_target_everything(tmp_path: Path) -> None:
    dataset = opened("omniavs", tmp_path)
    out = perfect(dataset, tmp_path)
    item = dataset.items()[2]
    write_mask(item.prediction(out, item.frames[0]), np.ones((96, 160), bool))
    assert row(dataset.score(out), "2")["J&F"] == 0


def test_the_sound_of_omniavs_can_be_heard(tmp_path: Path) -> None:
    clip = opened("omniavs", tmp_path).items()[0].video.open()
    assert clip.waveform().duration_s == pytest.approx(1, abs=0.15)
    assert (
        json.loads((tmp_path / "root/meta_expressions_test.jsonl").read_text().splitlines()[3])["expr"] == ""
    )
