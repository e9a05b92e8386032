"""A section: a run of sampled frames shown to the chooser as one picture.

Form and numbers of the `PAPER` styles: AL-Ref-SAM 2 (arXiv 2408.15876, github.com/appletea233/AL-Ref-SAM2).
There, numbers spill over into the neighbouring frame; here every frame is drawn by itself and clipped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

import cv2
import numpy as np
from pydantic import Field

from refervid.config.frozen import Frozen
from refervid.core.spread import middles
from refervid.core.types import BoxArray, Candidate, Frame, Mask
from refervid.media.clip import Clip
from refervid.media.lettering import disc, words_on_disc
from refervid.media.overlay import draw_masks
from refervid.media.palette import MASK_COLOUR, RGB, box_colour
from refervid.media.pictures import decode_jpeg, encode_jpeg

_NUMBER_COLOUR: RGB = (31, 119, 180)
Draw = Callable[[int, Frame, float], None]
"""`draw(frame index in the clip, tile, size of the tile in shares of the clip's frame)`."""
_POINT = 100 / 72
"""Pixels per typographic point in the published pictures (100 dpi)."""


class PictureStyle(Frozen):
    """Sizes of a section's picture.

    The frames stand in `columns` columns, each `frame_width` wide. Where these are None, as many columns
    are taken as show the frames largest in a picture of at most `long_side` x `short_side` pixels (what
    large vision models look at without shrinking it).

    With `unit="frame"` the offset and radius of discs are pixels of the clip's frame, text heights and
    line widths pixels of the picture. With `unit="share"` all are shares of the shorter side of a frame
    in the picture. `number_*`: the disc in the top left corner; `label_*`: the disc at a candidate's
    bottom right corner, beside the box if that is smaller than two discs and `label_beside` is set.
    `edge` white pixels on the right and at the bottom of each frame keep neighbours apart.
    """

    columns: int | None = Field(None, ge=1)
    frame_width: int | None = Field(None, ge=16)
    long_side: int = Field(2048, ge=64)
    short_side: int = Field(768, ge=64)
    jpeg_quality: int = Field(90, ge=1, le=100)
    unit: Literal["frame", "share"] = "share"
    number_offset: float = 0.08
    number_radius: float = 0.06
    number_text: float = 0.075
    label_radius: float = 0.045
    label_text: float = 0.06
    label_beside: bool = True
    box_line: float = 0.009
    rim: float = 0.006
    edge: int = Field(3, ge=0)


READABLE = PictureStyle()
"""Discs and text keep their proportion to the frame, and frames are as large as models can use."""

PAPER = PictureStyle(
    columns=1,
    frame_width=500,
    jpeg_quality=75,
    unit="frame",
    number_offset=50,
    number_radius=35,
    number_text=15 * _POINT,
    label_radius=25,
    label_text=12 * _POINT,
    label_beside=False,
    box_line=3 * _POINT,
    rim=2 * _POINT,
    edge=0,
)
"""The published picture for sentences."""

PAPER_SOUND = PAPER.model_copy(
    update={"columns": 5, "number_radius": 40, "label_radius": 30, "label_text": 15 * _POINT}
)
"""The published contact sheet for sound on clips of any size (AVSBench V2 and AVSS)."""

PAPER_SOUND_SMALL = PAPER_SOUND.model_copy(
    update={"number_offset": 20, "number_radius": 15, "number_text": 20 * _POINT, "label_radius": 8}
)
"""The same for frames of 224 x 224 (AVSBench S4 and MS3)."""


@dataclass(frozen=True, eq=False)
class Section:
    """Sampled frames `frame_indices` of `clip`; `index` is the section's number in the clip."""

    clip: Clip
    index: int
    frame_indices: tuple[int, ...]
    style: PictureStyle = READABLE

    @property
    def picture(self) -> Frame:
        """The frames below one another (or in rows) with their numbers 1, 2, ... in reading order."""
        return decode_jpeg(self.jpeg)

    @property
    def grid(self) -> tuple[int, int]:
        """Columns and rows of the picture."""
        columns, _, _ = self._layout
        return columns, -(-len(self.frame_indices) // columns)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        columns, width, height = self._layout
        return columns * width, _edge(self.grid[1], height)

    @property
    def _layout(self) -> tuple[int, int, float]:
        """Columns, and width and (unrounded) height of one frame in the picture."""
        style, frames, aspect = self.style, len(self.frame_indices), self.clip.width / self.clip.height
        options = range(1, frames + 1) if style.columns is None else [style.columns]
        columns, widest = max(
            ((count, _widest(style, count, -(-frames // count), aspect)) for count in options),
            key=lambda option: (option[1], -option[0]),
        )
        frame_width = style.frame_width or max(widest, 1)
        return columns, frame_width, frame_width * self.clip.height / self.clip.width

    @cached_property
    def jpeg(self) -> bytes:
        """The picture as it is sent to a model; drawn once and kept in this form, as clips are long."""
        return encode_jpeg(self.drawn(lambda index, tile, scale: None), self.style.jpeg_quality)

    def drawn(self, draw: Draw) -> Frame:
        """The picture with whatever `draw` draws into its frames."""
        width, height = self.size
        picture = np.full((height, width, 3), 255, np.uint8)
        for index, frame in self.clip.frames(self.frame_indices):
            self._paste(picture, self.frame_indices.index(index), frame, partial(draw, index))
        return picture

    def marked_picture(self, frame_index: int, candidates: Sequence[Candidate]) -> Frame:
        """The picture with numbered boxes 1, 2, ... on the frame with that index in the clip.

        Box `i` (from 0) has the colour `palette.box_colour(i)`.
        """
        picture = self.picture
        position = self.frame_indices.index(frame_index)
        self._paste(picture, position, self.clip.frame(frame_index), self._boxes(candidates))
        return picture

    def result_picture(
        self, masks: Mapping[int, Mask], frame_index: int, candidates: Sequence[Candidate]
    ) -> Frame:
        """The picture with masks (H, W) by frame index drawn in `MASK_COLOUR`, and boxes as above."""
        picture = self.picture
        for position, (index, frame) in enumerate(self.clip.frames(self.frame_indices)):
            draw_masks(frame, [masks[index]], colours=[MASK_COLOUR])
            self._paste(picture, position, frame, self._boxes(candidates if index == frame_index else ()))
        return picture

    def _boxes(self, candidates: Sequence[Candidate]) -> Callable[[Frame, float], None]:
        return lambda tile, scale: draw_candidates(tile, candidates, scale, self.style)

    def _paste(
        self, picture: Frame, position: int, frame: Frame, draw: Callable[[Frame, float], None]
    ) -> None:
        columns, width, height = self._layout
        row, column = divmod(position, columns)
        top, bottom = _edge(row, height), _edge(row + 1, height)
        tile = np.ascontiguousarray(_resize(frame, width, bottom - top))
        draw(tile, width / frame.shape[1])
        _draw_number(tile, self.style, position + 1, width / frame.shape[1])
        tile[tile.shape[0] - self.style.edge :] = tile[:, width - self.style.edge :] = 255
        picture[top:bottom, column * width : (column + 1) * width] = tile


def sample_sections(
    clip: Clip,
    frame_step: int = 10,
    frames_per_section: int = 5,
    minimum_frames: int = 2,
    style: PictureStyle = READABLE,
) -> list[Section]:
    """Every `frame_step`-th frame, cut into sections of `frames_per_section`.

    A last section of fewer than `minimum_frames` is left out, and keeps its number. The default, that of
    AL-Ref-SAM 2, gives a clip of up to 10 frames no section at all.
    """
    sampled = range(0, len(clip), frame_step)
    starts = range(0, len(sampled), frames_per_section)
    runs = [tuple(sampled[start : start + frames_per_section]) for start in starts]
    return [Section(clip, i, run, style) for i, run in enumerate(runs) if len(run) >= minimum_frames]


def even_section(clip: Clip, frames: int, style: PictureStyle = READABLE) -> Section:
    """One section with `frames` frames (fewer in a shorter clip) spread evenly over the whole clip."""
    return Section(clip, 0, tuple(middles(len(clip), frames)), style)


def _widest(style: PictureStyle, columns: int, rows: int, aspect: float) -> int:
    """The largest frame width whose grid stays within the limits."""
    across, down = columns, rows / aspect
    return int(min(style.long_side / max(across, down), style.short_side / min(across, down)))


def _edge(row: int, height: float) -> int:
    # Rounding the edges, not the height, keeps the rows seamless.
    return max(int(row * height), row)


def _resize(frame: Frame, width: int, height: int) -> Frame:
    shrinks = width * height < frame.shape[0] * frame.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(frame, (width, height), interpolation=method), np.uint8)


def _units(tile: Frame, style: PictureStyle, scale: float) -> tuple[float, float]:
    """What one unit of offsets and radii, and one of text and lines, is in pixels of the tile."""
    if style.unit == "frame":
        return scale, 1.0
    shorter = float(min(tile.shape[:2]))
    return shorter, shorter


def _draw_number(tile: Frame, style: PictureStyle, number: int, scale: float) -> None:
    length, line = _units(tile, style, scale)
    centre = (style.number_offset * length, style.number_offset * length)
    radius = style.number_radius * length
    disc(tile, centre, radius, _NUMBER_COLOUR, style.rim * line)
    words_on_disc(tile, centre, _NUMBER_COLOUR, str(number), style.number_text * line)


def draw_candidates(
    picture: Frame, candidates: Sequence[Candidate], scale: float = 1.0, style: PictureStyle = READABLE
) -> None:
    """Draw numbered boxes into a picture of one frame, which is `scale` times the size of the clip's."""
    thickness = max(round(style.box_line * _units(picture, style, scale)[1]), 1)
    for position, candidate in enumerate(candidates):
        x0, y0, x1, y1 = (round(float(v) * scale) for v in candidate.box_xyxy)
        cv2.rectangle(picture, (x0, y0), (x1, y1), box_colour(position)[1], thickness, cv2.LINE_AA)
    # All numbers lie on top of all boxes.
    labels = [(one.box_xyxy, box_colour(place)[1], str(place + 1)) for place, one in enumerate(candidates)]
    draw_labels(picture, labels, scale, style)


def draw_labels(
    picture: Frame,
    labels: Sequence[tuple[BoxArray, RGB, str]],
    scale: float = 1.0,
    style: PictureStyle = READABLE,
) -> None:
    """Discs with words at boxes that are drawn already, each (box in pixels of the clip, colour, words)."""
    length, line = _units(picture, style, scale)
    radius, rim, text = style.label_radius * length, style.rim * line, style.label_text * line
    centres: list[tuple[float, float]] = []
    for box_xyxy, colour, _ in labels:
        box = [float(v) * scale for v in box_xyxy]
        if style.label_beside:
            centres.append(_free_corner(box, radius, centres, picture))
        else:
            centres.append((box[2] - radius, box[3] - radius))
        disc(picture, centres[-1], radius, colour, rim)
    # Published, too: where discs overlap, the words of those below still show.
    for (_, colour, words), centre in zip(labels, centres, strict=True):
        words_on_disc(picture, centre, colour, words, text)


def _free_corner(
    box: Sequence[float], radius: float, taken: Sequence[tuple[float, float]], picture: Frame
) -> tuple[float, float]:
    """Where a box's disc goes: the first corner that no other disc covers, bottom right if none is free.

    The disc lies inside a box of at least two discs, beside a smaller one, and always in the picture.
    """
    x0, y0, x1, y1 = box
    inset = radius if min(x1 - x0, y1 - y0) >= 4 * radius else -radius
    height, width = picture.shape[:2]
    centres = [
        (min(max(x, radius), width - radius), min(max(y, radius), height - radius))
        for x in (x1 - inset, x0 + inset)
        for y in (y1 - inset, y0 + inset)
    ]
    free = [c for c in centres if all(math.dist(c, other) > 2 * radius for other in taken)]
    return (free or centres)[0]
