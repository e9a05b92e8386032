"""How well each pixel deserves the name of a colour.

The eleven names are the basic colour terms of English (Berlin and Kay, 1969). Memberships are fuzzy sets on
lightness, chroma and hue in Oklab (B. Ottosson, "A perceptual color space for image processing", 2020,
bottosson.github.io/posts/oklab); the bounds of the sets are our own, placed by eye on sRGB colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Frame
from refervid.engines.lite.fuzzy import rise

TERMS = ("black", "white", "grey", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")
SHADES = ("dark", "light", "bright")
BITS = 5
"""Bits per channel that the table distinguishes."""

MIDDLE = 0.6
"""Oklab's lightness of a middle grey (half of 255)."""
HALFWAY = 0.2
"""Difference in lightness from which on a grey is nearer to black or white."""
GREYISH = 0.04
"""Chroma from which on a grey has a hue that is seen."""

Memberships = NDArray[np.float32]

# Hue in degrees: from 0 to 1 between the first two numbers, back to 0 between the last two.
_HUES = {
    "red": (-18.0, -2.0, 40.0, 50.0),
    "orange": (40.0, 50.0, 74.0, 86.0),
    "yellow": (76.0, 88.0, 113.0, 124.0),
    "green": (110.0, 122.0, 172.0, 200.0),
    "blue": (180.0, 212.0, 284.0, 298.0),
    "purple": (284.0, 298.0, 336.0, 352.0),
    "pink": (-34.0, -18.0, 22.0, 40.0),
    "brown": (18.0, 38.0, 88.0, 104.0),
}


def memberships(frame: Frame, terms: Sequence[str] = TERMS, shade: str = "") -> Memberships:
    """(H, W, len(terms)) float32 in 0..1, of pixels (N, 3) (N, len(terms)); with `shade` only as far as the
    pixel is so.
    """
    step = 8 - BITS
    red, green, blue = (frame[..., channel] >> step for channel in range(3))
    maps = _table()[red, green, blue][..., [TERMS.index(term) for term in terms]]
    if shade:
        maps = maps * _shade_table()[red, green, blue][..., SHADES.index(shade), None]
    return np.asarray(maps, np.float32)


def membership(frame: Frame, terms: Sequence[str], shade: str = "") -> Memberships:
    """(H, W), or (N,), float32 in 0..1: how well each pixel fits the best of `terms`."""
    return np.asarray(memberships(frame, terms, shade).max(axis=-1), np.float32)


@cache
def _table() -> Memberships:
    """(2^BITS, 2^BITS, 2^BITS, terms): memberships of every quantised sRGB colour."""
    lightness, chroma, hue = _oklch_grid()
    # Dark pixels carry little chroma; the eye and we judge it against lightness.
    relative = chroma / (lightness + 0.1)
    coloured = rise(relative, 0.04, 0.11)
    pale = 1 - rise(relative, 0.05, 0.12)
    fits = {
        "black": np.minimum(1 - rise(lightness, 0.33, 0.48), 1 - rise(chroma, 0.04, 0.08)),
        "white": pale * rise(lightness, 0.64, 0.86),
        "grey": pale * rise(lightness, 0.28, 0.42) * (1 - rise(lightness, 0.8, 0.94)),
    }
    for name, bounds in _HUES.items():
        fits[name] = coloured * _between(hue, *bounds)
    fits["red"] = fits["red"] * (1 - rise(lightness, 0.66, 0.78)) * rise(chroma, 0.06, 0.11)
    fits["orange"] = fits["orange"] * rise(lightness, 0.55, 0.66) * rise(chroma, 0.08, 0.14)
    fits["yellow"] = fits["yellow"] * rise(lightness, 0.5, 0.66) * rise(chroma, 0.05, 0.1)
    fits["pink"] = fits["pink"] * rise(lightness, 0.55, 0.7)
    fits["brown"] = fits["brown"] * (1 - rise(chroma, 0.11, 0.15)) * (1 - rise(lightness, 0.7, 0.88))
    return np.stack([fits[term] for term in TERMS], axis=-1).astype(np.float32)


@cache
def _shade_table() -> Memberships:
    """(2^BITS, 2^BITS, 2^BITS, shades)."""
    lightness, chroma, _ = _oklch_grid()
    fits = (1 - rise(lightness, 0.42, 0.62), rise(lightness, 0.5, 0.7), rise(chroma, 0.08, 0.16))
    return np.stack(fits, axis=-1).astype(np.float32)


def _oklch_grid() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Oklab lightness (0..1), chroma and hue (degrees, 0..360) of every quantised sRGB colour."""
    levels = 255 * (np.arange(2**BITS) + 0.5) / 2**BITS
    lab = oklab(np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1))
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
    return lab[..., 0], np.hypot(lab[..., 1], lab[..., 2]), hue


def oklab(rgb: NDArray[np.floating]) -> NDArray[np.float64]:
    """(..., 3) Oklab of sRGB in 0..255."""
    srgb = rgb / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    to_lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.asarray(np.cbrt(linear @ to_lms.T) @ to_lab.T, np.float64)


def lean(lab: NDArray[np.float64], term: str) -> float:
    """How far an Oklab colour (3,) lies towards a colour term, less than 0 away from it.

    Towards black and white is darker and lighter than the middle, towards a hue is along the middle of what
    bears its name, towards brown that of orange and dark; grey is what has no hue.
    """
    lightness, chroma = float(lab[0]) - MIDDLE, float(np.hypot(lab[1], lab[2]))
    if term in ("black", "white"):
        return (lightness if term == "white" else -lightness) - chroma
    if term == "grey":
        return GREYISH - chroma - max(abs(lightness) - HALFWAY, 0.0)
    middle = np.radians(sum(_HUES[term][1:3]) / 2)
    along = float(lab[1] * np.cos(middle) + lab[2] * np.sin(middle))
    return along - max(lightness, 0.0) if term == "brown" else along


def _between(hue: NDArray[np.float64], a: float, b: float, c: float, d: float) -> NDArray[np.float64]:
    """Trapezoid on the circle of hues; `a` may be negative."""
    turned = (hue - a) % 360
    return np.minimum(rise(turned, 0, b - a), 1 - rise(turned, c - a, d - a))
