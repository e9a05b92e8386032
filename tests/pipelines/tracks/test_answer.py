"""What is kept becomes objects, and a choice among tracks leaves a person others to choose instead."""

from __future__ import annotations

import numpy as np
import pytest

from refervid.core.types import Decision
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.engines.rounds import Judgement
from refervid.pipelines.correct import candidate_pivot
from refervid.pipelines.tracks.answer import selection_of, with_tracks
from refervid.pipelines.tracks.rounds import Standing
from tests.engines.sam2.tiny import clip


def track(number: int, name: str, frames: list[int]) -> ObjectTrack:
    boxes = np.array([[10 * number, 5, 10 * number + 8, 20]] * len(frames), np.float32)
    scores, colours = np.ones(len(frames), np.float32), np.zeros(22, np.float32)
    return ObjectTrack(number, np.array(frames), boxes, scores, {name: 0.9} if name else {}, colours)


TRACKS = [track(1, "dog", [0, 4]), track(3, "cat", [0, 4, 8]), track(4, "", [4, 8])]
INVENTORY = Inventory(TRACKS, [0, 4, 8])


def test_the_frame_shows_what_was_chosen_and_most_of_the_rest() -> None:
    told = with_tracks(Decision("tracks", "4", "rules", frame_index=8), INVENTORY)
    assert told.frame_index == 4
    assert [one.phrase for one in told.candidates] == ["track 1: dog", "track 3: cat", "track 4: no name"]
    assert told.chosen == (2,)
    pivot = candidate_pivot(told, 1)
    assert pivot.frame_index == 4
    assert pivot.box_xyxy is not None
    assert pivot.box_xyxy.tolist() == [10, 5, 18, 20]


def test_where_nothing_fits_all_can_be_chosen() -> None:
    told = with_tracks(Decision("tracks", None, "rules"), INVENTORY)
    assert len(told.candidates) == 3
    assert told.chosen == ()
    nothing = Decision("tracks", None, "rules")
    assert with_tracks(nothing, Inventory([], [0, 4])) is nothing


@pytest.mark.parametrize(
    ("name", "frames", "started"),
    [
        ("dog", [8, 12], [[0, 4, 8, 12]]),  # lost and found again
        ("dog", [4, 12], [[0, 4], [4, 12]]),  # another one, which is there at the same time
        ("cat", [8, 12], [[0, 4], [8, 12]]),
    ],
)
def test_a_thing_that_was_lost_and_found_again_is_one_object(
    name: str, frames: list[int], started: list[list[int]]
) -> None:
    tracks = (track(1, "dog", [0, 4]), track(2, name, frames))
    kept = Standing("it", tracks, judgements={1: Judgement("keep"), 2: Judgement("keep")})
    objects = selection_of(clip(13), kept).objects
    assert [[pivot.frame_index for pivot in pivots] for pivots in objects] == started
