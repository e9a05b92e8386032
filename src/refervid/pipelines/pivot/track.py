"""From pivots to tracks: all references through the tracker at once, and once more for what that leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from refervid.core.track import Track
from refervid.core.types import BoxArray, Pivot
from refervid.engines.base import Tracker
from refervid.media.clip import Clip
from refervid.pipelines.pivot.select import Found
from refervid.pipelines.stages import Stages

SAME_THING = 0.5
"""Intersection over union of a pivot's box with that of a track on its frame, from which on they are one
thing (what counts as found in PASCAL VOC)."""


def follow(
    clip: Clip, found: Sequence[Found], tracker: Tracker, stages: Stages, *, agreement: bool
) -> list[list[Track]]:
    """One track per object of every entry.

    A pivot that could not be linked to an object (`Found.others`) is followed too, as an object of its own,
    unless a track covers it. With `agreement` pivots that belong to something else are left out first.
    """
    if agreement:
        _keep_agreeing(clip, found, tracker, stages)
    tracks = _track(clip, [entry.objects for entry in found], tracker, stages)
    late = [
        [[pivot] for pivot in entry.others if not any(_covers(track, pivot) for track in own)]
        for entry, own in zip(found, tracks, strict=True)
    ]
    for entry, own, objects, more in zip(
        found, tracks, late, _track(clip, late, tracker, stages), strict=True
    ):
        entry.objects += objects
        own += more
    return tracks


def _keep_agreeing(clip: Clip, found: Sequence[Found], tracker: Tracker, stages: Stages) -> None:
    """Follow each pivot of an object alone; those stay that most agree with, of equals the first.

    Two sections may start with different things, and a tracker given both mixes them.
    """
    doubtful = [entry for entry in found if len(entry.objects) == 1 and len(entry.objects[0]) > 1]
    alone = _track(clip, [[[p] for p in entry.objects[0]] for entry in doubtful], tracker, stages)
    for entry, tracks in zip(doubtful, alone, strict=True):
        [pivots] = entry.objects
        groups = [
            [other for other in pivots if other is pivot or _covers(track, other)]
            for pivot, track in zip(pivots, tracks, strict=True)
        ]
        kept = max(groups, key=len)
        if left_out := [pivot.frame_index for pivot in pivots if pivot not in kept]:
            frames = ", ".join(map(str, left_out))
            entry.note([f"the box on frame {frames} is left out: it holds something else than the others"])
            entry.objects = [kept]


def _track(
    clip: Clip, groups: Sequence[Sequence[Sequence[Pivot]]], tracker: Tracker, stages: Stages
) -> list[list[Track]]:
    """Tracks of the objects of every group."""
    objects = [pivots for group in groups for pivots in group]
    tracks: Iterator[Track] = iter(())
    if objects:
        with stages.stage("track", len(clip)) as hook:
            tracks = iter(tracker.track(clip, objects, hook))
    return [[next(tracks) for _ in group] for group in groups]


def _covers(track: Track, pivot: Pivot) -> bool:
    if pivot.box_xyxy is None:
        return False
    rows, columns = (np.flatnonzero(track[pivot.frame_index].any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return False
    box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
    seen = np.clip(pivot.box_xyxy, 0, np.array([track.width, track.height] * 2, np.float32))
    return _overlap(box, seen) >= SAME_THING


def _overlap(a: BoxArray, b: BoxArray) -> float:
    """Intersection over union of two boxes xyxy."""
    sides: NDArray[np.float32] = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = float(np.clip(sides, 0, None).prod())
    return shared / float((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared)
