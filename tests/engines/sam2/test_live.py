"""Frames that arrive one by one."""

from __future__ import annotations

import numpy as np
import pytest

from refervid.core.errors import SettingsError
from refervid.core.types import Pivot, no_hook
from tests.engines.sam2 import tiny
from tests.engines.sam2.outcome import tracker

COUNT = 20


def test_a_stream_gives_what_a_forward_pass_over_the_clip_gives() -> None:
    pictures = tiny.frames(COUNT)
    objects = [[Pivot(0, mask=tiny.mask(0))], [Pivot(4, box_xyxy=np.array([10, 10, 40, 30], np.float32))]]
    tracks = tracker().track(tiny.clip(COUNT), objects, no_hook)
    live = tracker().live(tiny.HEIGHT, tiny.WIDTH)
    for index, picture in enumerate(pictures):
        arriving = {row: pivots for row, pivots in enumerate(objects) if pivots[0].frame_index == index}
        answer = live.push(picture, arriving)
        assert answer.index == index
        assert set(answer.masks) == ({0, 1} if index >= 4 else {0})
        for row, mask in answer.masks.items():
            assert (mask != tracks[row][index]).mean() < 2e-3
            assert answer.presence[row] == pytest.approx(tracks[row].presence[index], abs=1e-3)


def test_memory_of_a_stream_stays_bounded() -> None:
    live = tracker().live(tiny.HEIGHT, tiny.WIDTH)
    sizes = []
    for index, picture in enumerate(tiny.frames(40)):
        live.push(picture, {7: [Pivot(0, mask=tiny.mask(0))]} if index == 0 else None)
        memory = live._memories[7]
        sizes.append(
            (len(memory.tracked), sum(entry.spatial is not None for entry in memory.tracked.values()))
        )
    assert sizes[-1] == (15, 6)
    assert sizes[20:] == [(15, 6)] * 20


def test_objects_can_be_corrected_and_dropped() -> None:
    pictures = tiny.frames(6)
    live = tracker().live(tiny.HEIGHT, tiny.WIDTH)
    live.push(pictures[0], {1: [Pivot(0, mask=tiny.mask(0))], 2: [Pivot(0, mask=tiny.mask(9))]})
    live.push(pictures[1])
    corrected = live.push(pictures[2], {1: [Pivot(2, mask=tiny.mask(2))]})
    intersection = (corrected.masks[1] & tiny.mask(2)).sum()
    assert intersection / (corrected.masks[1] | tiny.mask(2)).sum() > 0.8
    live.drop(2)
    assert set(live.push(pictures[3]).masks) == {1}


def test_frames_before_the_first_object_have_no_masks() -> None:
    assert tracker().live(tiny.HEIGHT, tiny.WIDTH).push(tiny.frames(1)[0]).masks == {}


def test_what_does_not_fit_the_stream_is_refused() -> None:
    live = tracker().live(tiny.HEIGHT, tiny.WIDTH)
    with pytest.raises(SettingsError, match="shape"):
        live.push(np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(SettingsError, match="frame that arrives is 0"):
        live.push(tiny.frames(1)[0], {0: [Pivot(3, mask=tiny.mask(0))]})
