"""Drawing toys: outlines puffed up to solids, with texture, light and shadow.

A toy is seen straight on. Its height above the picture plane follows from the distance to its outline
(a circle becomes a ball), its shading from the height: ambient and diffuse light plus a highlight
(Blinn-Phong). Toys are drawn at twice the size and averaged down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Frame, Mask
from refervid.datasets.synthetic.shapes import Field, Shape

_SUPERSAMPLING = 2
_LIGHT = np.array([-0.45, -0.65, 0.62], np.float32) / np.float32(np.linalg.norm([-0.45, -0.65, 0.62]))
_HALFWAY = (_LIGHT + np.array([0, 0, 1], np.float32)) / np.linalg.norm(_LIGHT + np.array([0, 0, 1]))


@dataclass(frozen=True)
class Material:
    """`colour` and `second` are RGB 0..255; `pattern` is plain, stripes, dots, checks or marble."""

    colour: tuple[int, int, int]
    second: tuple[int, int, int] = (255, 255, 255)
    pattern: str = "plain"
    period: float = 0.5
    gloss: float = 0.5


@dataclass(frozen=True)
class Part:
    """A piece of a toy: its shape, size and place in units of the toy's radius; `bevel` is how far from the
    outline the surface keeps rising (1: a dome).
    """

    shape: Shape
    material: Material
    size: float = 1.0
    at: tuple[float, float] = (0.0, 0.0)
    bevel: float = 0.35


@dataclass(frozen=True)
class Toy:
    """An object: parts from back to front."""

    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Pose:
    """Where a toy is: centre in pixels, radius in pixels, turn in radians (clockwise), squash (height over
    width), and `ground`, the y in pixels where its shadow lies (None: no shadow).
    """

    x: float
    y: float
    radius: float
    turn: float = 0.0
    squash: float = 1.0
    ground: float | None = None


def draw(background: Frame, toys: Sequence[tuple[Toy, Pose]]) -> tuple[Frame, list[Mask]]:
    """The picture with toys from back to front, and each toy's visible pixels."""
    height, width = background.shape[:2]
    picture = background.astype(np.float32)
    for _, pose in toys:
        _cast_shadow(picture, pose)
    masks = [np.zeros((height, width), bool) for _ in toys]
    for number, (toy, pose) in enumerate(toys):
        window = _window(pose, width, height)
        if window is None:
            continue
        left, top, right, bottom = window
        colour, alpha = paint(toy, pose, window)
        area = picture[top:bottom, left:right]
        area += alpha[..., None] * (colour - area)
        solid = alpha > 0.5
        for earlier in masks[:number]:
            earlier[top:bottom, left:right] &= ~solid
        masks[number][top:bottom, left:right] = solid
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8), masks


def _window(pose: Pose, width: int, height: int) -> tuple[int, int, int, int] | None:
    reach = pose.radius * max(1.0, pose.squash) * 1.5
    left, right = max(0, int(pose.x - reach)), min(width, int(pose.x + reach) + 2)
    top, bottom = max(0, int(pose.y - reach)), min(height, int(pose.y + reach) + 2)
    return (left, top, right, bottom) if left < right and top < bottom else None


