"""From the references on one video to the files that a run keeps of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from traceback import format_exception
from typing import Any

from refervid.core.errors import (
    BadCheckpoint,
    BudgetExceeded,
    ChooserUnavailable,
    DeviceError,
    MissingExtra,
    MissingWeights,
    NotReady,
    OutOfMemory,
    RefervidError,
    RemoteNotAllowed,
    SettingsError,
    StorageFailed,
)
from refervid.datasets.contents import video_digest
from refervid.datasets.item import Item
from refervid.datasets.registry import dataset_class
from refervid.datasets.single_frames import coco_result
from refervid.evaluation.single_frames import Scored, best_mask, scored_frames
from refervid.media.clip import Clip
from refervid.media.pictures import mask_png
from refervid.pipelines.base import Pipeline
from refervid.report.record import query_content
from refervid.report.result import Result

log = logging.getLogger(__name__)

FATAL = (
    BadCheckpoint,
    BudgetExceeded,
    ChooserUnavailable,
    DeviceError,
    MissingExtra,
    MissingWeights,
    NotReady,
    RemoteNotAllowed,
    SettingsError,
    StorageFailed,
)
"""Errors that would meet every further item too; of these `OutOfMemory` alone may be one clip's own."""


@dataclass(frozen=True)
class Answer:
    """What is kept of one item: its record, and pictures as `{(folder, folder): {file name: content}}`.

    A record holds `status`; if that is `failed` it holds `error` and there are no pictures. Where several
    masks of a frame are scored it holds them as `predictions`, by frame, run-length encoded. `video` is the
    digest of the files that were read for it, where something came of it.
    """

    item: Item
    record: Mapping[str, Any]
    pictures: Mapping[tuple[str, str], Mapping[str, bytes]]
    video: str | None = None

    @classmethod
    def failure(cls, item: Item, error: str) -> Answer:
        log.warning("%s failed: %s", item.name, error.strip().splitlines()[-1])
        return cls(item, {"status": "failed", "error": error}, {})


@dataclass(frozen=True)
class VideoWork:
    """What is to be done on one video; `whole` if that is all that the run asks of it."""

    items: tuple[Item, ...]
    whole: bool


def answer_video(work: VideoWork, pipeline: Pipeline) -> list[Answer]:
    """One answer per item; the video is opened and analysed once.

    Whatever fails is recorded with the items that it concerns; raises only what would meet all others too.
    """
    try:
        clip = work.items[0].video.open()
    except RefervidError as error:
        return [Answer.failure(item, f"{type(error).__name__}: {error}") for item in work.items]
    answers = _answer(work, clip, pipeline)
    if all(answer.record["status"] == "failed" for answer in answers):
        return answers
    return [replace(answer, video=video_digest(work.items[0].video)) for answer in answers]


def _answer(work: VideoWork, clip: Clip, pipeline: Pipeline) -> list[Answer]:
    items = work.items
    dataset = dataset_class(items[0].dataset)
    try:
        if dataset.single_frames:
            scored = scored_frames(items, clip, pipeline)
            if scored is not None:
                return [_of_scored(item, scored[item.name]) for item in items]
        results = pipeline.run(clip, [item.reference for item in items])
    except Exception as error:
        if isinstance(error, FATAL) and not isinstance(error, OutOfMemory):
            raise
        if len(items) > 1:  # one bad expression must not take the others along
            return [answer for item in items for answer in _answer(VideoWork((item,), False), clip, pipeline)]
        if isinstance(error, RefervidError):
            return [Answer.failure(items[0], f"{type(error).__name__}: {error}")]
        # A mistake of ours: a night's work must not end with it.
        return [Answer.failure(items[0], "".join(format_exception(error)))]
    merged = {}
    if work.whole and not any(result.status == "failed" for result in results):
        merged = dataset.merged_pictures(items, [one.track for one in results], pipeline.background_logit)
    return [
        _of_result(item, result, merged.get(item.name, {}))
        for item, result in zip(items, results, strict=True)
    ]


def _of_scored(item: Item, scored: Mapping[str, Scored]) -> Answer:
    predictions = {frame: [coco_result(one) for one in masks] for frame, masks in scored.items()}
    pictures = {f"{frame}.png": mask_png(best_mask(masks)) for frame, masks in scored.items()}
    record = {"status": "ok", "predictions": predictions}
    return Answer(item, record, {(item.video.name, item.expression_id): pictures})


def _of_result(item: Item, result: Result, more: Mapping[tuple[str, str], Mapping[str, bytes]]) -> Answer:
    if result.status == "failed":
        if isinstance(result.error, FATAL):
            raise result.error
        return Answer.failure(item, "; ".join(result.notes))
    dataset = dataset_class(item.dataset)
    objects = [(one.name, one.track) for one in result.objects if one.name]
    record = query_content(result)
    record["notes"] = [*record["notes"], *dataset.doubts(objects)]
    pictures = dataset.pictures(item, result.track, objects)
    return Answer(item, record, {**more, (item.video.name, item.expression_id): pictures})
