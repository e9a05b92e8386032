"""A square piece of a frame around an object, in which the object has always the same size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Frame, Mask

Plane = NDArray[np.float32]

SIDE = 192
"""Pixels of a crop's side as the network sees it; a mask has half as many."""
GRID = SIDE // 2
MARGIN = 1.5
"""Sides of a crop per longer side of the object."""
LEAST_SIDE = 24
"""Pixels of the picture: smaller objects get more of their surroundings."""


@dataclass(frozen=True)
class Crop:
    """Upper left corner and side in whole pixels of the picture; it may reach beyond."""

    x: int
    y: int
    side: int

    @classmethod
    def around(cls, x0: float, y0: float, x1: float, y1: float) -> Crop:
        """The crop for an object with this box."""
        side = max(round(MARGIN * max(x1 - x0, y1 - y0)), LEAST_SIDE)
        return cls(round((x0 + x1 - side) / 2), round((y0 + y1 - side) / 2), side)

    @property
    def cell_area(self) -> float:
        """Of a cell of a mask, in pixels of the picture."""
        return (self.side / GRID) ** 2

    def with_side(self, side: int) -> Crop:
        """Another side around the same middle."""
        return Crop(round(self.x + (self.side - side) / 2), round(self.y + (self.side - side) / 2), side)

    def cut(self, picture: Frame) -> Frame:
        """(`SIDE`, `SIDE`, 3); what lies beyond the picture repeats its edge."""
        h, w = picture.shape[:2]
        x0, y0 = min(max(self.x, 0), w - 1), min(max(self.y, 0), h - 1)
        x1, y1 = max(min(self.x + self.side, w), x0 + 1), max(min(self.y + self.side, h), y0 + 1)
        piece = cv2.copyMakeBorder(
            picture[y0:y1, x0:x1],
            max(y0 - self.y, 0),
            max(self.y + self.side - y1, 0),
            max(x0 - self.x, 0),
            max(self.x + self.side - x1, 0),
            cv2.BORDER_REPLICATE,
        )
        how = cv2.INTER_AREA if self.side > SIDE else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(piece, (SIDE, SIDE), interpolation=how), np.uint8)

    def places(self) -> NDArray[np.float32]:
        """(`GRID`, `GRID`, 2): x and y in the picture of the middle of every cell of a mask."""
        along = ((np.arange(GRID) + 0.5) * self.side / GRID - 0.5).astype(np.float32)
        places = np.empty((GRID, GRID, 2), np.float32)
        places[..., 0], places[..., 1] = along + self.x, (along + self.y)[:, None]
        return places

    def places_inside(self, size: tuple[int, int]) -> NDArray[np.float32]:
        """`places`, those beyond a picture of `size` (h, w) moved to its edge: what `cut` shows there."""
        h, w = size
        return np.clip(self.places(), 0, np.array([w - 1, h - 1], np.float32))

    def is_inside(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """(`GRID`, `GRID`): which cells lie in a picture of `size` (h, w)."""
        h, w = size
        along = (np.arange(GRID) + 0.5) * self.side / GRID - 0.5
        across, down = along + self.x, along + self.y
        return np.asarray(
            ((down > -0.5) & (down < h - 0.5))[:, None] & ((across > -0.5) & (across < w - 0.5))
        )

    def cells(self, places: NDArray[np.float32]) -> NDArray[np.float32]:
        """Inverse of `places`: where in a mask's grid lie these places (..., 2) of the picture?"""
        shift = np.array([self.x, self.y], np.float32)
        return np.asarray((places - shift + 0.5) * (GRID / self.side) - 0.5, np.float32)

    def sample(self, plane: Plane, places: NDArray[np.float32], outside: float) -> Plane:
        """Values of `plane` (`GRID`, `GRID`) of this crop at places (h, w, 2) of the picture."""
        cells = self.cells(places)
        return np.asarray(
            cv2.remap(
                plane,
                cells[..., 0],
                cells[..., 1],
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=outside,
            ),
            np.float32,
        )

    def gather(self, plane: Plane, scale_xy: tuple[float, float]) -> Plane:
        """(`GRID`, `GRID`) of a plane of the whole frame, whose edge repeats beyond it.

        `scale_xy` are its pixels per pixel of the picture.
        """
        scale = np.array(scale_xy, np.float32)
        at = (self.places() + 0.5) * scale - 0.5
        coarse = self.side / GRID * float(scale.mean())
        if coarse > 2:
            plane = cv2.GaussianBlur(plane, (0, 0), coarse / 3)
        return np.asarray(
            cv2.remap(plane, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
            np.float32,
        )

    def spread(self, odds: Plane, size: tuple[int, int], scale_xy: tuple[float, float]) -> Mask:
        """Inverse of `gather`: where on a whole frame of `size` (h, w) the odds are above 0."""
        whole = np.zeros(size, bool)
        scale, corner = np.array(scale_xy), np.array([self.x, self.y])
        edges = np.ceil(np.stack([corner, corner + self.side]) * scale - 0.5)
        (x0, y0), (x1, y1) = np.clip(edges, 0, size[::-1]).astype(int).tolist()
        if x0 < x1 and y0 < y1:
            step = GRID / self.side / scale
            first = (np.array([x0, y0]) + 0.5) * step - corner * GRID / self.side - 0.5
            inside = cv2.warpAffine(
                odds,
                np.column_stack([np.diag(step), first]),
                (x1 - x0, y1 - y0),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
            whole[y0:y1, x0:x1] = inside > 0
        return whole
