"""Which frames are shown in a round."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from refervid.core.track import Track
from refervid.core.types import Interval
from refervid.engines.inventory import ObjectTrack
from refervid.media.array import ArrayClip
from refervid.pipelines.tracks.frames import frames_showing
from tests.pipelines.tracks.eye import object_track

CLIP = ArrayClip(np.zeros((100, 8, 8, 3), np.uint8), fps=10)


def seen_on(frames: Sequence[int], *, segmented: bool = True) -> ObjectTrack:
    masks = Track(len(CLIP), 8, 8)
    for index in frames:
        masks[index] = np.ones((8, 8), bool)
    if segmented:
        return object_track(1, masks)
    boxes = np.tile(np.float32([0, 0, 8, 8]), (len(frames), 1))
    return ObjectTrack(1, np.array(frames), boxes, np.ones(len(frames), np.float32), {})


def test_they_are_spread_over_the_time_of_the_track() -> None:
    frames = frames_showing(CLIP, [seen_on(range(20, 81))], 7)
    assert (frames[0], frames[-1], len(frames)) == (20, 80, 7)
    assert max(np.diff(frames)) <= 2.5 * min(np.diff(frames))


def test_every_track_is_shown_however_short_it_is() -> None:
    tracks = [seen_on(range(100)), seen_on([41]), seen_on([77, 78])]
    frames = frames_showing(CLIP, tracks, 6)
    assert 41 in frames
    assert {77, 78} & set(frames)
    assert len(frames) == 6


def test_between_sightings_a_thing_without_masks_is_taken_to_be_there() -> None:
    assert len(frames_showing(CLIP, [seen_on([10, 30], segmented=False)], 5)) == 5
    assert len(frames_showing(CLIP, [seen_on([10, 30])], 5)) == 2


def test_frames_that_were_shown_are_not_shown_again_while_there_are_others() -> None:
    track = seen_on(range(40, 50))
    first = frames_showing(CLIP, [track], 5)
    second = frames_showing(CLIP, [track], 5, seen=first)
    assert not set(first) & set(second)
    assert sorted(first + second) == list(range(40, 50))
    assert frames_showing(CLIP, [track], 5, seen=range(40, 50)) == first


def test_where_the_action_is_said_to_be_is_looked_at_closely() -> None:
    track = seen_on(range(100))
    frames = frames_showing(CLIP, [track], 5, spans=[Interval(3.0, 4.0)])
    assert all(30 <= frame <= 40 for frame in frames)
    # A span with too few frames says too little.
    assert max(frames_showing(CLIP, [track], 5, spans=[Interval(3.0, 3.1)])) > 90


def test_a_track_that_is_never_seen_still_gets_frames() -> None:
    assert len(frames_showing(CLIP, [seen_on([])], 4)) == 4
