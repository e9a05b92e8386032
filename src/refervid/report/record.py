"""The form of result.json: what is written, and what is read again, goes through these models.

`docs/result.schema.json` is their JSON schema. A change that readers would stumble over raises `VERSION`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from refervid import __version__
from refervid.config.frozen import Frozen
from refervid.core.types import (
    Candidate,
    Decision,
    MarkReference,
    Mask,
    Pivot,
    Reference,
    SoundReference,
    Source,
    Status,
    TextReference,
)
from refervid.media.clip import Clip
from refervid.report.objects import TrackedObject
from refervid.report.outcome import Outcome, overall_status

VERSION: Literal[1] = 1

KINDS: Mapping[type[Reference], Literal["text", "sound", "mark"]] = {
    TextReference: "text",
    SoundReference: "sound",
    MarkReference: "mark",
}

FARTHEST = 1e9
"""Beyond any frame, and still a pixel's number in what draws boxes."""
Coordinate = Annotated[float, Field(ge=-FARTHEST, le=FARTHEST)]
Box = tuple[Coordinate, Coordinate, Coordinate, Coordinate]
"""xyxy, pixels of the displayed frame."""
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class CandidateRecord(Frozen):
    box_xyxy: Box
    score: float
    phrase: str


class DecisionRecord(Frozen):
    """`chosen` are places in `candidates`, from 0; boxes in `answer` are numbered from 1, as in pictures."""

    question: str
    section: int | None
    frame: int | None
    answer: str | int | None
    chosen: list[int]
    source: Source
    reason: str
    model: str | None
    prompt_version: str | None
    raw: str | None
    candidates: list[CandidateRecord]


class PivotRecord(Frozen):
    """Without box and points: the object's own mask on this frame."""

    frame: int = Field(ge=0)
    box_xyxy: Box | None
    points_xy: list[tuple[Coordinate, Coordinate]] | None
    point_labels: list[bool] | None

    def pivot(self, mask: Mask | None) -> Pivot:
        return Pivot(
            self.frame,
            None if self.box_xyxy is None else np.array(self.box_xyxy, np.float32),
            mask,
            None if self.points_xy is None else np.array(self.points_xy, np.float32).reshape(-1, 2),
            None if self.point_labels is None else np.array(self.point_labels, bool),
        )


class ObjectRecord(Frozen):
    """One object of an answer; its masks are the annotation with its id in objects.json."""

    id: int = Field(ge=1)
    name: str
    pivots: list[PivotRecord]
    presence: list[float]


class SoundRecord(Frozen):
    """`objects` are the frames on which sounding things were named, `boxes` numbers from 1, times seconds."""

    objects: dict[str, int]
    boxes: dict[str, int]
    intervals: list[tuple[float, float]]


class QueryRecord(Frozen):
    """Lists over frames have one entry per frame; a box is null where the mask is empty."""

    query: str
    kind: Literal["text", "sound", "mark"]
    slug: str
    status: Status
    confidence: float = Field(ge=0, le=1)
    notes: list[str]
    pivots: list[PivotRecord]
    objects: list[ObjectRecord]
    decisions: list[DecisionRecord]
    areas: list[int]
    boxes_xyxy: list[Box | None]
    presence: list[float]
    sound: SoundRecord | None
    timings_s: dict[str, float]


class VideoRecord(Frozen):
    """`frame_names` are what files about frames are called, without suffix. `times_s` are seconds from the
    first frame, which is shown at `start_s` of the file's own time.
    """

    name: str
    frames: int = Field(ge=1)
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    start_s: float
    times_s: list[float]
    frame_names: list[str]
    complete: bool
    notes: list[str]


class SpendingRecord(Frozen):
    """Of all queries; `usd` is null where a price is not known."""

    model: str
    asked: int
    from_cache: int
    input_tokens: int
    output_tokens: int
    usd: float | None


class FileRecord(Frozen):
    bytes: int
    sha256: Digest


