"""Annotations as one picture per frame and object: shared by several data sets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from refervid.core.types import Mask
from refervid.datasets.pictures import read_foreground


@dataclass(frozen=True)
class MaskFiles:
    """PNGs in which what is not black is the object; None is a frame without it.

    `height` and `width` are those of the frames.
    """

    files: tuple[Path | None, ...]
    height: int
    width: int

    def at(self, position: int) -> tuple[Mask, None]:
        file = self.files[position]
        if file is None:
            return np.zeros((self.height, self.width), bool), None
        return read_foreground(file), None
