"""J and F of binary masks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from refervid.metrics.boundary import MOST, boundaries, boundary_f, boundary_table, j_and_f
from refervid.metrics.region import jaccard

FIXTURES = Path(__file__).parents[1] / "parity" / "metrics"
CASES = json.loads((FIXTURES / "pairs.json").read_text())
ARRAYS = np.load(FIXTURES / "pairs.npz")


def masks(kind: str, case: dict[str, object]) -> NDArray[np.bool_]:
    width = case["shape"][1]
    return np.unpackbits(ARRAYS[f"{kind}_{case['index']}"], axis=-1)[:, :width].astype(bool)[None]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_official_numbers(case: dict[str, object]) -> None:
    truth, prediction = masks("gt", case), masks("pred", case)
    void = masks("void", case) if case["void"] else None
    assert jaccard(truth, prediction, void) == pytest.approx([case["J"]], abs=1e-12)
    assert boundary_f(truth, prediction, void) == pytest.approx([case["F"]], abs=1e-12)
    assert boundary_f(truth, prediction, void, tolerance=3) == pytest.approx([case["F_radius_3"]], abs=1e-12)


@pytest.mark.parametrize("case", [c for c in CASES if not c["void"]], ids=lambda case: case["name"])
def test_official_boundary_sizes(case: dict[str, object]) -> None:
    both = boundaries([masks("gt", case)[0], masks("pred", case)[0]], 1)
    assert np.count_nonzero(both & 1) == case["gt_boundary_pixels"]
    assert np.count_nonzero(both & 2) == case["pred_boundary_pixels"]


def test_official_numbers_with_void_and_overlapping_results() -> None:
    arrays = np.load(FIXTURES / "soc_davis.npz")

    def planes(name: str) -> NDArray[np.bool_]:
        shape = arrays[f"{name}|shape"]
        return np.unpackbits(arrays[f"{name}|bits"])[: shape.prod()].reshape(shape).astype(bool)

    # The two results were assigned to the two objects crosswise or not.
    truth, void = planes("gt"), planes("void")
    best = max((truth, truth[::-1]), key=lambda each: jaccard(each[0], planes("result")[0], void).mean())
    for index, result in enumerate(planes("result")):
        assert jaccard(best[index], result, void) == pytest.approx(arrays["J"][index], abs=1e-6)
        assert boundary_f(best[index], result, void) == pytest.approx(arrays["F"][index], abs=1e-6)


def plain_share_met(one: NDArray[np.bool_], other: NDArray[np.bool_], radius: int) -> float:
    """The definition, pair by pair."""
    here, there = np.argwhere(one), np.argwhere(other)
    if not len(here) or not len(there):
        return 0.0
    squared = ((here[:, None] - there[None]) ** 2).sum(-1)
    return float((squared.min(1) <= radius**2).mean())


def edges(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Beyond the frame's edge is what is at it."""
    beyond = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    return (mask != beyond[:-1, 1:]) | (mask != beyond[1:, :-1]) | (mask != beyond[1:, 1:])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    height=st.integers(1, 24),
    width=st.integers(1, 24),
    radius=st.integers(0, 12),
    density=st.sampled_from([0.01, 0.1, 0.5]),
)
def test_equals_the_definition_for_any_mask_and_radius(
    seed: int, height: int, width: int, radius: int, density: float
) -> None:
    random = np.random.default_rng(seed)
    truth, prediction = random.random((2, 1, height, width)) < density
    p = plain_share_met(edges(prediction[0]), edges(truth[0]), radius)
    r = plain_share_met(edges(truth[0]), edges(prediction[0]), radius)
    if not edges(truth[0]).any() and not edges(prediction[0]).any():
        expected = 1.0
    else:
        expected = 2 * p * r / (p + r) if p + r else 0.0
    assert boundary_f(truth, prediction, tolerance=radius)[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("count", [8, 9, MOST])
def test_many_masks_at_once_are_as_two_by_two(count: int) -> None:
    random = np.random.default_rng(count)
    masks = np.zeros((count, 30, 40), bool)
    for mask in masks[1:]:
        y, x = random.integers(0, 25, 2)
        mask[y : y + 9, x : x + 12] = random.random((len(mask[y : y + 9]), len(mask[0, x : x + 12]))) < 0.9
    table = boundary_table(list(masks), 2)
    assert len(np.unique(table)) > 10
    for one, other in [(0, 0), (0, 1), (1, count - 1), (count - 2, count - 1), (3, 5)]:
        expected = boundary_f(masks[[one]], masks[[other]], tolerance=2)[0]
        assert table[one, other] == table[other, one] == pytest.approx(expected, abs=1e-12)


def test_frames_that_go_together_are_as_one_by_one() -> None:
    random = np.random.default_rng(1)
    pairs = []
    for number, size in enumerate([(40, 50)] * 6 + [(30, 20)] * 3):
        pair = np.zeros((2, *size), bool)
        if number != 2:
            pair[:, 5:15, 2 + number : 12 + number] = random.random((2, 10, 10)) < 0.9
        pairs.append((pair[0], pair[1]))
    together = j_and_f(iter(pairs)).T
    assert len(np.unique(together)) > 10
    for found, (truth, prediction) in zip(together, pairs, strict=True):
        alone = jaccard(truth[None], prediction[None])[0], boundary_f(truth[None], prediction[None])[0]
        assert found == pytest.approx(alone, abs=1e-12)


def test_one_value_per_frame() -> None:
    truth = np.zeros((3, 20, 20), bool)
    truth[1:, 5:12, 5:12] = True
    prediction = truth.copy()
    prediction[2] = False
    assert jaccard(truth, prediction).tolist() == [1, 1, 0]
    assert boundary_f(truth, prediction).tolist() == [1, 1, 0]


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="different shapes"):
        jaccard(np.zeros((1, 4, 4), bool), np.zeros((1, 4, 5), bool))
