"""Measures of A2D-Sentences and JHMDB-Sentences: precision at K, overall and mean IoU, and mAP.

One entry is one sentence on one annotated frame, with one true mask and any number of scored
predictions. Masks are kept run-length encoded. The definitions are those of MTTR and SOC; mAP is
pycocotools' `COCOeval` without categories.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

Rle = Mapping[str, Any]
"""COCO object `{"size": [H, W], "counts": str or bytes}`."""

PRECISION_AT = (0.5, 0.6, 0.7, 0.8, 0.9)
AP_NAMES = ("mAP", "AP@0.5", "AP@0.75", "AP small", "AP medium", "AP large")
"""The first six statistics of COCOeval; mAP is over IoU 0.5 to 0.95. -1 where no truth is of that size."""


@dataclass(frozen=True)
class Prediction:
    """One predicted mask with its score; higher is surer. `box` is x, y, width, height in pixels."""

    mask: Rle
    score: float
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Entry:
    """One sentence on one frame; `predictions` in file order, possibly none."""

    name: str
    truth: Rle
    predictions: Sequence[Prediction]


@dataclass(frozen=True)
class Overlap:
    """Pixels shared and pixels covered by the truth and the chosen prediction of one entry."""

    intersection: int
    union: int

    @property
    def iou(self) -> float:
        """In float32 as published: there the 1e-6 vanishes except for an empty union, which gives 1."""
        epsilon = np.float32(1e-6)
        return float((np.float32(self.intersection) + epsilon) / (np.float32(self.union) + epsilon))


def overlap(entry: Entry) -> Overlap:
    """Of the prediction with the highest score, the last one among equals; without any, of an empty mask.

    Raises ValueError if a prediction is not of the truth's size.
    """
    pair = [entry.truth]
    if any(list(each.mask["size"]) != list(entry.truth["size"]) for each in entry.predictions):
        raise ValueError(f"{entry.name}: a prediction is not of the truth's size {entry.truth['size']}")
    if entry.predictions:
        pair.append(_best(entry).mask)
    intersection = int(coco_mask.area(coco_mask.merge(pair, intersect=True))) if len(pair) == 2 else 0
    return Overlap(intersection, int(coco_mask.area(coco_mask.merge(pair))))


def _best(entry: Entry) -> Prediction:
    scores = [prediction.score for prediction in entry.predictions]
    return entry.predictions[len(scores) - 1 - int(np.argmax(scores[::-1]))]


def box_scores(entries: Sequence[Entry]) -> dict[str, float]:
    """The same of boxes, that of a truth being its mask's; none unless every entry has a prediction, and
    every prediction a box.
    """
    boxed = all(one.box is not None for entry in entries for one in entry.predictions)
    if not entries or not boxed or not all(entry.predictions for entry in entries):
        return {}
    truth = np.array([coco_mask.toBbox(entry.truth) for entry in entries], np.float64)
    found = np.array([_best(entry).box for entry in entries], np.float64)
    low = np.maximum(truth[:, :2], found[:, :2])
    high = np.minimum(truth[:, :2] + truth[:, 2:], found[:, :2] + found[:, 2:])
    shared = (high - low).clip(0).prod(axis=1)
    covered = truth[:, 2:].prod(axis=1) + found[:, 2:].prod(axis=1) - shared
    ious = np.divide(shared, covered, out=np.zeros_like(shared), where=covered > 0)
    return {
        **{f"box P@{k}": float(np.mean(ious > k)) for k in PRECISION_AT},
        "box overall IoU": float(shared.sum() / covered.sum()) if covered.sum() else 1.0,
        "box mean IoU": float(ious.mean()),
        **{f"box {name}": value for name, value in average_precision(entries, "bbox").items()},
    }


def scores(entries: Sequence[Entry]) -> dict[str, float]:
    """P@0.5 to P@0.9, overall and mean IoU, six average precisions, and `box_scores`; all in 0..1."""
    overlaps = [overlap(entry) for entry in entries]
    ious = np.array([each.iou for each in overlaps], np.float32)
    union = sum(each.union for each in overlaps)
    return {
        **{f"P@{k}": float(np.mean(ious > k)) for k in PRECISION_AT},
        "overall IoU": sum(each.intersection for each in overlaps) / union if union else 1.0,
        "mean IoU": float(ious.mean(dtype=np.float64)),
        **average_precision(entries),
        **box_scores(entries),
    }


def average_precision(entries: Sequence[Entry], kind: Literal["segm", "bbox"] = "segm") -> dict[str, float]:
    """mAP by pycocotools, of all predictions: of their masks, or of the boxes that they all have."""
    truth, predictions = COCO(), []
    annotations = []
    for number, entry in enumerate(entries, start=1):
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "segmentation": entry.truth,
                "area": float(coco_mask.area(entry.truth)),
                "bbox": coco_mask.toBbox(entry.truth).tolist(),
                "iscrowd": 0,
            }
        )
        predictions += [
            {"image_id": number, "category_id": 1, "score": p.score}
            | ({"segmentation": p.mask} if kind == "segm" else {"bbox": list(p.box or ())})
            for p in entry.predictions
        ]
    truth.dataset = {
        "images": [
            {"id": number, "height": entry.truth["size"][0], "width": entry.truth["size"][1]}
            for number, entry in enumerate(entries, start=1)
        ],
        "categories": [{"id": 1, "name": "object"}],
        "annotations": annotations,
    }
    if not predictions:
        return dict.fromkeys(AP_NAMES, 0.0)
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(predictions), kind)
        evaluation.params.useCats = 0
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(AP_NAMES, evaluation.stats[:6].tolist(), strict=True))
