"""From a decoded picture to the displayed RGB frame: colour format, pixel shape, rotation, mirroring."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Frame

UPRIGHT = np.eye(2, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class DisplayFormat:
    """How the frames of one file are shown, taken from its first frame.

    `stored_size` and `scaled_size` are (width, height) before turning; pixels that are not square are
    made square by widening or heightening, never by giving up pixels. `turn` (2, 2) of 0, 1, -1 takes
    stored (x, y) directions to displayed ones.
    """

    stored_size: tuple[int, int]
    scaled_size: tuple[int, int]
    turn: NDArray[np.int64]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, frame: Any, pixel_aspect: Fraction | None = None) -> DisplayFormat:
        stored = (frame.width, frame.height)
        scaled = _square_pixels(*stored, pixel_aspect)
        turn = _turn(frame)
        notes = [f"{what} was converted to 8-bit RGB" for what in _unusual(frame)]
        if scaled != stored:
            notes.append(
                f"pixels are not square: {stored[0]}x{stored[1]} is shown as {scaled[0]}x{scaled[1]}"
            )
        if not np.array_equal(turn, UPRIGHT):
            notes.append(
                "the file asks for its picture to be turned or mirrored: done, results are in that view"
            )
        return cls(stored, scaled, turn, tuple(notes))

    @property
    def display_size(self) -> tuple[int, int]:
        """(width, height) of the displayed frame."""
        width, height = self.scaled_size
        return (width, height) if self.turn[0, 0] else (height, width)

    def convert(self, frame: Any) -> Frame:
        """The displayed frame, whatever size and pixel format this frame has."""
        width, height = self.scaled_size
        picture: Frame = frame.to_ndarray(width=width, height=height, format="rgb24")
        (a, b), (c, d) = self.turn
        if not a:
            picture, a, d = picture.transpose(1, 0, 2), b, c
        return np.ascontiguousarray(picture[::d, ::a])


def _square_pixels(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    if not aspect or aspect == 1:
        return width, height
    return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))


def _turn(frame: Any) -> NDArray[np.int64]:
    """Quarter turns and mirrorings of the display matrix (ISO 14496-12, 8.3.2), rounded to whole ones."""
    side_data = frame.side_data.get("DISPLAYMATRIX")
    if side_data is None:
        return UPRIGHT
    # The matrix takes a row vector (x, y, 1), so its transpose takes a column vector.
    matrix = np.frombuffer(bytes(side_data), np.int32).reshape(3, 3)[:2, :2].T.astype(np.int64)
    quarter = abs(matrix[0, 1]) > abs(matrix[0, 0])
    kept = np.sign(matrix) * (UPRIGHT[::-1] if quarter else UPRIGHT)
    return kept if abs(np.linalg.det(kept)) == 1 else UPRIGHT


def _unusual(frame: Any) -> list[str]:
    components = frame.format.components
    found = []
    if any(component.bits > 8 for component in components):
        found.append(f"{max(component.bits for component in components)}-bit colour")
    if any(component.is_alpha for component in components):
        found.append("a picture with transparency")
    if len(components) == 1 and not frame.format.has_palette:
        found.append("a grey picture")
    return found
