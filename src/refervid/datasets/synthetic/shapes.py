"""Outlines of toys as signed distances.

A shape takes coordinates x, y (any equal shape, float32, y down) in units of the toy's radius and gives
the distance to its outline in the same unit, negative inside. The two-dimensional distances to box,
polygon and star are the standard ones (public collection of Inigo Quilez, "2D distance functions").
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Shape = Callable[[Field, Field], Field]


def circle(x: Field, y: Field) -> Field:
    return np.hypot(x, y) - np.float32(1)


def box(half_width: float, half_height: float, rounding: float = 0.12) -> Shape:
    """A rectangle with rounded corners."""

    def distance(x: Field, y: Field) -> Field:
        dx = np.abs(x) - np.float32(half_width - rounding)
        dy = np.abs(y) - np.float32(half_height - rounding)
        outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
        return outside + np.minimum(np.maximum(dx, dy), 0) - np.float32(rounding)

    return distance


def polygon(corners: NDArray[np.floating]) -> Shape:
    """A closed polygon; `corners` (N, 2) in xy."""

    def distance(x: Field, y: Field) -> Field:
        nearest = np.full(x.shape, np.inf, np.float32)
        inside = np.zeros(x.shape, bool)
        for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            ex, ey = bx - ax, by - ay
            along = np.clip(((x - ax) * ex + (y - ay) * ey) / (ex * ex + ey * ey), 0, 1)
            np.minimum(nearest, np.hypot(x - ax - ex * along, y - ay - ey * along), out=nearest)
            crosses = (ay > y) != (by > y)
            with np.errstate(divide="ignore", invalid="ignore"):
                inside ^= crosses & (x < ax + ex * (y - ay) / (by - ay))
        return np.where(inside, -nearest, nearest)

    return distance


def regular(sides: int) -> Shape:
    """A regular polygon with a corner at the top."""
    angles = np.arange(sides) * 2 * np.pi / sides - np.pi / 2
    return polygon(np.stack([np.cos(angles), np.sin(angles)], axis=1))


def star() -> Shape:
    angles = np.arange(10) * np.pi / 5 - np.pi / 2
    radii = np.where(np.arange(10) % 2, 0.5, 1.0)
    return polygon(np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1))


def ring(x: Field, y: Field) -> Field:
    return np.abs(np.hypot(x, y) - np.float32(0.7)) - np.float32(0.3)


def cross(x: Field, y: Field) -> Field:
    return np.minimum(box(1, 0.36)(x, y), box(0.36, 1)(x, y))


def heart(x: Field, y: Field) -> Field:
    angles = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    outline_x = np.sin(angles) ** 3
    outline_y = (
        -(13 * np.cos(angles) - 5 * np.cos(2 * angles) - 2 * np.cos(3 * angles) - np.cos(4 * angles)) / 16
    )
    return polygon(np.stack([outline_x, outline_y], axis=1))(x, y)


def bell(x: Field, y: Field) -> Field:
    """A hand bell with its hanger at the top."""
    profile = np.array(
        [(0.10, -0.98), (0.30, -0.84), (0.42, -0.45), (0.50, 0.05), (0.66, 0.42), (0.92, 0.62), (0.92, 0.76)]
    )
    mirrored = profile[::-1] * np.array([-1, 1])
    return polygon(np.concatenate([profile, mirrored]))(x, y)


SHAPES: dict[str, Shape] = {
    "circle": circle,
    "square": box(0.82, 0.82),
    "triangle": regular(3),
    "hexagon": regular(6),
    "star": star(),
    "ring": ring,
    "cross": cross,
    "heart": heart,
    "bar": box(1, 0.3),
}
