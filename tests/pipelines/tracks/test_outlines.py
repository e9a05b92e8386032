"""Whether masks fill the boxes that an object was chosen by."""

from __future__ import annotations

import numpy as np
import pytest

from refervid.core.track import Track
from refervid.core.types import Pivot, TextReference
from refervid.pipelines.pivot.selection import Selection
from refervid.pipelines.tracks.outlines import with_outlines
from refervid.report.objects import TrackedObject


def selection(*, left: int, marked: bool = False) -> Selection:
    """A box of 20 x 20 pixels and a mask that begins `left` pixels inside; `marked`: the mask was given."""
    mask = np.zeros((30, 40), bool)
    mask[5:25, 5 + left : 25] = True
    track = Track(1, 30, 40)
    track[0] = mask
    pivot = Pivot(0, np.array([5, 5, 25, 25], np.float32), mask=mask if marked else None)
    return Selection(TextReference("the cup"), ((pivot,),), tracked=(TrackedObject(1, (pivot,), track),))


@pytest.mark.parametrize(
    ("left", "marked", "guess"), [(4, False, False), (16, False, True), (16, True, False)]
)
def test_what_fills_its_box_badly_is_a_guess(left: int, marked: bool, guess: bool) -> None:
    checked = with_outlines(selection(left=left, marked=marked))
    assert checked.guess == guess
    assert len(checked.notes) == guess
    assert with_outlines(checked) == checked


def test_an_object_that_was_lost_fills_nothing() -> None:
    assert with_outlines(selection(left=20)).guess
