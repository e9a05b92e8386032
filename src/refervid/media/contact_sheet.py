"""A clip and its tracks at a glance: frames spread over the clip, with their times."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from refervid.core.spread import middles
from refervid.core.track import Track
from refervid.core.types import Frame
from refervid.media.clip import Clip
from refervid.media.lettering import WHITE, paint, text_alpha
from refervid.media.overlay import draw_masks

_WIDTH = 1280
_GAP = 6
_CAPTION = 15
_GROUND = 24
"""Grey behind the frames."""
_TALLEST = 2.5
"""Height of a tile over its width, at most: a little more than that of an upright phone's picture."""


def contact_sheet(clip: Clip, tracks: Sequence[Track]) -> Frame:
    """One RGB picture, 1280 pixels wide: up to 12 frames in rows of 4, masks in their queries' colours.

    A clip taller than wide gets half as many columns again. Where its shape is so extreme that tiles of
    that shape would be too tall, or too low for the time, frames get grey beside or above them.
    """
    indices = middles(len(clip), 12)
    count = len(indices)
    columns = min(6 if clip.height > clip.width else 4, count)
    tile_width = (_WIDTH - _GAP * (columns + 1)) // columns
    tile_height = round(min(max(tile_width * clip.height / clip.width, _CAPTION + 8), _TALLEST * tile_width))
    rows = -(-count // columns)
    sheet = np.full((rows * (tile_height + _GAP) + _GAP, _WIDTH, 3), _GROUND, np.uint8)
    for position, (index, frame) in enumerate(clip.frames(indices)):
        draw_masks(frame, [track[index] for track in tracks])
        row, column = divmod(position, columns)
        top, left = _GAP + row * (tile_height + _GAP), _GAP + column * (tile_width + _GAP)
        tile = sheet[top : top + tile_height, left : left + tile_width]
        _place(tile, frame)
        _write_time(tile, float(clip.times_s[index]))
    return sheet


def _place(tile: Frame, frame: Frame) -> None:
    """Fit the frame into the tile's middle."""
    scale = min(tile.shape[0] / frame.shape[0], tile.shape[1] / frame.shape[1])
    height, width = (max(round(side * scale), 1) for side in frame.shape[:2])
    top, left = (tile.shape[0] - height) // 2, (tile.shape[1] - width) // 2
    tile[top : top + height, left : left + width] = cv2.resize(
        frame, (width, height), interpolation=cv2.INTER_AREA
    )


def _write_time(tile: Frame, time_s: float) -> None:
    letters = text_alpha(f"{time_s:.1f} s", _CAPTION)
    plate = tile[-_CAPTION - 8 :, : letters.shape[1] + 12]
    plate[:] = plate // 4
    paint(plate, letters, 6, (plate.shape[0] - letters.shape[0]) // 2, WHITE)
