"""The colours of boxes."""

from __future__ import annotations

import numpy as np

from refervid.engines.linking import Boxes, Colours
from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.analysis.colour import memberships

INNER = 0.7
"""Colours of a box are taken from this share of its sides: its corners are background."""


def colours_of(scene: Scene, index: int, boxes: Boxes) -> Colours:
    """(N, 22): shares of the colour terms in the upper and lower half of each box, in pixels of the clip."""
    maps = memberships(scene.small(index))
    boxes = boxes * np.tile(scene.scale_xy, 2).astype(np.float32)
    shares = np.zeros((len(boxes), 2, maps.shape[-1]), np.float32)
    for row, (x0, y0, x1, y1) in enumerate(boxes):
        mx, my = (x1 - x0) * (1 - INNER) / 2, (y1 - y0) * (1 - INNER) / 2
        left, right = round(float(x0 + mx)), max(round(float(x1 - mx)), round(float(x0 + mx)) + 1)
        edges = np.round(np.linspace(y0 + my, y1 - my, 3)).astype(int)
        for half in range(2):
            inside = maps[edges[half] : max(edges[half + 1], edges[half] + 1), left:right]
            if inside.size:
                shares[row, half] = inside.mean(axis=(0, 1))
    flat = shares.reshape(len(boxes), 2 * maps.shape[-1]) + 1e-6
    return np.asarray(flat / flat.sum(axis=1, keepdims=True), np.float32)
