"""A frame looked at whole and in overlapping squares, which show small things larger."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Frame
from refervid.engines.lite.objects.network import Boxes, Detections, ObjectNetwork, Probabilities

WIDE = 1.15
"""Squares over the shorter side are cut from frames whose sides differ by more than this."""
FINE = 0.6
"""Side of the finer squares, in shares of the shorter side: what is a tenth of it high is then a sixth of the
network's picture."""
LEAST_SIDE = 200
"""Smaller squares, in pixels, show nothing that the whole frame does not show."""
OVERLAPPING = 0.5
"""Share of their side by which neighbouring squares overlap at least: what one cuts the next shows whole."""
CUT = 0.02
"""A box that ends so near the inner border of a crop, in shares of its side, is a piece of something."""
SAME_BOX = 0.55
"""Intersection over union of two boxes of one thing (TensorFlow's configuration of this network: 0.6)."""
SAME_BOX_ANY_NAME = 0.8
"""The same where their names differ."""
SAME_NAMES = 0.5
"""Cosine of the probabilities from which on two boxes have the same names."""
PART = 0.85
"""A box of the same names with this share of it inside another is a part of that: a person's upper half."""
NEARLY_AS_SURE = 0.6
"""The whole stands for its part where it is so sure compared to it."""
MOST_TIMES = 4.0
"""What is larger than so many of its part is a group of such things."""


def crops_of(height: int, width: int, *, fine: bool) -> list[tuple[int, int, int, int]]:
    """xyxy: the whole frame, squares over the shorter side, and with `fine` a grid of smaller ones."""
    short = min(height, width)
    found = [(0, 0, width, height)]
    sides = [short] if max(height, width) > WIDE * short else []
    sides += [round(FINE * short)] if fine else []
    for side in sides:
        if side < LEAST_SIDE:
            continue
        for top in _starts(height, side):
            found += [(left, top, left + side, top + side) for left in _starts(width, side)]
    return found


def _starts(length: int, side: int) -> list[int]:
    count = 1 if length == side else 1 + int(np.ceil((length - side) / (side * (1 - OVERLAPPING))))
    return [int(start) for start in np.linspace(0, length - side, count)]


def detect(network: ObjectNetwork, frame: Frame, *, fine: bool) -> Detections:
    """The things in a frame (H, W, 3), surest first, each once."""
    height, width = frame.shape[:2]
    crops = crops_of(height, width, fine=fine)
    found = network([frame[y0:y1, x0:x1] for x0, y0, x1, y1 in crops])
    whole = []
    for (x0, y0, x1, y1), one in zip(crops, found, strict=True):
        edge = CUT * np.array([x1 - x0, y1 - y0, x0 - x1, y0 - y1])
        inner = np.array([x0 > 0, y0 > 0, x1 < width, y1 < height])
        border = np.array([0, 0, x1 - x0, y1 - y0]) + edge
        cut = (one.boxes[:, :2] < border[:2]) & inner[:2]
        cut |= (one.boxes[:, 2:] > border[2:]) & inner[2:]
        kept = one.pick(~cut.any(axis=1))
        whole.append(Detections(kept.boxes + np.array([x0, y0, x0, y0], np.float32), kept.names))
    return distinct(
        Detections(np.concatenate([one.boxes for one in whole]), np.concatenate([one.names for one in whole]))
    )


def distinct(found: Detections) -> Detections:
    """One box for each thing: the surest, with the mean names of all that are of the same thing."""
    order = np.argsort(-found.scores, kind="stable")
    boxes, names, scores = found.boxes[order], found.names[order], found.scores[order]
    shared = intersections(boxes, boxes)
    areas = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-6)
    overlap = shared / (areas[:, None] + areas - shared)
    alike = _cosines(names, names) > SAME_NAMES
    same = (overlap > SAME_BOX) & alike | (overlap > SAME_BOX_ANY_NAME)
    part = (shared / areas > PART) & alike  # [whole, part]
    better = part & (scores[:, None] >= NEARLY_AS_SURE * scores) & (areas[:, None] < MOST_TIMES * areas)
    np.fill_diagonal(better, False)
    better &= areas[:, None] > areas
    starts, free = ~better.any(axis=0), np.ones(len(boxes), bool)
    kept: list[int] = []
    merged: list[NDArray[np.float32]] = []
    for number in range(len(boxes)):
        if not (starts[number] and free[number]):
            continue
        group = same[number] & free
        weights = scores[group] ** 2
        mean = (names[group] * weights[:, None]).sum(axis=0) / weights.sum()
        merged.append(mean * (scores[number] / mean.max()))
        kept.append(number)
        free &= ~(group | (part[number] & (scores < scores[number])))
    return Detections(boxes[kept], np.array(merged, np.float32).reshape(len(kept), names.shape[1]))


def intersections(one: Boxes, other: Boxes) -> NDArray[np.float32]:
    """(N, M) shared areas."""
    sides = np.minimum(one[:, None, 2:], other[None, :, 2:]) - np.maximum(
        one[:, None, :2], other[None, :, :2]
    )
    return np.asarray(np.clip(sides, 0, None).prod(axis=-1), np.float32)


def _cosines(one: Probabilities, other: Probabilities) -> NDArray[np.float32]:
    lengths = np.linalg.norm(one, axis=1)[:, None] * np.linalg.norm(other, axis=1)
    return np.asarray(one @ other.T / np.maximum(lengths, 1e-9), np.float32)
