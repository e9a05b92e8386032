"""Annotation pictures: object ids, black and white, and their sizes without decoding them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from refervid.core.errors import DatasetError
from refervid.core.files import open_file, read_file
from refervid.media.folder import picture_size
from refervid.media.limits import DEFAULT_MAX_PIXELS, FRAME_SHARE

HEADER_BYTES = 2**16
"""Enough for the size in any PNG, and in a JPEG without a large preview."""


def size_of(path: Path) -> tuple[int, int]:
    """Height and width from a JPEG's or PNG's header; raises `DatasetError`."""
    try:
        with open_file(path) as file:
            size = picture_size(file.read(HEADER_BYTES)) or picture_size(read_file(path))
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}); put the file there") from error
    if size is None:
        raise DatasetError(f"{path}: is neither a PNG nor a JPEG picture; replace it")
    width, height = size
    if width * height * FRAME_SHARE > DEFAULT_MAX_PIXELS:
        raise DatasetError(f"{path}: {width}x{height} pixels are too many; replace it by a real frame")
    return height, width


def read_ids(path: Path) -> NDArray[np.uint8]:
    """Object ids (H, W) of an indexed or grey PNG; raises `DatasetError`."""
    picture = _decoded(_open(path), path)
    if picture.mode not in ("P", "L", "1"):
        raise DatasetError(f"{path}: is a {picture.mode} picture; object ids need an indexed or grey PNG")
    return np.array(picture.convert("L") if picture.mode == "1" else picture, np.uint8)


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Colours (H, W, 3) of any PNG; raises `DatasetError`."""
    return np.array(_decoded(_open(path), path).convert("RGB"))


def read_black_white(path: Path) -> NDArray[np.bool_]:
    """White pixels (H, W) of a PNG turned into black and white by Pillow, which dithers greys. Raises
    `DatasetError`.
    """
    return np.array(_decoded(_open(path), path).convert("1"), bool)


def read_foreground(path: Path) -> NDArray[np.bool_]:
    """Pixels (H, W) that are not black: the form of predictions. Raises `DatasetError`."""
    picture = _decoded(_open(path), path)
    if picture.mode in ("P", "L", "1"):
        return np.array(np.array(picture, np.uint8) != 0)
    return np.array(np.array(picture.convert("RGB")).any(axis=2))


def _open(path: Path) -> Image.Image:
    size_of(path)
    try:
        return Image.open(path, formats=["PNG"])
    except OSError as error:
        raise DatasetError(f"{path}: is no readable PNG picture; replace it") from error


def _decoded(picture: Image.Image, path: Path) -> Image.Image:
    try:
        picture.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise DatasetError(f"{path}: is a damaged picture ({error}); replace it") from error
    return picture
