"""Still pictures in and out: JPEG bytes, mask PNGs, indexed PNGs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from refervid.core.types import Frame, Mask
from refervid.media.palette import voc_palette

# Masks shrink well whatever the effort; more of it costs time for a few per cent.
_PNG_EFFORT = 1


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
