"""Boxes of sampled frames become tracks."""

from __future__ import annotations

import numpy as np
import pytest

from refervid.engines.linking import Detections, Linker, Sightings, joined


def seen(*boxes: list[float]) -> Detections:
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.full((len(boxes), 1), 0.9, np.float32))


def linked(times_s: list[float], shown: list[bool]) -> list[list[int]]:
    """The frames of each thing, of one box that is found on the frames where it is `shown`."""
    linker = Linker(np.array(times_s))
    for index, (time_s, there) in enumerate(zip(times_s, shown, strict=True)):
        found = seen([10, 10, 30, 30]) if there else seen()
        linker.add(index, time_s, found, np.ones((len(found.boxes), 1), np.float32))
    return [one.frames for one in linker.things()]


@pytest.mark.parametrize("spacing_s", [0.5, 5.0])
def test_a_thing_that_is_missed_on_one_frame_is_one_thing(spacing_s: float) -> None:
    times_s = [number * spacing_s for number in range(5)]
    assert linked(times_s, [True, True, False, True, True]) == [[0, 1, 3, 4]]


def test_a_thing_that_is_away_for_long_may_be_another() -> None:
    shown = [True, True, *[False] * 8, True, True]
    assert linked([number * 0.5 for number in range(12)], shown) == [[0, 1], [10, 11]]
    assert linked([number * 5.0 for number in range(12)], shown) == [[0, 1], [10, 11]]


def test_a_thing_that_two_tracks_show_at_the_same_time_is_one_thing() -> None:
    """Their boxes are held against each other where either was seen, between its sightings too."""
    whole, part, beside = Sightings(), Sightings(), Sightings()
    for frame in range(0, 12, 2):
        see(whole, frame, [10.0 + frame, 10, 30 + frame, 30])
        see(beside, frame, [40.0 + frame, 10, 60 + frame, 30])
    for frame in range(1, 8, 3):
        see(part, frame, [10.0 + frame, 11, 30 + frame, 31])
    assert whole.boxes_at([0, 3, 40]).tolist() == [[10, 10, 30, 30], [13, 10, 33, 30], [20, 10, 40, 30]]
    assert [one.frames for one in joined([whole, part, beside], 1.5)] == [
        [0, 1, 2, 4, 6, 7, 8, 10],
        [0, 2, 4, 6, 8, 10],
    ]


def see(track: Sightings, frame: int, box: list[float]) -> None:
    track.add(frame, frame / 3, seen(box), np.ones((1, 1), np.float32), 0)
