"""Tracks of any length keep their masks, areas and boxes."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from refervid.core.track import Track, union


def moving_square(frames: int) -> Track:
    track = Track(frames, 20, 400)
    for index in range(0, frames, 2):
        mask = np.zeros((20, 400), bool)
        mask[5:9, index : index + 3] = True
        track[index] = mask
    return track


def test_areas_and_boxes_of_a_clip_longer_than_a_byte_counts() -> None:
    track = moving_square(300)
    assert track.areas().tolist() == [12, 0] * 150
    boxes = track.boxes_xyxy()
    np.testing.assert_array_equal(boxes[298], [298, 5, 301, 9])
    assert np.isnan(boxes[299]).all()


def test_masks_come_back_as_they_went_in() -> None:
    track = moving_square(3)
    assert track[2].sum() == 12
    assert track[2][5:9, 2:5].all()
    np.testing.assert_array_equal(track.stack()[1], np.zeros((20, 400), bool))


def test_union_of_tracks() -> None:
    one, two = moving_square(4), moving_square(4)
    mask = np.zeros((20, 400), bool)
    mask[0, 0] = True
    two[0] = mask
    two[1] = mask
    two.presence[1] = 0.5
    total = union([one, two], 4, 20, 400)
    assert total.areas().tolist() == [13, 1, 12, 0]
    assert total.presence.tolist() == [0, 0.5, 0, 0]
    assert total.written.tolist() == [True, True, True, False]
    assert union([], 4, 20, 400).areas().tolist() == [0] * 4


def test_an_interrupt_while_masks_are_read_is_an_interrupt() -> None:
    """With pycocotools' own reading nine of ten become a TypeError of numpy's."""
    track, handler = moving_square(2), signal.signal(signal.SIGALRM, _interrupt)
    try:
        for _ in range(200):
            with pytest.raises(KeyboardInterrupt):
                _read_until_interrupted(track)
    finally:
        signal.signal(signal.SIGALRM, handler)


def _read_until_interrupted(track: Track) -> None:
    # Once more after a while: an interrupt that falls into a destructor is only printed.
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.5)
    try:
        while True:
            track[0]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
