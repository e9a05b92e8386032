"""Still pictures in, out and smaller: JPEG bytes, mask PNGs, indexed PNGs."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from refervid.core.types import Frame, Mask
from refervid.media.palette import voc_palette

# Masks shrink well whatever the effort; more of it costs time for a few per cent.
_PNG_EFFORT = 1


def shrunk(picture: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """A picture (H, W, 3) at `scale` times its size, or itself where that is no less than 1. Of a mask (H, W)
    all values stay among those that it has.
    """
    if scale >= 1:
        return picture
    size = [max(round(side * scale), 1) for side in picture.shape[1::-1]]
    smooth = cv2.INTER_AREA if picture.ndim == 3 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(picture, size, interpolation=smooth), np.uint8)


def encode_jpeg(picture: Frame, quality: int = 90) -> bytes:
    """JPEG bytes of an RGB picture."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def decode_jpeg(data: bytes) -> Frame:
    """RGB picture (a writable array) from JPEG bytes of our own."""
    return np.array(Image.open(io.BytesIO(data), formats=["JPEG"]).convert("RGB"))


def write_mask(path: Path | BinaryIO, mask: Mask) -> None:
    """A mask as 8-bit grey PNG: 0 background, 255 object."""
    Image.fromarray(mask.astype(np.uint8) * 255).save(path, "PNG", compress_level=_PNG_EFFORT)


def id_map(masks: Iterable[Mask], height: int, width: int) -> NDArray[np.uint8]:
    """Masks (H, W) of one frame as ids (H, W), from 1; where several overlap, the first has the pixel."""
    ids = np.zeros((height, width), np.uint8)
    for number, mask in enumerate(masks, 1):
        ids[mask & (ids == 0)] = number
    return ids


def write_indexed(path: Path | BinaryIO, ids: NDArray[np.uint8]) -> None:
    """Object ids (H, W) as PNG with the Pascal VOC palette, the form of DAVIS and YouTube-VOS."""
    picture = Image.fromarray(ids)
    picture.putpalette(voc_palette().tobytes())
    picture.save(path, "PNG", compress_level=_PNG_EFFORT)


def indexed_png(ids: NDArray[np.uint8]) -> bytes:
    """Object ids (H, W) as the bytes of such a PNG."""
    buffer = io.BytesIO()
    write_indexed(buffer, ids)
    return buffer.getvalue()


def mask_png(mask: Mask) -> bytes:
    """A mask (H, W) as the bytes of such a PNG."""
    buffer = io.BytesIO()
    write_mask(buffer, mask)
    return buffer.getvalue()
