"""From pivots to tracks: all references through the tracker at once, and once more for what that leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from refervid.core.boxes import SAME_OBJECT, box_iou, box_of
from refervid.core.digests import objects_digest
from refervid.core.track import Track
from refervid.core.types import Pivot
from refervid.engines.base import Tracker
from refervid.media.clip import Clip
from refervid.pipelines.pivot.selection import Selection
from refervid.pipelines.stages import Stages
from refervid.report.objects import TrackedObject


def track_objects(
    clip: Clip, selections: Sequence[Selection], tracker: Tracker, stages: Stages, *, agreement: bool
) -> list[Selection]:
    """The selections with a track for every object that has none yet.

    A pivot that could not be linked to an object (`Selection.others`) is tracked too, as an object of its
    own, unless a track covers it. With `agreement` pivots that belong to something else are left out first.
    """
    tracked = list(selections)
    waiting = [place for place, one in enumerate(selections) if one.objects and not one.tracked]
    chosen = [selections[place] for place in waiting]
    if agreement:
        chosen = _agreeing(clip, chosen, tracker, stages)
    tracks = _tracks(clip, [one.objects for one in chosen], tracker, stages)
    late: list[tuple[tuple[Pivot, ...], ...]] = [
        tuple((pivot,) for pivot in one.others if not any(_covers(track, pivot) for track in own))
        for one, own in zip(chosen, tracks, strict=True)
    ]
    more = _tracks(clip, late, tracker, stages)
    for place, one, own, objects, further in zip(waiting, chosen, tracks, late, more, strict=True):
        objects = (*one.objects, *objects)
        pairs = zip(objects, [*own, *further], strict=True)
        done = tuple(TrackedObject(number, *pair) for number, pair in enumerate(pairs, 1))
        tracked[place] = replace(one, objects=objects, others=(), tracked=done)
    return tracked


def _agreeing(
    clip: Clip, selections: Sequence[Selection], tracker: Tracker, stages: Stages
) -> list[Selection]:
    """Track each pivot of an object alone; those stay that most agree with, of equals the first.

    Two sections may start with different things, and a tracker given both mixes them.
    """
    kept = list(selections)
    doubtful = [
        place for place, one in enumerate(selections) if len(one.objects) == 1 and len(one.objects[0]) > 1
    ]
    singles = [tuple((pivot,) for pivot in selections[place].objects[0]) for place in doubtful]
    for place, tracks in zip(doubtful, _tracks(clip, singles, tracker, stages), strict=True):
        kept[place] = _without_strangers(selections[place], tracks)
    return kept


def _without_strangers(selection: Selection, tracks: Sequence[Track]) -> Selection:
    """`tracks` are those of the single object's pivots, each alone."""
    [pivots] = selection.objects
    groups = [
        tuple(other for other in pivots if other is pivot or _covers(track, other))
        for pivot, track in zip(pivots, tracks, strict=True)
    ]
    largest = max(groups, key=len)
    left_out = [pivot.frame_index for pivot in pivots if pivot not in largest]
    if not left_out:
        return selection
    frames = ", ".join(map(str, left_out))
    note = f"the box on frame {frames} is left out: it holds something else than the others"
    return replace(selection.noted([note]), objects=(largest,))


def _tracks(
    clip: Clip, groups: Sequence[Sequence[Sequence[Pivot]]], tracker: Tracker, stages: Stages
) -> list[list[Track]]:
    """Tracks of the objects of every group; what starts alike for several sentences is tracked once."""
    starts = [[objects_digest([pivots]) for pivots in group] for group in groups]
    objects = dict(zip(chain.from_iterable(starts), chain.from_iterable(groups), strict=True))
    tracks: dict[str, Track] = {}
    if objects:
        with stages.stage("track", len(clip)) as stage:
            stage.artefact = found = tracker.track(clip, list(objects.values()), stage.hook)
        tracks = dict(zip(objects, found, strict=True))
    return [[tracks[start] for start in group] for group in starts]


def _covers(track: Track, pivot: Pivot) -> bool:
    if pivot.box_xyxy is None:
        return False
    box = box_of(track[pivot.frame_index])
    if box is None:
        return False
    seen = np.clip(pivot.box_xyxy, 0, np.array([track.width, track.height] * 2, np.float32))
    return box_iou(box, seen) >= SAME_OBJECT
