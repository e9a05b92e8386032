"""Frames in memory are a clip."""

from __future__ import annotations

import numpy as np
import pytest

from refervid.core.errors import EmptyClip, NoAudioStream, UnreadableMedia
from refervid.media.array import ArrayClip
from tests.clips import frame_number, numbered_frames


def test_frames_and_times_come_back() -> None:
    clip = ArrayClip(numbered_frames(4), np.array([2.0, 2.5, 4.0, 4.1]))
    assert [frame_number(frame) for _, frame in clip.frames([3, 1])] == [1, 3]
    np.testing.assert_allclose(clip.times_s, [0, 0.5, 2, 2.1])
    assert (clip.height, clip.width, len(clip)) == (96, 128, 4)
    with pytest.raises(NoAudioStream):
        clip.waveform()


def test_frame_rate_gives_times() -> None:
    np.testing.assert_allclose(ArrayClip(numbered_frames(3), fps=10).times_s, [0, 0.1, 0.2])


def test_the_array_given_stays_as_it_is() -> None:
    frames = numbered_frames(2)
    ArrayClip(frames).frame(1)[:] = 0
    assert frame_number(frames[1]) == 1


@pytest.mark.parametrize(
    "frames",
    [np.zeros((2, 3, 8, 8), np.uint8), np.zeros((8, 8, 3), np.uint8), np.zeros((2, 8, 8, 3), np.float32)],
)
def test_another_layout_is_refused_with_the_one_wanted(frames: np.ndarray) -> None:
    with pytest.raises(UnreadableMedia, match=r"give \(T, H, W, 3\) uint8 RGB"):
        ArrayClip(frames)


def test_times_that_do_not_increase_are_refused() -> None:
    with pytest.raises(UnreadableMedia, match="strictly increasing"):
        ArrayClip(numbered_frames(2), np.array([1.0, 1.0]))


def test_no_frames_at_all() -> None:
    with pytest.raises(EmptyClip):
        ArrayClip(numbered_frames(0))
