"""Things without a name, in clips of which only some frames are looked at."""

from __future__ import annotations

import numpy as np

from refervid.engines.inventory import Inventory
from refervid.engines.lite.analysis import Analyses
from refervid.engines.lite.objects.unnamed import MOST_FRAMES, unnamed_tracks
from refervid.media.array import ArrayClip


def test_a_thing_is_followed_over_minutes() -> None:
    ground = np.random.default_rng(0).integers(95, 105, (48, 80, 3), np.uint8)
    frames = np.repeat(ground[None], 130, 0)
    for index, frame in enumerate(frames):
        left = 10 + index // 3
        frame[15:30, left : left + 15] = (220, 20, 20)
    clip = ArrayClip(frames, fps=0.6)
    looked_at: list[int] = []
    tracks = unnamed_tracks(
        Analyses().of(clip), clip, Inventory((), ()), lambda *told: looked_at.append(told[2])
    )
    assert len(looked_at) <= MOST_FRAMES
    assert clip.times_s[-1] > 180
    longest = max(tracks, key=lambda track: len(track.frame_indices))
    assert len(longest.frame_indices) > len(looked_at) / 2
    for index, box in zip(longest.frame_indices, longest.boxes_xyxy, strict=True):
        assert np.abs(box - [10 + index // 3, 15, 25 + index // 3, 30]).max() <= 3
