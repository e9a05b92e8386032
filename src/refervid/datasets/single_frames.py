"""Scoring of data sets that annotate single frames: one entry per sentence and frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, RootModel

from refervid.datasets.base import Scores
from refervid.datasets.item import Item
from refervid.datasets.problems import Problems
from refervid.datasets.rle import Rle, decode, encode
from refervid.datasets.scoring import measure_items, missing_notes, row_of
from refervid.datasets.tables import read_model
from refervid.metrics.a2d import Entry, Prediction, overlap, scores
from refervid.types import Mask

SCORED_PREDICTIONS = "predictions.json"
"""Beside or in place of the pictures: several scored masks per entry."""


class ScoredMask(BaseModel):
    """One entry of COCO's result format; `image_id` is VIDEO/EXPRESSION/FRAME."""

    model_config = ConfigDict(frozen=True)

    image_id: str
    segmentation: Rle
    score: float


def score_single_frames(items: list[Item], predictions: Path, workers: int) -> Scores:
    """P@K, overall and mean IoU and mAP over all entries; rows hold every item's IoU.

    Masks come from `predictions.json` if there is one, else from the pictures, with score 1. A picture
    that is all black stands for no prediction.
    """
    measured = measure_items(items, predictions, _codes, workers)
    file = predictions / SCORED_PREDICTIONS
    scored = _read_scored(file) if file.is_file() else None
    entries, rows = [], []
    for item, each in zip(items, measured, strict=True):
        own = []
        for frame, (truth, shown) in zip(item.frames, each.numbers, strict=True):
            name = f"{item.name}/{frame}"
            found = shown if scored is None else scored.get(name, [])
            own.append(Entry(name, truth, found))
        entries += own
        iou = sum(overlap(entry).iou for entry in own) / len(own)
        rows.append(row_of(item, {"IoU": iou}, each.missing if scored is None else 0))
    return Scores(scores(entries), rows, missing_notes(items, measured) if scored is None else [])


def _codes(
    frames: Iterator[tuple[Mask, Mask, Mask | None]],
) -> list[tuple[dict[str, Any], list[Prediction]]]:
    """Truth and predictions of every frame as run-length codes."""
    return [
        (encode(truth), [Prediction(encode(mask), 1.0)] if mask.any() else []) for truth, mask, _ in frames
    ]


def _read_scored(file: Path) -> dict[str, list[Prediction]]:
    problems = Problems()
    found: dict[str, list[Prediction]] = {}
    for each in read_model(file, RootModel[list[ScoredMask]], problems).root:
        with problems.collected():
            decode(each.segmentation, file)
        code = {"size": list(each.segmentation.size), "counts": each.segmentation.counts}
        found.setdefault(each.image_id, []).append(Prediction(code, each.score))
    problems.raise_any("predictions")
    return found
