"""Objects made of parts of objects: cut, joined, and carried on where tracking was stopped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from refervid.core.errors import SettingsError
from refervid.core.track import Track, union
from refervid.core.types import Hook, Pivot
from refervid.engines.base import Tracker
from refervid.media.clip import Clip
from refervid.pipelines.correct import surest_mask
from refervid.pipelines.session.files import runs_of
from refervid.report.objects import TrackedObject


def part_of(one: TrackedObject, frames: range) -> TrackedObject:
    """An object on these frames alone. Raises `SettingsError` where it has no mask on them."""
    whole = Track(len(one.whole), one.whole.height, one.whole.width)
    whole.written[:] = True
    whole.take(one.whole, frames)
    if not whole.areas().any():
        where = f"before frame {frames.stop}" if frames.start == 0 else f"from frame {frames.start} on"
        raise SettingsError(f"{one.name} has no mask {where}: choose another frame")
    pivots = tuple(pivot for pivot in one.pivots if pivot.frame_index in frames)
    return replace(one, pivots=pivots or (surest_mask(whole),), whole=whole)


def without_end(one: TrackedObject, frame: int) -> TrackedObject:
    """An object that is away from `frame` on, which a mark says that holds nothing."""
    kept = part_of(one, range(frame))
    away = Pivot(frame, mask=np.zeros((one.whole.height, one.whole.width), bool))
    return replace(kept, pivots=(*kept.pivots, away))


def merged(one: TrackedObject, other: TrackedObject) -> TrackedObject:
    """The first with the masks of both; on the frames of their marks these hold from now on."""
    whole = union([one.track, other.track], len(one.whole), one.whole.height, one.whole.width)
    whole.written = one.whole.written & other.whole.written
    frames = sorted({pivot.frame_index for pivot in (*one.pivots, *other.pivots)})
    return TrackedObject(one.id, tuple(Pivot(frame, mask=whole[frame]) for frame in frames), whole, one.name)


def unfinished_runs(track: Track) -> list[range]:
    """The frames that its tracker has not come to."""
    return [range(start, end) for start, end in runs_of(~track.written)]


def finish(tracker: Tracker, clip: Clip, one: TrackedObject, run: range, hook: Hook) -> TrackedObject:
    """An object with the frames of `run` carried on from what was done on both sides of them."""
    whole = one.whole.copy()
    seen = np.flatnonzero(whole.areas() > 0)
    near = [*seen[seen < run.start][-1:].tolist(), *seen[seen >= run.stop][:1].tolist()]
    if near:
        start = near[0]
        beyond = start - 1 if start < run.start else start + 1  # what lies on that side is done
        fences = [frame for frame in (beyond, *near[1:]) if 0 <= frame < len(clip)]
        pivots = [pivot for pivot in one.pivots if pivot.frame_index not in (start, *fences)]
        pivots += [Pivot(frame, mask=whole[frame]) for frame in fences]
        carried = tracker.correct(clip, pivots, whole, Pivot(start, mask=whole[start]), hook)
        whole.take(carried, run)
    whole.written[run.start : run.stop] = True
    return replace(one, whole=whole)
