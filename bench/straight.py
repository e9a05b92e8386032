"""Answers judged by their boxes alone, for measurements that need many of them: nothing is tracked.

BOXES.json, which several measurements take, holds
{"clips": {file: {"sentences": [{"text", "kind", "frames": {index: boxes xyxy, or null}}]}}};
kind "absent" marks what is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from refervid.core.boxes import box_iou, box_of
from refervid.core.track import Track
from refervid.core.types import Hook, Mask, Pivot
from refervid.media.clip import Clip
from refervid.report.result import Result

SAME = 0.5
"""Intersection over union from which on a mask's box and the box around the true ones agree."""


class StraightTracker:
    """Takes a thing from pivot to pivot in a straight line, as its box."""

    name = "straight"
    version = "1"

    def track(self, clip: Clip, objects: Sequence[Sequence[Pivot]], hook: Hook) -> list[Track]:
        return [_straight(clip, pivots) for pivots in objects]


def _straight(clip: Clip, pivots: Sequence[Pivot]) -> Track:
    track = Track(len(clip), clip.height, clip.width)
    frames = np.array([pivot.frame_index for pivot in pivots])
    boxes = np.array([_box(pivot) for pivot in pivots], float)
    there = boxes[:, 2] > boxes[:, 0]
    for index in range(len(clip)):
        if not there[abs(frames - index).argmin()]:
            track.leave_empty(index)
            continue
        x0, y0, x1, y1 = (round(np.interp(index, frames[there], side)) for side in boxes[there].T)
        mask = np.zeros((clip.height, clip.width), bool)
        mask[y0:y1, x0:x1] = True
        track[index] = mask
        track.presence[index] = 1
    return track


def _box(pivot: Pivot) -> np.ndarray:
    """Without width where the thing is away."""
    if pivot.mask is None:
        return np.maximum(pivot.box_xyxy, 0)
    box = box_of(pivot.mask)
    return np.zeros(4) if box is None else box


def points_right(result: Result, truth: Mapping[str, Any]) -> bool:
    """On half of the frames that have boxes, by number, or None where the thing is away."""
    agreeing = sum(_agree(result.masks[int(index)], boxes) for index, boxes in truth.items())
    return 2 * agreeing >= len(truth)


def _agree(mask: Mask, boxes: Sequence[Sequence[float]] | None) -> bool:
    shown = box_of(mask)
    if boxes is None or shown is None:
        return boxes is None and shown is None
    return bool(box_iou(shown, around(np.array(boxes))) >= SAME)


def around(boxes: np.ndarray) -> np.ndarray:
    """The box around several, xyxy."""
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)]).astype(np.float64)
