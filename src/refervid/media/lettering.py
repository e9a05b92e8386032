"""Text and discs drawn onto pictures, clipped at their edges."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from refervid.core.types import Frame
from refervid.media.palette import RGB

WHITE: RGB = (255, 255, 255)
BLACK: RGB = (0, 0, 0)
_SUBPIXEL_BITS = 4


def drawable(text: str) -> str | None:
    """`text` on one line in letters that the built-in font has (accents go), or None for other scripts."""
    line = " ".join(unicodedata.normalize("NFKD", text).split())
    plain = "".join(c for c in line if not unicodedata.combining(c))
    return plain if plain.isascii() else None


@lru_cache(maxsize=256)
def text_alpha(text: str, size: int) -> NDArray[np.uint8]:
    """(h, w) coverage 0..255 of one line of text, cut to its ink; `size` is the em in pixels."""
    font = ImageFont.load_default(size)
    _, _, right, bottom = font.getbbox(text)
    canvas = Image.new("L", (int(right) + 2 * size, int(bottom) + 2 * size))
    # The stroke makes the letters bold, which keeps them legible on pictures.
    ImageDraw.Draw(canvas).text((size, size), text, fill=255, font=font, stroke_width=size / 60)
    return np.asarray(canvas.crop(canvas.getbbox() or (0, 0, 1, 1)))


def paint(picture: Frame, alpha: NDArray[np.uint8], x: int, y: int, colour: RGB) -> None:
    """Blend `colour` into `picture` where `alpha` (h, w) covers it; (x, y) is alpha's top left."""
    height, width = picture.shape[:2]
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + alpha.shape[1], width), min(y + alpha.shape[0], height)
    if x0 >= x1 or y0 >= y1:
        return
    share = alpha[y0 - y : y1 - y, x0 - x : x1 - x, None].astype(np.float32) / 255
    region = picture[y0:y1, x0:x1]
    region[:] = np.rint(region + (np.array(colour, np.float32) - region) * share)


def ink_on(colour: RGB) -> RGB:
    """White, or black on a colour as bright as yellow (luma of ITU-R BT.601)."""
    luma = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    return BLACK if luma > 200 else WHITE


def disc(picture: Frame, centre_xy: tuple[float, float], radius: float, colour: RGB, rim: float) -> None:
    """A filled disc with a white rim of `rim` pixels around `radius`."""
    scale = 1 << _SUBPIXEL_BITS
    centre = (round(centre_xy[0] * scale), round(centre_xy[1] * scale))
    for extent, fill in ((radius + rim / 2, WHITE), (radius - rim / 2, colour)):
        cv2.circle(picture, centre, round(extent * scale), fill, -1, cv2.LINE_AA, _SUBPIXEL_BITS)


def words_on_disc(
    picture: Frame, centre_xy: tuple[float, float], colour: RGB, text: str, size: float
) -> None:
    """Legible text in the middle of a disc of that colour; `size` is the em in pixels."""
    alpha = text_alpha(text, max(round(size), 1))
    x = round(centre_xy[0] - alpha.shape[1] / 2)
    y = round(centre_xy[1] - alpha.shape[0] / 2)
    paint(picture, alpha, x, y, ink_on(colour))
