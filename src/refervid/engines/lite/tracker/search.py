"""Looking for an object that was hidden, had left the frame, or is in another shot."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from refervid.engines.lite.tracker.crop import SIDE, Crop
from refervid.engines.lite.tracker.sight import Eyes
from refervid.engines.lite.tracker.target import Target
from refervid.engines.lite.tracker.view import View
from refervid.models.mask_decoder import traits

LONGEST_PX = 512
"""Longer side of the picture at most while it is searched; else the object has its usual size."""
FIRST_RADIUS, RADIUS_GROWTH = 2.0, 0.25
"""How far around its last place the object is expected, in its own sizes: at first, and more every frame."""
LEAST_SHARE = 0.25
"""Of the object's usual area that must look like it somewhere."""


def place_of(eyes: Eyes, view: View, target: Target, others: Sequence[Target]) -> Crop | None:
    """The crop in which the picture looks most like a lost object, if any does enough.

    What the `others` show is theirs. After a cut the object's last place tells nothing.
    """
    h, w = view.picture.shape[:2]
    scale = min(SIDE / target.crop.side, LONGEST_PX / max(h, w))
    size = max(round(w * scale), 32), max(round(h * scale), 32)
    small = cv2.resize(view.picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    levels = eyes.levels(small[None])
    key, trait = eyes.decoder.keys(levels), traits(levels)
    voted, looks = target.memory.search(key[0], trait[0])
    rows, columns = levels[8].shape[2:]
    looks = F.adaptive_avg_pool2d(looks[None, None], (rows, columns))[0, 0]
    score = torch.minimum(voted.view(rows, columns), looks).clamp(0, 1).numpy()
    places = _places(rows, columns, w, h)
    for other in others:
        score[other.crop.sample(other.odds, places, -1) > 0] = 0
    if not target.anywhere:
        radius = target.size * (FIRST_RADIUS + RADIUS_GROWTH * target.away)
        score[np.linalg.norm(places - target.middle, axis=-1) > radius] = 0
    cell = w / columns * h / rows
    box = max(round(target.crop.side / np.sqrt(cell) / 1.5), 1)
    mass = cv2.boxFilter(score, -1, (box, box), normalize=False, borderType=cv2.BORDER_CONSTANT)
    y, x = np.unravel_index(int(mass.argmax()), mass.shape)
    if mass[y, x] * cell < LEAST_SHARE * target.area:
        return None
    near = np.s_[max(y - box // 2, 0) : y + box // 2 + 1, max(x - box // 2, 0) : x + box // 2 + 1]
    weights = score[near][..., None]
    middle = (places[near] * weights).sum(axis=(0, 1)) / weights.sum()
    side = target.crop.side
    return Crop(round(middle[0] - side / 2), round(middle[1] - side / 2), side)


def _places(rows: int, columns: int, w: int, h: int) -> NDArray[np.float32]:
    xs = (np.arange(columns, dtype=np.float32) + 0.5) * w / columns - 0.5
    ys = (np.arange(rows, dtype=np.float32) + 0.5) * h / rows - 0.5
    return np.stack(np.meshgrid(xs, ys), -1)