def paint(toy: Toy, pose: Pose, window: tuple[int, int, int, int]) -> tuple[NDArray[np.float32], Field]:
    """Colour (h, w, 3) in 0..255 and coverage (h, w) in 0..1 of the toy in the window (x0, y0, x1, y1)."""
    left, top, right, bottom = window
    step = 1 / _SUPERSAMPLING
    xs = np.arange(left, right, step, dtype=np.float32) + np.float32(step / 2)
    ys = np.arange(top, bottom, step, dtype=np.float32) + np.float32(step / 2)
    dx, dy = np.meshgrid((xs - pose.x) / pose.radius, (ys - pose.y) / (pose.radius * pose.squash))
    cosine, sine = np.float32(np.cos(pose.turn)), np.float32(np.sin(pose.turn))
    u, v = cosine * dx + sine * dy, -sine * dx + cosine * dy
    colour = np.zeros((*u.shape, 3), np.float32)
    coverage = np.zeros(u.shape, np.float32)
    for part in toy.parts:
        pu, pv = (u - np.float32(part.at[0])) / part.size, (v - np.float32(part.at[1])) / part.size
        inside = -part.shape(pu, pv)
        pixels = pose.radius * part.size * _SUPERSAMPLING
        alpha = np.clip(inside * pixels + 0.5, 0, 1)
        lit = _shade(part, pu, pv, inside, pixels)
        colour += alpha[..., None] * (lit - colour)
        coverage = np.maximum(coverage, alpha)
    size = (right - left, bottom - top)
    weighted = cv2.resize(colour * coverage[..., None], size, interpolation=cv2.INTER_AREA)
    coverage = cv2.resize(coverage, size, interpolation=cv2.INTER_AREA)
    return weighted / np.maximum(coverage, 1e-3)[..., None], coverage


def _shade(part: Part, u: Field, v: Field, inside: Field, pixels: float) -> NDArray[np.float32]:
    rise = np.clip(inside / part.bevel, 0, 1)
    height = part.bevel * np.sqrt(1 - (1 - rise) ** 2) * pixels
    slope_y, slope_x = np.gradient(height)
    steepness = 1 / np.sqrt(slope_x**2 + slope_y**2 + 1)
    normal = np.stack([-slope_x, -slope_y, np.ones_like(slope_x)], axis=-1) * steepness[..., None]
    diffuse = np.clip(normal @ _LIGHT, 0, 1)
    highlight = part.material.gloss * np.clip(normal @ _HALFWAY, 0, 1) ** 40
    base = _texture(part.material, u, v)
    return np.asarray(base * (0.42 + 0.72 * diffuse)[..., None] + 255 * highlight[..., None], np.float32)


def _texture(material: Material, u: Field, v: Field) -> NDArray[np.float32]:
    first, second = (np.array(rgb, np.float32) for rgb in (material.colour, material.second))
    period = np.float32(material.period)
    match material.pattern:
        case "stripes":
            share = np.sin(2 * np.pi * v / period) > 0.35
        case "dots":
            share = np.hypot(np.mod(u, period) - period / 2, np.mod(v, period) - period / 2) < 0.3 * period
        case "checks":
            share = (np.floor(u / period) + np.floor(v / period)) % 2 == 0
        case "marble":
            share = 0.5 + 0.5 * np.sin(2 * np.pi * (u + 0.35 * np.sin(5 * v + 2 * u)) / period)
        case _:
            share = np.zeros_like(u)
    weight = np.asarray(share, np.float32)[..., None]
    return first + weight * (second - first)


def _cast_shadow(picture: NDArray[np.float32], pose: Pose) -> None:
    """Darken the ground below a toy; higher toys cast wider, fainter shadows."""
    if pose.ground is None:
        return
    height, width = picture.shape[:2]
    lift = max(0.0, pose.ground - (pose.y + pose.radius * pose.squash)) / pose.radius
    reach_x, reach_y = pose.radius * (1 + 0.25 * lift), pose.radius * (0.22 + 0.05 * lift)
    centre_x = pose.x + pose.radius * (0.25 + 0.3 * lift)
    left, right = max(0, int(centre_x - 2 * reach_x)), min(width, int(centre_x + 2 * reach_x))
    top, bottom = max(0, int(pose.ground - 3 * reach_y)), min(height, int(pose.ground + 3 * reach_y))
    if left >= right or top >= bottom:
        return
    dx = (np.arange(left, right, dtype=np.float32) - centre_x) / reach_x
    dy = (np.arange(top, bottom, dtype=np.float32) - pose.ground) / reach_y
    dark = 0.55 / (1 + lift) * np.exp(-((dx[None] ** 2 + dy[:, None] ** 2) ** 1.2))
    picture[top:bottom, left:right] *= (1 - dark)[..., None]
