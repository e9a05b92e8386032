"""A result read again from its folder. What lies there may be from a stranger: nothing of it is trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from refervid.config.problems import problems_of
from refervid.core.arguments import need_path
from refervid.core.errors import BadResult, MediaNotFound, SettingsError
from refervid.core.files import read_file
from refervid.core.rle import decode_mask
from refervid.core.track import Track
from refervid.core.types import (
    Candidate,
    Decision,
    Frame,
    MarkReference,
    Pivot,
    Reference,
    SoundReference,
    Spending,
    TextReference,
)
from refervid.media.clip import Clip
from refervid.media.limits import DEFAULT_MAX_PIXELS, check_size
from refervid.media.opening import open_clip
from refervid.report.objects import TrackedObject, union_of
from refervid.report.outcome import Kind
from refervid.report.record import (
    DecisionRecord,
    ObjectRecord,
    PivotRecord,
    QueryRecord,
    ResultRecord,
    VideoRecord,
)


class _Rle(BaseModel):
    size: tuple[int, int]
    counts: str


class _Annotation(BaseModel):
    category_id: int
    object_id: int
    segmentations: list[_Rle | None]


class _Objects(BaseModel):
    """What is read of objects.json."""

    annotations: list[_Annotation]


class StoredClip(Clip):
    """What a result knows of its clip, without the frames."""

    def __init__(self, record: VideoRecord) -> None:
        self.source = Path(record.name)
        self.name = record.name
        self.height, self.width = record.height, record.width
        self.start_s = record.start_s
        self.times_s = np.array(record.times_s, np.float64)
        self.notes = list(record.notes)
        self.complete = record.complete
        self._frame_names = record.frame_names

    def frame(self, index: int) -> Frame:
        raise MediaNotFound(f"the result of {self.name} holds no frames: load it with video=...")

    def frame_name(self, index: int) -> str:
        return self._frame_names[index]


def load_outcomes(kind: type[Kind], folder: str | Path, video: str | Path | Clip | None = None) -> list[Kind]:
    """The outcomes that lie in `folder`, as objects of the class `kind`.

    `video` is what they are of, for its frames. Pictures that a chooser looked at, masks of candidates and
    errors are not stored. Raises `BadResult` where result.json or objects.json is missing or damaged,
    `SettingsError` for a video of another length or size and a `folder` that is no path, `MediaTooLarge`, and
    what `open_clip` does.
    """
    folder = need_path("folder", folder)
    record = _read(folder / "result.json", ResultRecord)
    masks = _read(folder / "objects.json", _Objects)
    shape = record.video
    check_size(folder, shape.width, shape.height, shape.frames, DEFAULT_MAX_PIXELS)
    if not len(shape.times_s) == len(shape.frame_names) == shape.frames:
        raise BadResult(f"{folder}: times and names of frames are not as many as frames")
    clip = StoredClip(shape) if video is None else video if isinstance(video, Clip) else open_clip(video)
    if (len(clip), clip.height, clip.width) != (shape.frames, shape.height, shape.width):
        raise SettingsError(
            f"the result in {folder} is of {shape.frames} frames of {shape.width}x{shape.height}, the video "
            f"has {len(clip)} of {clip.width}x{clip.height}: give the one it was made from"
        )
    spending = None if record.spending is None else Spending(**record.spending.model_dump())
    loaded = []
    for number, query in enumerate(record.queries, 1):
        own = {one.object_id: one.segmentations for one in masks.annotations if one.category_id == number}
        objects = tuple(_object(one, own.get(one.id), clip, folder) for one in query.objects)
        fields = outcome_fields(query, objects, clip)
        loaded.append(kind(**fields, preset=record.preset, engines=record.engines, spending=spending))
    return loaded


def _read(path: Path, model: type[Any]) -> Any:
    try:
        return model.model_validate_json(read_file(path))
    except OSError as error:
        raise BadResult(f"{path} cannot be read ({error.strerror}): name the folder of a result") from error
    except ValidationError as error:
        raise BadResult(f"{path} is not as this program writes it: {problems_of(error)[:300]}") from error


def outcome_fields(query: QueryRecord, objects: tuple[TrackedObject, ...], clip: Clip) -> dict[str, Any]:
    """What a record and its objects say of an outcome, but for `preset`, `engines` and `spending`."""
    references: dict[str, Reference] = {
        "text": TextReference(query.query),
        "sound": SoundReference(),
        "mark": MarkReference(query.query),
    }
    track = union_of(objects, clip)
    return {
        "clip": clip,
        "reference": references[query.kind],
        "slug": query.slug,
        "status": query.status,
        "track": track,
        "confidence": query.confidence,
        "pivots": [_pivot(pivot, track) for pivot in query.pivots],
        "decisions": [_decision(decision) for decision in query.decisions],
        "notes": query.notes,
        "timings_s": query.timings_s,
        "objects": objects,
        "sound": None if query.sound is None else query.sound.model_dump(),
    }


def _object(record: ObjectRecord, masks: list[_Rle | None] | None, clip: Clip, folder: Path) -> TrackedObject:
    track = Track(len(clip), clip.height, clip.width)
    if masks is None or not len(masks) == len(record.presence) == len(clip):
        raise BadResult(f"{folder}: object {record.id} has not one mask for every frame")
    for index, mask in enumerate(masks):
        if mask is not None:
            try:
                track[index] = decode_mask(mask.counts.encode(), clip.height, clip.width)
            except ValueError as error:
                raise BadResult(f"{folder}: object {record.id}, frame {index}: {error}") from error
    track.presence[:] = record.presence
    return TrackedObject(record.id, tuple(_pivot(one, track) for one in record.pivots), track, record.name)


def _pivot(record: PivotRecord, track: Track) -> Pivot:
    if record.frame >= len(track):
        raise BadResult(f"a pivot on frame {record.frame} of {len(track)}")
    own = record.box_xyxy is None and record.points_xy is None
    return record.pivot(track[record.frame] if own else None)


def _decision(record: DecisionRecord) -> Decision:
    candidates = tuple(
        Candidate(np.array(one.box_xyxy, np.float32), one.score, one.phrase) for one in record.candidates
    )
    return Decision(
        record.question,
        record.answer,
        record.source,
        record.reason,
        record.section,
        record.frame,
        record.model,
        record.prompt_version,
        record.raw,
        candidates=candidates,
        chosen=tuple(record.chosen),
    )
