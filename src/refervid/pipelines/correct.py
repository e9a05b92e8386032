"""A person's corrections of a result: a mark on one frame, from which the object is tracked anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from refervid.core.errors import SettingsError
from refervid.core.track import Track
from refervid.core.types import Decision, Hook, Pivot, no_hook
from refervid.engines.base import Tracker
from refervid.media.clip import Clip
from refervid.pipelines.marks import check_marks, mark_decision
from refervid.pipelines.stages import Stages
from refervid.report.objects import TrackedObject, union_of
from refervid.report.outcome import status_of
from refervid.report.result import Result


def correct(
    tracker: Tracker, result: Result, mark: Pivot, *, afresh: bool = False, hook: Hook = no_hook
) -> Result:
    """`result` with one object tracked anew from `mark`, both ways as far as its neighbouring pivots.

    Points alone correct the mask that the object has on the mark's frame; a box or a mask replaces it.
    Of several objects the one is meant that lies under the mark, or nearest to it. With `afresh` all that
    was tracked is forgotten, and the mark alone starts the answer. Where a thing counts only while it is
    heard, that stays so. Raises `SettingsError` for a mark that does not fit the clip.

    >>> mark = refervid.Pivot(6, box_xyxy=np.array([31, 53, 61, 83], np.float32))
    >>> refervid.correct(pipeline.tracker, result, mark).decisions[-1].question
    'correction'
    """
    clip, stages = result.clip, Stages(hook)
    check_marks(clip, {result.query: [mark]})
    tracked = [] if afresh else [with_start(one) for one in result.objects]
    with stages.stage("track", len(clip)) as stage:
        if tracked:
            place = nearest_object(tracked, mark)
            tracked[place] = correct_object(tracker, clip, tracked[place], mark, stage.hook)
        else:
            [track] = tracker.track(clip, [[mark]], stage.hook)
            tracked = [_only_object(result, mark, track)]
        stage.artefact = [one.whole for one in tracked]
    track = union_of(tracked, clip)
    return replace(
        result,
        status=status_of(clip, track),
        confidence=1.0,
        track=track,
        pivots=[pivot for one in tracked for pivot in one.pivots],
        decisions=[
            *result.decisions,
            mark_decision("correction", mark, "started over from here" if afresh else ""),
        ],
        timings_s=dict(stages.seconds),
        engines={**result.engines, "tracker": f"{tracker.name} {tracker.version}"},
        objects=tracked,
    )


def candidate_pivot(decision: Decision, number: int) -> Pivot:
    """Candidate `number` (from 1, as in pictures) of a recorded decision, as what a tracker starts from.

    Raises `SettingsError` for a candidate that the decision does not have.

    >>> box = np.array([10, 20, 50, 60], np.float32)
    >>> seen = [refervid.Candidate(box, 0.8, "a cup")]
    >>> decision = refervid.Decision("box", 1, "user", frame_index=4, candidates=seen)
    >>> refervid.candidate_pivot(decision, 1).frame_index
    4
    """
    if decision.frame_index is None or not 1 <= number <= len(decision.candidates):
        raise SettingsError(f"candidate {number}: this decision has {len(decision.candidates)} candidates")
    chosen = decision.candidates[number - 1]
    return Pivot(decision.frame_index, chosen.box_xyxy, chosen.mask)


def with_start(one: TrackedObject) -> TrackedObject:
    """An object that has a pivot: of one that no tracker made, its mask on the surest frame is a start."""
    return one if one.pivots else replace(one, pivots=(surest_mask(one.whole),))


def surest_mask(track: Track) -> Pivot:
    """What a track can be tracked from anew: its mask on the frame where it is surest."""
    frame = int(np.where(track.areas() > 0, track.presence, -1.0).argmax())
    return Pivot(frame, mask=track[frame])


def correct_object(
    tracker: Tracker, clip: Clip, one: TrackedObject, mark: Pivot, hook: Hook
) -> TrackedObject:
    """One object tracked anew from `mark`, as far as its neighbouring pivots."""
    others = [pivot for pivot in one.pivots if pivot.frame_index != mark.frame_index]
    return with_mark(one, mark, tracker.correct(clip, others, one.whole, mark, hook))


def with_mark(one: TrackedObject, mark: Pivot, track: Track) -> TrackedObject:
    """An object with the `track` that was made anew from `mark`."""
    if _is_points(mark) and track.written[mark.frame_index]:
        # What the points made of the mask holds from now on, whatever else is corrected.
        mark = Pivot(mark.frame_index, mask=track[mark.frame_index])
    others = [pivot for pivot in one.pivots if pivot.frame_index != mark.frame_index]
    pivots = sorted([*others, mark], key=lambda pivot: pivot.frame_index)
    return replace(one, pivots=tuple(pivots), whole=track)


def nearest_object(tracked: Sequence[TrackedObject], mark: Pivot) -> int:
    """The place of the object with most of the mark on it; of several without any, of the nearest."""
    x, y = _middle(mark)
    gaps = []
    for one in tracked:
        ys, xs = np.nonzero(one.whole[mark.frame_index])
        gaps.append(float(np.hypot(xs - x, ys - y).min()) if len(xs) else np.inf)
    return int(np.argmin(gaps))


def _middle(mark: Pivot) -> tuple[float, float]:
    """(x, y) of the mark in pixels: of the points on the object, or of all if there are none."""
    if mark.points_xy is not None and mark.point_labels is not None:
        kept = mark.points_xy[mark.point_labels]
        x, y = (kept if len(kept) else mark.points_xy).mean(axis=0)
    elif mark.box_xyxy is not None:
        x, y = (mark.box_xyxy[:2] + mark.box_xyxy[2:]) / 2
    else:
        mask = mark.mask
        x, y = (0, 0) if mask is None or not mask.any() else (v.mean() for v in np.nonzero(mask)[::-1])
    return float(x), float(y)


def _only_object(result: Result, mark: Pivot, track: Track) -> TrackedObject:
    """It counts whenever one of the former objects did."""
    times = [one.shown for one in result.objects if one.shown is not None]
    name = result.objects[0].name if result.objects else ""
    return TrackedObject(1, (mark,), track, name, np.logical_or.reduce(times) if times else None)


def _is_points(mark: Pivot) -> bool:
    return mark.points_xy is not None and mark.box_xyxy is None and mark.mask is None
