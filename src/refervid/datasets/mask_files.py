"""Annotations as one picture per frame and object: shared by several data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from refervid.core.types import Mask
from refervid.datasets.item import Item
from refervid.datasets.pictures import read_foreground, size_of
from refervid.datasets.problems import Problems


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


def check_sizes(items: Sequence[Item], problems: Problems) -> None:
    """Every annotation can be read and is of its frame's size."""
    for item in items:
        for position, index in enumerate(item.indices):
            with problems.collected():
                assert item.truth is not None
                mask, _ = item.truth.at(position)
                height, width = size_of(item.video.pictures[index])
                if mask.shape != (height, width):
                    what = f"frame {item.frames[position]} is {width}x{height}"
                    fix = f"its annotation {mask.shape[1]}x{mask.shape[0]}: use files of one release"
                    problems.add(item.video.path, what, fix)
