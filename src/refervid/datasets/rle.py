"""COCO's compressed run-length codes, from files that others wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from refervid.core.errors import DatasetError
from refervid.core.rle import decode_mask, encode_mask
from refervid.core.types import Mask
from refervid.media.limits import DEFAULT_MAX_PIXELS, frame_limit


class Rle(BaseModel):
    """`size` is height and width; `counts` the compressed text."""

    model_config = ConfigDict(frozen=True)

    size: tuple[int, int]
    counts: str


def encode(mask: Mask) -> dict[str, Any]:
    """The code of a bool (H, W) mask, ready for JSON."""
    return {"size": list(mask.shape), "counts": encode_mask(mask).decode("ascii")}


def decode(code: Rle, file: Path) -> Mask:
    """Bool (H, W); raises `DatasetError` naming `file` unless the code covers its frame exactly."""
    height, width = code.size
    if height < 1 or width < 1 or height * width > frame_limit(DEFAULT_MAX_PIXELS):
        raise DatasetError(f"{file}: holds a mask of {width}x{height} pixels; no frame has that size")
    try:
        return decode_mask(code.counts.encode(), height, width)
    except ValueError as error:
        raise DatasetError(
            f"{file}: holds a damaged mask of {width}x{height} pixels; download it again"
        ) from error


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
