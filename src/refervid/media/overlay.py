"""The clip with its tracks drawn on it: soft fill, clear outline, and what the user asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.files import atomic_file
from refervid.core.track import Track
from refervid.core.types import Frame, Hook, Mask, no_hook
from refervid.media.clip import Clip
from refervid.media.lettering import BLACK, WHITE, drawable, paint, text_alpha
from refervid.media.movie import H264, MovieWriter
from refervid.media.palette import QUERY_COLOURS, RGB

Plate = tuple[int, int, int, int]
"""Left, top, width and height of a tag, in pixels of the frame."""

_FILL = 0.4
"""Share of the query's colour inside the mask."""
_HIDDEN = 0.7
"""Share of a mask from which on another one hides it."""
_LABEL_LETTERS = range(8, 120)
"""Where a label may be cut: shorter ones are kept whole, and only very wide frames could hold more."""


def write_overlay(
    path: Path, clip: Clip, tracks: Sequence[Track], labels: Sequence[str] = (), hook: Hook = no_hook
) -> None:
    """An H.264 MP4 of `clip`, with its times and sound, and track `i` in `palette.query_colour(i)`.

    `labels`, one per track, are written beside the masks; none at all leaves them out. The hook's
    stage is "overlay", its artefact the frame drawn last.
    """
    with atomic_file(path) as part, MovieWriter(part, clip, H264, sound=True) as movie:
        for index, frame in clip.frames():
            draw_masks(frame, [track[index] for track in tracks], labels)
            movie.write(index, frame)
            hook("overlay", frame, index + 1, len(clip))


def draw_masks(
    frame: Frame,
    masks: Sequence[Mask],
    labels: Sequence[str] = (),
    colours: Sequence[RGB] = QUERY_COLOURS,
) -> None:
    """Draw masks (H, W) into `frame`, each in its colour; these repeat if there are more masks.

    Those that later ones hide have wider outlines, which stand out beside them.
    """
    boxes = [cv2.boundingRect(mask.view(np.uint8)) for mask in masks]
    for number, (mask, box, colour) in enumerate(zip(masks, boxes, cycle(colours), strict=False), 1):
        if box[2]:
            line = outline_width(frame.shape, hiding(mask, masks[number:]))
            _draw_mask(frame, mask.view(np.uint8), box, colour, line)
    taken: list[Plate] = []
    for number, (box, label, colour) in enumerate(zip(boxes, labels, cycle(colours), strict=False), 1):
        if box[2]:
            taken.append(_draw_tag(frame, box, drawable(label) or f"query {number}", colour, taken))


def hiding(mask: Mask, later: Sequence[Mask]) -> int:
    """How many of the masks (H, W) that are drawn `later` lie on most of one."""
    if not mask.any():
        return 0
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    inside = mask[y : y + height, x : x + width].view(np.uint8)
    shared = (cv2.bitwise_and(inside, one[y : y + height, x : x + width].view(np.uint8)) for one in later)
    return sum(cv2.countNonZero(each) > _HIDDEN * cv2.countNonZero(inside) for each in shared)


def outline_width(shape: Sequence[int], above: int = 0) -> int:
    """Pixels, on a frame of shape (H, W, ...), of a mask that `above` later ones hide: each is narrower."""
    usual = max(round(min(shape[:2]) / 240), 1)
    return usual + above * 2 * (usual + 1)


def _draw_mask(
    frame: Frame, mask: NDArray[np.uint8], box_xywh: Sequence[int], colour: RGB, line: int
) -> None:
    x, y, width, height = box_xywh
    inside = mask[y : y + height, x : x + width]
    region = frame[y : y + height, x : x + width]
    tinted = cv2.addWeighted(region, 1 - _FILL, np.full_like(region, colour), _FILL, 0)
    cv2.copyTo(tinted, inside, region)
    draw_outline(frame, inside, colour, line, (x, y))


def draw_outline(
    frame: Frame, mask: NDArray[np.uint8], colour: RGB, line: int, corner: tuple[int, int] = (0, 0)
) -> None:
    """Of a mask (h, w) whose upper left pixel lies at `corner` (x, y), `line` pixels wide."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=corner)
    # A dark line under the coloured one keeps the outline visible on a ground of its own colour.
    cv2.drawContours(frame, outlines, -1, BLACK, line + 2, cv2.LINE_AA)
    cv2.drawContours(frame, outlines, -1, colour, line, cv2.LINE_AA)


def _draw_tag(
    frame: Frame, box_xywh: Sequence[int], label: str, colour: RGB, taken: Sequence[Plate]
) -> Plate:
    """The label on a plate above the mask, or inside its top where there is no room above.

    Where another plate of `taken` lies, it goes below that one.
    """
    x, y, width, _ = box_xywh
    size = max(round(min(frame.shape[:2]) / 26), 10)
    letters = text_alpha(_shorten(label, size, frame.shape[1]), size)
    margin = size // 3
    # Of one height whatever the letters, so that the plates of several queries match.
    plate_height, plate_width = size + 2 * margin, letters.shape[1] + 2 * margin
    left = min(max(x + (width - plate_width) // 2, 0), max(frame.shape[1] - plate_width, 0))
    top = _free_top((left, max(y - plate_height - margin, 0), plate_width, plate_height), taken)
    top = min(top, max(frame.shape[0] - plate_height, 0))
    plate = frame[top : top + plate_height, left : left + plate_width]
    plate[:] = cv2.addWeighted(plate, 0.15, np.full_like(plate, _darker(colour)), 0.85, 0)
    paint(frame, letters, left + margin, top + (plate_height - letters.shape[0]) // 2, WHITE)
    return left, top, plate_width, plate_height


def _free_top(plate: Plate, taken: Sequence[Plate]) -> int:
    left, top, width, height = plate
    for x, y, across, down in sorted(taken, key=lambda one: one[1]):
        if left < x + across and x < left + width and top < y + down and y < top + height:
            top = y + down
    return top


@lru_cache
def _shorten(label: str, size: int, width: int) -> str:
    """Cut to what fits on half the frame; every frame of a movie asks for the same."""

    def cut(letters: int) -> str:
        return label[:letters].rstrip() + "..."

    def width_of(text: str) -> int:
        return int(text_alpha(text, size).shape[1])

    short = len(label) <= _LABEL_LETTERS.stop
    if len(label) <= _LABEL_LETTERS.start or (short and width_of(label) <= width / 2):
        return label
    lengths = _LABEL_LETTERS[: len(label) - _LABEL_LETTERS.start]
    fitting = bisect_right(lengths, width / 2, key=lambda letters: width_of(cut(letters)))
    return cut(lengths[max(fitting - 1, 0)])


def _darker(colour: RGB) -> RGB:
    return (colour[0] * 5 // 8, colour[1] * 5 // 8, colour[2] * 5 // 8)
