"""Colours: the Pascal VOC map for object ids, and the colours of queries and candidates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RGB = tuple[int, int, int]

BOX_COLOURS: tuple[tuple[str, RGB], ...] = (
    ("green", (0, 128, 0)),
    ("magenta", (255, 0, 255)),
    ("orange", (255, 165, 0)),
    ("blue", (0, 0, 255)),
    ("red", (255, 0, 0)),
    ("yellow", (255, 255, 0)),
)
"""Candidates' colours with their names, in the order of AL-Ref-SAM 2 (which calls magenta pink)."""

MASK_COLOUR: RGB = (0, 255, 255)
"""Cyan, which is none of the candidates' colours: a result beside them."""

QUERY_COLOURS: tuple[RGB, ...] = (
    (0, 158, 255),
    (255, 122, 0),
    (46, 204, 113),
    (233, 64, 160),
    (255, 214, 10),
    (155, 93, 229),
    (0, 206, 201),
    (235, 68, 50),
)
"""One colour per query, told apart on most pictures and by most colour-blind people."""


def box_colour(position: int) -> tuple[str, RGB]:
    """Name and colour of candidate `position` (from 0); they repeat after six."""
    return BOX_COLOURS[position % len(BOX_COLOURS)]


def query_colour(position: int) -> RGB:
    """Colour of query `position` (from 0); they repeat after eight."""
    return QUERY_COLOURS[position % len(QUERY_COLOURS)]


def voc_palette() -> NDArray[np.uint8]:
    """(256, 3) RGB: the colour of every object id in DAVIS, YouTube-VOS, Pascal VOC and AVSBench.

    The bits of the id are dealt out in turn to red, green and blue, from the highest bit down.
    """
    palette = np.zeros((256, 3), np.uint8)
    for index in range(256):
        for bit in range(8):
            palette[index, bit % 3] |= (index >> bit & 1) << (7 - bit // 3)
    return palette
