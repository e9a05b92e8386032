"""Marks that do not fit are refused wherever they are given, and change nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import refervid
from refervid import Pivot
from refervid.core.errors import SettingsError
from refervid.media.array import ArrayClip
from refervid.pipelines.marks import check_marks
from tests.clips import disc_and_square

DISC = np.array([13, 53, 43, 83], np.float32)
POINT = np.array([[28, 68]], np.float32)

UNFIT = {
    "is marked": Pivot(0),
    "left of the first": Pivot(0, box_xyxy=DISC[[2, 3, 0, 1]]),
    "above": Pivot(0, box_xyxy=DISC[[0, 3, 2, 1]]),
    "box lies outside": Pivot(0, box_xyxy=DISC + 500),
    "point lies outside": Pivot(0, points_xy=POINT + 500, point_labels=np.array([True])),
    "True on the object": Pivot(0, points_xy=POINT, point_labels=np.array([1])),
    "no array": Pivot(0, box_xyxy=[13, 53, 43, 83]),
    "mask of 5x5": Pivot(0, mask=np.ones((5, 5), bool)),
    "frames 0 to 3": Pivot(4, box_xyxy=DISC),
}


@pytest.fixture(scope="module")
def clip() -> ArrayClip:
    return ArrayClip(disc_and_square(4))


@pytest.mark.parametrize("why", UNFIT)
def test_what_does_not_fit(clip: ArrayClip, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        check_marks(clip, {"disc": [Pivot(0, box_xyxy=DISC), UNFIT[why]]})


@pytest.mark.parametrize("far", [1e10, np.inf, np.nan])
def test_a_box_that_nobody_could_draw_does_not_fit(clip: ArrayClip, far: float) -> None:
    """It would be tracked, and then not be saved."""
    with pytest.raises(SettingsError, match="is no array of numbers"):
        check_marks(clip, {"disc": [Pivot(0, box_xyxy=np.array([0, 0, far, far], np.float32))]})


def test_a_name_is_text(clip: ArrayClip) -> None:
    with pytest.raises(SettingsError, match="is no word"):
        check_marks(clip, {3: [Pivot(0, box_xyxy=DISC)]})


@pytest.mark.parametrize("mask", [[[True]], np.full((96, 144), 0.3), np.ones((1, 96, 144), bool)])
def test_what_is_no_mask(mask: object) -> None:
    with pytest.raises(SettingsError, match=r"bool array \(H, W\)"):
        Pivot(0, mask=mask)


def test_ids_count_as_a_mask_however_large() -> None:
    pivot = Pivot(0, mask=np.array([[0, 256], [1, 0]]))
    assert np.array_equal(pivot.mask, [[False, True], [True, False]])


def test_a_correction_that_does_not_fit_changes_nothing(clip: ArrayClip, tmp_path: Path) -> None:
    pipeline = refervid.load("lite", device="cpu")
    with refervid.Session(clip, tmp_path / "work", pipeline) as session:
        number = session.add(Pivot(0, box_xyxy=DISC), "disc")
        before = session.objects
        [result] = session.results()
        for why, mark in UNFIT.items():
            with pytest.raises(SettingsError, match=why):
                session.correct(number, mark)
            with pytest.raises(SettingsError, match=why):
                refervid.correct(pipeline.tracker, result, mark)
        assert session.objects == before
