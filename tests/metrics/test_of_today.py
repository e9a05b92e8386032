"""Measures of newer data sets, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from refervid.metrics.absence import absence_accuracies
from refervid.metrics.avs import clip_f, null_s
from refervid.metrics.revos import pixel_accuracy, robustness
from refervid.metrics.temporal import temporal_and_video_iou


def mask(*pixels: int, size: int = 10) -> np.ndarray:
    """One row with those pixels set."""
    row = np.zeros((1, size), bool)
    row[0, list(pixels)] = True
    return row


def test_absence_is_counted_by_sentences() -> None:
    has_target, answered = [True, True, True, False, False], [True, True, False, False, True]
    assert absence_accuracies(has_target, answered) == (0.5, pytest.approx(2 / 3))
    assert absence_accuracies([True], [False]) == (None, 0)
    assert absence_accuracies([False], [False]) == (1, None)


def test_tiou_compares_frames_and_viou_weighs_them_by_j() -> None:
    true, predicted = np.array([1, 1, 1, 0, 0], bool), np.array([0, 1, 1, 1, 0], bool)
    j = np.array([0, 0.5, 0.7, 0, 1])
    assert temporal_and_video_iou(j, true, predicted) == (2 / 4, pytest.approx(1.2 / 4))


def test_a_sentence_that_is_rightly_never_answered_has_tiou_1() -> None:
    nowhere = np.zeros(3, bool)
    assert temporal_and_video_iou(np.ones(3), nowhere, nowhere) == (1, 1)
    assert temporal_and_video_iou(np.zeros(3), nowhere, np.array([0, 1, 0], bool)) == (0, 0)


def test_accuracy_and_robustness_of_revos() -> None:
    truth, prediction, foreground = mask(0, 1, 2), mask(2, 3, 4), mask(0, 1, 2, 3)
    assert pixel_accuracy(truth, prediction) == pytest.approx(6 / 10)
    assert robustness(truth, prediction, foreground) == pytest.approx(1 - 2 / 4)


@pytest.mark.parametrize(("prediction", "expected"), [(mask(), 1), (mask(1), 0)])
def test_robustness_without_foreground(prediction: np.ndarray, expected: float) -> None:
    assert robustness(mask(), prediction, mask()) == expected


def test_f_of_a_clip_leaves_frames_without_an_object_out() -> None:
    # F = 1.3 P R / (0.3 P + R): P = R = 1/2 gives 1/2, and P = R = 1 gives 1.
    frames = [(mask(0, 1), mask(1, 2)), (mask(5), mask(5)), (mask(), mask(0, 1, 2))]
    assert clip_f(frames) == pytest.approx(0.75)
    assert clip_f(frames[2:]) == 0


def test_f_of_an_empty_answer_is_that_of_the_whole_frame() -> None:
    """The threshold 0 of the published program selects every pixel: P = 1/5, R = 1."""
    assert clip_f([(mask(0, 1), mask())]) == pytest.approx(1.3 * 0.2 / (0.3 * 0.2 + 1))


def test_s_is_the_root_of_what_is_predicted() -> None:
    assert null_s([mask(0, 1, 2, 3, 4), mask(), mask(0), mask(1, 2, 3)]) == pytest.approx(np.sqrt(9 / 40))
    assert null_s([mask(), mask()]) == 0