class ResultRecord(Frozen):
    """result.json. `files` are all other files of the result; `seal` tells the file from a changed one."""

    schema_version: Literal[1]
    refervid: str
    video: VideoRecord
    preset: str
    engines: dict[str, str]
    spending: SpendingRecord | None
    status: Status
    queries: list[QueryRecord]
    files: dict[str, FileRecord]
    seal: Digest


def schema() -> dict[str, Any]:
    """The JSON schema of result.json."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **ResultRecord.model_json_schema()}


def result_content(outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
    """What result.json holds of the outcomes on one clip; `files` and `seal` come with the files."""
    first = outcomes[0]
    spending = None if first.spending is None else SpendingRecord(**asdict(first.spending))
    return {
        "schema_version": VERSION,
        "refervid": __version__,
        "video": _video(first.clip).model_dump(mode="json"),
        "preset": first.preset,
        "engines": dict(first.engines),
        "spending": None if spending is None else spending.model_dump(mode="json"),
        "status": overall_status(outcomes),
        "queries": [query_content(outcome) for outcome in outcomes],
    }


def query_content(outcome: Outcome) -> dict[str, Any]:
    """What result.json holds of one outcome, ready for JSON; masks lie elsewhere."""
    record = QueryRecord(
        query=outcome.query,
        kind=KINDS[type(outcome.reference)],
        slug=outcome.slug,
        status=outcome.status,
        confidence=round(outcome.confidence, 4),
        notes=list(outcome.notes),
        pivots=[_pivot(pivot) for pivot in outcome.pivots],
        objects=[_object(one) for one in outcome.objects],
        decisions=[_decision(decision) for decision in outcome.decisions],
        areas=outcome.areas.tolist(),
        boxes_xyxy=[None if np.isnan(box[0]) else _box(box) for box in outcome.boxes_xyxy],
        presence=_rounded(outcome.track.presence),
        sound=None if outcome.sound is None else SoundRecord(**outcome.sound),
        timings_s={stage: round(seconds, 4) for stage, seconds in outcome.timings_s.items()},
    )
    return record.model_dump(mode="json")


def _video(clip: Clip) -> VideoRecord:
    return VideoRecord(
        name=clip.name,
        frames=len(clip),
        width=clip.width,
        height=clip.height,
        start_s=round(clip.start_s, 6),
        times_s=[round(float(time), 6) for time in clip.times_s],
        frame_names=[clip.frame_name(index) for index in range(len(clip))],
        complete=clip.complete,
        notes=list(clip.notes),
    )


def _object(one: TrackedObject) -> ObjectRecord:
    pivots = [_pivot(pivot) for pivot in one.pivots]
    return ObjectRecord(id=one.id, name=one.name, pivots=pivots, presence=_rounded(one.track.presence))


def _pivot(pivot: Pivot) -> PivotRecord:
    return PivotRecord(
        frame=pivot.frame_index,
        box_xyxy=None if pivot.box_xyxy is None else _box(pivot.box_xyxy),
        points_xy=None if pivot.points_xy is None else pivot.points_xy.tolist(),
        point_labels=None if pivot.point_labels is None else pivot.point_labels.tolist(),
    )


def _decision(decision: Decision) -> DecisionRecord:
    return DecisionRecord(
        question=decision.question,
        section=decision.section,
        frame=decision.frame_index,
        answer=decision.answer,
        chosen=list(decision.chosen),
        source=decision.source,
        reason=decision.reason,
        model=decision.model,
        prompt_version=decision.prompt_version,
        raw=decision.raw,
        candidates=[_candidate(candidate) for candidate in decision.candidates],
    )


def _candidate(candidate: Candidate) -> CandidateRecord:
    score = round(float(candidate.score), 4)
    return CandidateRecord(box_xyxy=_box(candidate.box_xyxy), score=score, phrase=candidate.phrase)


def _box(box: Sequence[float] | np.ndarray[Any, Any]) -> Box:
    x0, y0, x1, y1 = (round(float(value), 2) for value in box)
    return x0, y0, x1, y1


def _rounded(values: np.ndarray[Any, Any]) -> list[float]:
    return [round(float(value), 4) for value in values]
