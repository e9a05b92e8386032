"""A section's picture with tracks drawn in, by outlines and numbers: what is inside keeps its colours."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from refervid.core.types import Candidate, Frame
from refervid.media.lettering import BLACK
from refervid.media.overlay import draw_outline
from refervid.media.palette import box_colour
from refervid.media.sections import PictureStyle, Section, draw_labels

Marks = Mapping[int, Candidate]
"""By a track's number, from 1, where it is on one frame; with a mask its outline is drawn, else its box."""


def marked_picture(section: Section, marks: Mapping[int, Marks]) -> Frame:
    """The section's picture with marks on its frames, by their indices in the clip.

    Track `n` has the colour `palette.box_colour(n - 1)` on all of them.
    """

    def draw(index: int, tile: Frame, scale: float) -> None:
        _draw(tile, marks.get(index, {}), scale, section.style)

    return section.drawn(draw)


def _draw(tile: Frame, marks: Marks, scale: float, style: PictureStyle) -> None:
    line = max(round(style.box_line * min(tile.shape[:2])), 1)
    for number, mark in marks.items():
        colour = box_colour(number - 1)[1]
        mask = mark.mask
        if mask is None:
            x0, y0, x1, y1 = (round(float(v) * scale) for v in mark.box_xyxy)
            cv2.rectangle(tile, (x0, y0), (x1, y1), BLACK, line + 2, cv2.LINE_AA)
            cv2.rectangle(tile, (x0, y0), (x1, y1), colour, line, cv2.LINE_AA)
        else:
            size = tile.shape[1::-1]
            small = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
            draw_outline(tile, np.asarray(small, np.uint8), colour, line)
    labels = [(mark.box_xyxy, box_colour(number - 1)[1], str(number)) for number, mark in marks.items()]
    draw_labels(tile, labels, scale, style)
