"""MJ, MF and the semantic means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from refervid.metrics.avs import SemanticSums, binary_f, binary_iou

ARRAYS = np.load(Path(__file__).parents[1] / "parity" / "audio" / "avs_metrics.npz")
WIDTH = int(ARRAYS["size"][1])


def unpacked(name: str) -> np.ndarray:
    return np.unpackbits(ARRAYS[name], axis=-1)[..., :WIDTH].astype(bool)


@pytest.mark.parametrize("index", range(len(ARRAYS["names"])), ids=ARRAYS["names"])
def test_official_binary_numbers(index: int) -> None:
    truth, prediction = unpacked("target")[index], unpacked("pred")[index]
    assert binary_iou(truth, prediction) == pytest.approx(ARRAYS["miou"][index], abs=1e-6)
    assert binary_f(truth, prediction) == pytest.approx(ARRAYS["fscore"][index], abs=1e-6)


def test_official_numbers_of_soft_predictions() -> None:
    for truth, prediction, f in zip(
        unpacked("soft_target"), ARRAYS["soft_pred"], ARRAYS["soft_fscore"], strict=True
    ):
        assert binary_f(truth, prediction) == pytest.approx(f, abs=1e-6)


@pytest.mark.parametrize("clip", ["v1", "v2", "v3", "v4"])
def test_official_semantic_sums(clip: str) -> None:
    sums = SemanticSums()
    for truth, prediction in zip(ARRAYS[f"{clip}_target"], ARRAYS[f"{clip}_pred"], strict=True):
        sums.add(truth, prediction)
    assert sums.iou == pytest.approx(ARRAYS[f"{clip}_iou"], abs=1e-5)
    assert sums.f == pytest.approx(ARRAYS[f"{clip}_fscore"], abs=1e-5)
    assert sums.frames.tolist() == ARRAYS[f"{clip}_count"].tolist()


def test_official_semantic_means() -> None:
    total = SemanticSums()
    for clip in ("v1", "v2", "v3", "v4"):
        part = SemanticSums()
        for truth, prediction in zip(ARRAYS[f"{clip}_target"], ARRAYS[f"{clip}_pred"], strict=True):
            part.add(truth, prediction)
        total.merge(part)
    found = total.scores()
    numbers = [found.miou, found.miou_no_background, found.mf, found.mf_no_background, found.seen.sum()]
    assert numbers == pytest.approx(ARRAYS["semantic_final"].tolist(), abs=1e-6)
