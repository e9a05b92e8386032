"""From what someone pointed at to its masks: no sentence, no detector, the tracker alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

import numpy as np

from refervid.core.arguments import need_number
from refervid.core.boxes import box_area
from refervid.core.errors import SettingsError
from refervid.core.types import Hook, MarkReference, Pivot, no_hook
from refervid.engines.base import Tracker
from refervid.media.clip import Clip
from refervid.media.opening import open_clip
from refervid.pipelines.base import Video, reference_slugs
from refervid.pipelines.correct import mark_decision
from refervid.pipelines.presets import load
from refervid.pipelines.segment import LoadOptions
from refervid.pipelines.stages import Stages
from refervid.report.objects import TrackedObject
from refervid.report.outcome import status_of
from refervid.report.result import Result


def track(
    video: Video,
    objects: Mapping[str, Sequence[Pivot]],
    *,
    hook: Hook = no_hook,
    **options: Unpack[LoadOptions],
) -> list[Result]:
    """Carry things you point at through `video`: by name, each with boxes, points or masks on some frames.

    One result per object, in order. Options are those of `load`; of the preset only the tracker works.
    Raises `SettingsError` where nothing is pointed at or a mark does not fit the clip, and whatever `load`
    and `open_clip` do.

    >>> mark = refervid.Pivot(0, box_xyxy=np.array([13, 53, 43, 83], np.float32))
    >>> [disc] = refervid.track(clip, {"the disc": [mark]}, preset="lite", device="cpu")
    >>> disc.query, bool(disc.areas.all())
    ('the disc', True)
    """
    pipeline = load(sound=False, **options)
    clip = video if isinstance(video, Clip) else open_clip(video)
    return track_with(pipeline.tracker, clip, objects, pipeline.preset, hook)


def check_marks(clip: Clip, objects: Mapping[str, Sequence[Pivot]]) -> None:
    """Raises `SettingsError` for marks that do not fit the clip."""
    if not isinstance(objects, Mapping):
        raise SettingsError(f"objects={objects!r:.60} is no mapping of names to pivots")
    if not objects or not all(objects.values()):
        raise SettingsError("nothing to track: give a box, points or a mask on a frame of each object")
    for name, pivots in objects.items():
        if not isinstance(pivots, Sequence) or not all(isinstance(pivot, Pivot) for pivot in pivots):
            raise SettingsError(f"{name}: {pivots!r:.60} is no list of refervid.Pivot")
        for pivot in pivots:
            _check_form(name, pivot)
            _check_place(name, pivot, clip)


def _check_place(name: str, pivot: Pivot, clip: Clip) -> None:
    size = f"{clip.width}x{clip.height}"
    if not 0 <= pivot.frame_index < len(clip):
        raise SettingsError(f"{name}: frame {pivot.frame_index}: the clip has frames 0 to {len(clip) - 1}")
    points, box, mask = pivot.points_xy, pivot.box_xyxy, pivot.mask
    if points is not None and not ((points >= 0) & (points <= (clip.width, clip.height))).all():
        raise SettingsError(f"{name}: a point lies outside the frame, which has {size} pixels")
    # A box without area says that the object is away.
    if box is not None and box_area(box) > 0 and not box_area(np.clip(box, 0, [clip.width, clip.height] * 2)):
        raise SettingsError(f"{name}: a box lies outside the frame, which has {size} pixels")
    if mask is not None and mask.shape != (clip.height, clip.width):
        raise SettingsError(f"{name}: a mask of {mask.shape[1]}x{mask.shape[0]} pixels on frames of {size}")


def _check_form(name: str, pivot: Pivot) -> None:
    """Raises `SettingsError` for other arrays than `Pivot` says: lists, another shape, what is no number."""
    need_number(f"{name}: frame_index", pivot.frame_index, whole=True)
    points = () if pivot.points_xy is None else pivot.points_xy
    count = np.shape(points)[:1] or (0,)
    for field, shape in (("box_xyxy", (4,)), ("points_xy", (*count, 2)), ("point_labels", count)):
        value = getattr(pivot, field)
        if value is None:
            continue
        if not isinstance(value, np.ndarray) or value.shape != shape or not np.isfinite(value).all():
            raise SettingsError(f"{name}: {field}={value!r:.60} is no array of numbers of shape {shape}")


def track_with(
    tracker: Tracker, clip: Clip, objects: Mapping[str, Sequence[Pivot]], preset: str, hook: Hook
) -> list[Result]:
    """As `track`, with a tracker that is there already."""
    check_marks(clip, objects)
    stages = Stages(hook)
    with stages.stage("track", len(clip)) as stage:
        tracks = tracker.track(clip, list(objects.values()), stage.hook)
        stage.artefact = tracks
    references = [MarkReference(name) for name in objects]
    slugs = reference_slugs(references)
    results = []
    for reference, slug, pivots, found in zip(references, slugs, objects.values(), tracks, strict=True):
        results.append(
            Result(
                clip,
                reference,
                slug,
                status_of(clip, found),
                found,
                preset,
                pivots=list(pivots),
                decisions=[mark_decision("mark", pivot) for pivot in pivots],
                timings_s=dict(stages.seconds),
                engines={"tracker": f"{tracker.name} {tracker.version}"},
                objects=[TrackedObject(1, tuple(pivots), found)],
            )
        )
    return results
