"""A clip and its tracks at a glance: frames spread over the clip, with their times."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from refervid.media.clip import Clip
from refervid.media.lettering import WHITE, paint, text_alpha
from refervid.media.overlay import draw_masks
from refervid.track import Track
from refervid.types import Frame

_GAP = 6
_CAPTION = 15
_GROUND = 24
"""Grey behind the frames."""


def contact_sheet(
    clip: Clip, tracks: Sequence[Track], *, frames: int = 12, columns: int = 4, width: int = 1280
) -> Frame:
    """One RGB picture, `width` pixels wide: up to `frames` frames in rows, masks in their queries' colours.

    A clip taller than wide gets half as many columns again.
    """
    count = min(frames, len(clip))
    indices = [int((i + 0.5) * len(clip) / count) for i in range(count)]
    if clip.height > clip.width:
        columns = columns * 3 // 2
    columns = min(columns, count)
    tile_width = (width - _GAP * (columns + 1)) // columns
    tile_height = max(round(tile_width * clip.height / clip.width), 1)
    rows = -(-count // columns)
    sheet = np.full((rows * (tile_height + _GAP) + _GAP, width, 3), _GROUND, np.uint8)
    for position, (index, frame) in enumerate(clip.frames(indices)):
        draw_masks(frame, [track[index] for track in tracks])
        tile = np.asarray(
            cv2.resize(frame, (tile_width, tile_height), interpolation=cv2.INTER_AREA), np.uint8
        )
        _write_time(tile, float(clip.times_s[index]))
        row, column = divmod(position, columns)
        top, left = _GAP + row * (tile_height + _GAP), _GAP + column * (tile_width + _GAP)
        sheet[top : top + tile_height, left : left + tile_width] = tile
    return sheet


def _write_time(tile: Frame, time_s: float) -> None:
    letters = text_alpha(f"{time_s:.1f} s", _CAPTION)
    plate = tile[-_CAPTION - 8 :, : letters.shape[1] + 12]
    plate[:] = plate // 4
    paint(plate, letters, 6, (plate.shape[0] - letters.shape[0]) // 2, WHITE)
