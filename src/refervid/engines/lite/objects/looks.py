"""A frame looked at in several sizes, since the network sees things between 30 and 300 pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Frame
from refervid.engines.linking import SAME_NAMES, Detections, cosines, intersections
from refervid.engines.lite.computing import on_all_cores
from refervid.engines.lite.objects.network import ObjectNetwork
from refervid.models.ssd_mobilenet import SIDE, STEP

WIDE = 1.15
"""Frames whose sides differ by more than this are looked at in their own shape too."""
WIDEST = 3.0
"""A shape of longer sides is squeezed into this one."""
FINE = 500
"""Shorter side of the finest look, in pixels: what is a tenth of it high is large enough for the network."""
LEAST_SIDE = 330
"""Frames with a shorter side of fewer pixels show nothing more when they are enlarged so much."""
SAME_BOX = 0.55
"""Intersection over union of two boxes of one thing (TensorFlow's configuration of this network: 0.6)."""
SAME_BOX_ANY_NAME = 0.8
"""The same where their names differ."""
PART = 0.85
"""A box of the same names with this share of it inside another is a part of that: a person's upper half."""
NEARLY_AS_SURE = 0.6
"""The whole stands for its part where it is so sure compared to it."""
MOST_TIMES = 4.0
"""What is larger than so many of its part is a group of such things."""
APART = 0.1
"""Intersection over union at most of two things side by side."""


def sizes_of(height: int, width: int, *, fine: bool) -> list[tuple[int, int]]:
    """(h, w) of the looks at a frame: squeezed into a square, in its own shape, with `fine` larger."""
    short, long = sorted((height, width))
    sides = [SIDE] if long > WIDE * short else []
    sides += [FINE] if fine and short >= LEAST_SIDE else []
    ratio = min(long / short, WIDEST)
    shapes = [(_stepped(side), _stepped(side * ratio)) for side in sides]
    return [(SIDE, SIDE), *(shape if height == short else shape[::-1] for shape in shapes)]


def _stepped(side: float) -> int:
    return SIDE + STEP * round((side - SIDE) / STEP)


def detect(network: ObjectNetwork, frame: Frame, *, fine: bool) -> Detections:
    """The things in a frame (H, W, 3), surest first, each once."""
    looks = on_all_cores(lambda size: network(frame, size), sizes_of(*frame.shape[:2], fine=fine))
    return distinct(
        Detections(np.concatenate([one.boxes for one in looks]), np.concatenate([one.names for one in looks]))
    )


def distinct(found: Detections) -> Detections:
    """One box for each thing: the surest, with the mean names of all that are of the same thing."""
    order = np.argsort(-found.scores, kind="stable")
    boxes, names, scores = found.boxes[order], found.names[order], found.scores[order]
    shared = intersections(boxes, boxes)
    areas = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-6)
    overlap = shared / (areas[:, None] + areas - shared)
    alike = cosines(names, names) > SAME_NAMES
    same = (overlap > SAME_BOX) & alike | (overlap > SAME_BOX_ANY_NAME)
    part = (shared / areas > PART) & alike  # [whole, part]
    better = part & (scores[:, None] >= NEARLY_AS_SURE * scores) & (areas[:, None] < MOST_TIMES * areas)
    np.fill_diagonal(better, False)
    better &= areas[:, None] > areas
    single = ~_groups(part & (areas[:, None] >= MOST_TIMES * areas), overlap < APART, scores)
    better &= single[:, None]
    starts, free = single & ~better.any(axis=0), single.copy()
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


def _groups(
    members: NDArray[np.bool_], apart: NDArray[np.bool_], scores: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """(N,): a herd is no cow. At least two of its `members` [whole, part], apart, are surer than it is."""
    surer = members & (scores > scores[:, None])
    return np.asarray((surer & (surer.astype(np.float32) @ apart > 0)).any(axis=1), bool)
