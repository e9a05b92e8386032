"""Scoring of data sets that annotate single frames: one entry per sentence and frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, FiniteFloat, RootModel

from refervid.core.types import Mask, ScoredMask
from refervid.datasets.base import Scores
from refervid.datasets.item import Item
from refervid.datasets.problems import Problems
from refervid.datasets.rle import Rle, decode, encode
from refervid.datasets.scoring import Measured, measure_items, missing_notes, row_of
from refervid.datasets.tables import read_model
from refervid.metrics.a2d import Entry, Prediction, overlap, scores

SCORED_PREDICTIONS = "predictions.json"
"""Beside or in place of the pictures: several scored masks per entry."""


class CocoResult(BaseModel):
    """One entry of COCO's result format; `image_id` is VIDEO/EXPRESSION/FRAME, `bbox` x, y, width, height."""

    model_config = ConfigDict(frozen=True)

    image_id: str
    segmentation: Rle
    score: FiniteFloat
    bbox: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat] | None = None


def coco_result(one: ScoredMask) -> dict[str, Any]:
    """As `CocoResult` without its `image_id`, ready for JSON."""
    result: dict[str, Any] = {"segmentation": encode(one.mask), "score": one.score}
    if one.box_xyxy is not None:
        x1, y1, x2, y2 = (float(edge) for edge in one.box_xyxy)
        result["bbox"] = [x1, y1, x2 - x1, y2 - y1]
    return result


def score_single_frames(items: list[Item], known: Sequence[Item], predictions: Path, workers: int) -> Scores:
    """P@K, overall and mean IoU and mAP over all entries; rows hold every item's IoU. Of boxes too, where the
    file has them.

    Masks come from `predictions.json` if there is one, else from the pictures, with score 1. A picture
    that is all black stands for no prediction. `known` are all items of the data set: the file may hold
    predictions for those that are not scored, and for nothing else.
    """
    measured = measure_items(items, predictions, _codes, workers)
    file = predictions / SCORED_PREDICTIONS
    if file.is_file():
        measured = _with_predictions_of(file, items, known, measured)
    entries, rows = [], []
    for item, each in zip(items, measured, strict=True):
        own = [
            Entry(f"{item.name}/{frame}", truth, found)
            for frame, (truth, found) in zip(item.frames, each.numbers, strict=True)
        ]
        entries += own
        iou = sum(overlap(entry).iou for entry in own) / len(own)
        rows.append(row_of(item, {"IoU": iou}, each.missing))
    return Scores(scores(entries), rows, missing_notes(items, measured))


def _codes(
    frames: Iterator[tuple[Mask, Mask, Mask | None]],
) -> list[tuple[dict[str, Any], list[Prediction]]]:
    """Truth and predictions of every frame as run-length codes."""
    return [
        (encode(truth), [Prediction(encode(mask), 1.0)] if mask.any() else []) for truth, mask, _ in frames
    ]


def _with_predictions_of(
    file: Path, items: Sequence[Item], known: Sequence[Item], measured: Sequence[Measured]
) -> list[Measured]:
    """`measured` with the file's masks in place of the pictures. Raises `DatasetError` with all faults."""
    problems = Problems()
    found = _read_scored(file, known, problems)
    exchanged, misfits = [], []
    for item, each in zip(items, measured, strict=True):
        numbers = []
        for frame, (truth, _) in zip(item.frames, each.numbers, strict=True):
            name = f"{item.name}/{frame}"
            masks = found.get(name, [])
            if any(list(mask.segmentation.size) != truth["size"] for mask in masks):
                misfits.append(name)
                continue
            with problems.collected():
                numbers.append((truth, [_prediction(mask, file) for mask in masks]))
        missing = sum(f"{item.name}/{frame}" not in found for frame in item.frames)
        exchanged.append(Measured(numbers, missing, ()))
    problems.several(file, misfits, "not of the frame's size", "write masks at the frame's size")
    problems.raise_any("predictions")
    return exchanged


def _read_scored(file: Path, known: Sequence[Item], problems: Problems) -> dict[str, list[CocoResult]]:
    """By `image_id`, in file order."""
    found: dict[str, list[CocoResult]] = {}
    for mask in read_model(file, RootModel[list[CocoResult]], problems).root:
        found.setdefault(mask.image_id, []).append(mask)
    names = {f"{item.name}/{frame}" for item in known for frame in item.frames}
    strangers = [name for name in found if name not in names]
    problems.several(file, strangers, "not in this data set", "image_id must be VIDEO/EXPRESSION/FRAME")
    return found


def _prediction(mask: CocoResult, file: Path) -> Prediction:
    """Raises `DatasetError` if the code is damaged."""
    decode(mask.segmentation, file)
    code = {"size": list(mask.segmentation.size), "counts": mask.segmentation.counts}
    return Prediction(code, mask.score, mask.bbox)
