"""Backgrounds: smooth noise, a wooden table before a wall, and random textures."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Frame


def noise(
    random: np.random.Generator, height: int, width: int, cells: tuple[int, int], octaves: int = 4
) -> NDArray[np.float32]:
    """Value noise in 0..1; `cells` (rows, columns) of the coarsest grid, each octave halves them."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        rows, columns = (max(2, count * 2**octave) for count in cells)
        grid = random.random((min(rows, height), min(columns, width)), np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) / 2**octave
    low, high = total.min(), total.max()
    return np.asarray((total - low) / (high - low), np.float32)


def table_before_wall(random: np.random.Generator, height: int, width: int) -> Frame:
    """A wall lit from the upper left above a table of wooden planks."""
    edge = height // 2
    picture = np.empty((height, width, 3), np.float32)
    picture[:edge] = _wall(random, edge, width)
    picture[edge:] = _planks(random, height - edge, width)
    band = max(2, height // 60)
    fade = np.linspace(0.55, 1, 3 * band, dtype=np.float32)[:, None, None]
    picture[edge : edge + 3 * band] *= fade
    return np.clip(picture, 0, 255).astype(np.uint8)


def _wall(random: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    light = 1.08 - 0.45 * np.hypot(x / width - 0.22, 0.6 * (y / height - 0.2))
    plaster = 0.94 + 0.1 * noise(random, height, width, (6, 12), 5)
    stripes = 1 - 0.04 * (np.floor(x / (width / 24)) % 2)
    tint = np.array([168, 182, 178], np.float32)
    return np.asarray(tint * (light * plaster * stripes)[..., None], np.float32)


def _planks(random: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Boards running away from the viewer, in perspective."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    depth = 0.35 + y / height
    across = (x - width / 2) / (width * depth) * 7
    board = np.floor(across)
    grain = noise(random, 512, 512, (4, 60), 4)
    rows = np.mod(np.log(depth) * 260 + board * 97, 511).astype(np.float32)
    columns = np.mod((across - board) * 120 + board * 173, 511).astype(np.float32)
    wood = cv2.remap(grain, columns, rows, cv2.INTER_LINEAR)
    tone = 0.85 + 0.25 * np.mod(np.sin(board * 12.9898) * 43758.5453, 1)
    seam = 1 - 0.5 * np.exp(-(((across - np.round(across)) * width * depth / 7) ** 2) / 2)
    light = 0.75 + 0.4 * y / height - 0.25 * np.abs(x / width - 0.35)
    shade = (0.62 + 0.55 * wood) * tone * seam * light
    return np.asarray(np.array([186, 132, 84], np.float32) * shade[..., None], np.float32)


def random_texture(random: np.random.Generator, height: int, width: int) -> Frame:
    """A soft two-colour pattern with fine grain; colours are muted so that toys stand out."""
    first, second = (random.uniform(60, 190, 3).astype(np.float32) for _ in range(2))
    cells = (int(random.integers(2, 7)), int(random.integers(2, 7)))
    weight = noise(random, height, width, cells, 5)[..., None]
    grain = random.normal(0, 5, (height, width, 1)).astype(np.float32)
    return np.asarray(np.clip(first + weight * (second - first) + grain, 0, 255), np.uint8)


def pan(background: Frame, height: int, width: int, x: float, y: float) -> Frame:
    """The (height, width) view whose upper left corner lies at x, y of a larger background (subpixel)."""
    shift = np.array([[1, 0, x], [0, 1, y]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    view: Frame = cv2.warpAffine(
        background, shift, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT
    )
    return view
