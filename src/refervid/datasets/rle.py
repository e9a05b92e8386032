"""COCO's compressed run-length codes, from files that others wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from refervid.errors import DatasetError
from refervid.track import decode_mask, encode_mask
from refervid.types import Mask


class Rle(BaseModel):
    """`size` is height and width; `counts` the compressed text."""

    model_config = ConfigDict(frozen=True)

    size: tuple[int, int]
    counts: str


def encode(mask: Mask) -> dict[str, Any]:
    """The code of a bool (H, W) mask, ready for JSON."""
    return {"size": list(mask.shape), "counts": encode_mask(mask).decode("ascii")}


def decode(code: Rle, file: Path) -> Mask:
    """Bool (H, W); raises `DatasetError` naming `file` unless the code covers its frame exactly.

    pycocotools leaves memory uninitialised behind a code that is too short.
    """
    height, width = code.size
    if _covered(code.counts) != height * width:
        raise DatasetError(f"{file}: holds a damaged mask of {width}x{height} pixels; download it again")
    return decode_mask(code.counts.encode(), height, width)


def _covered(counts: str) -> int:
    """Pixels of all runs; -1 if the text is no code (`rleFrString` of COCO's API)."""
    runs: list[int] = []
    value, shift = 0, 0
    for character in counts:
        digit = ord(character) - 48
        if not 0 <= digit < 64 or shift > 30:
            return -1
        value |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            continue
        if digit & 16:
            value -= 1 << shift
        # From the fourth on, a run is stored as the difference from the one before the last.
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        if runs[-1] < 0:
            return -1
        value, shift = 0, 0
    return -1 if shift else sum(runs)


@dataclass(frozen=True)
class RleTruth:
    """The union of some codes per frame, all of `height` x `width`; none where the object is not visible."""

    file: Path
    height: int
    width: int
    frames: tuple[tuple[Rle, ...], ...]

    def at(self, position: int) -> tuple[Mask, None]:
        mask = np.zeros((self.height, self.width), bool)
        for code in self.frames[position]:
            mask |= decode(code, self.file)
        return mask, None
