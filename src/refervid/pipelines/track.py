"""From what someone pointed at to its masks: no sentence, no detector, the tracker alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from refervid.core.types import Hook, MarkReference, Pivot, no_hook
from refervid.engines.base import Tracker
from refervid.media.clip import Clip
from refervid.media.opening import open_clip
from refervid.pipelines.base import Video, reference_slugs
from refervid.pipelines.marks import check_marks, mark_decision
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
                notes=list(clip.notes),
                pivots=list(pivots),
                decisions=[mark_decision("mark", pivot) for pivot in pivots],
                timings_s=dict(stages.seconds),
                engines={"tracker": f"{tracker.name} {tracker.version}"},
                objects=[TrackedObject(1, tuple(pivots), found)],
            )
        )
    return results
