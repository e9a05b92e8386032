"""What a tracker may know of an object before it looks: drawn from the true mask, with its faults."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

POINT_RADIUS_PX = 4


def box_plane(mask: Plane, random: np.random.Generator) -> Plane:
    """-1 outside and 1 inside the box of a mask (S, S), whose sides are off by some hundredths."""
    side = len(mask)
    x, y, w, h = cv2.boundingRect((mask > 0.5).astype(np.uint8))
    error = 0.03 if random.random() < 0.8 else 0.1
    x0, x1 = np.array([x, x + w]) + random.normal(0, error, 2) * w
    y0, y1 = np.array([y, y + h]) + random.normal(0, error, 2) * h
    plane = np.full((side, side), -1, np.float32)
    plane[max(round(y0), 0) : max(round(y1), 0), max(round(x0), 0) : max(round(x1), 0)] = 1
    return plane


def carried_plane(mask: Plane, random: np.random.Generator) -> Plane:
    """The mask as it might come from a neighbouring frame: moved, bent, with parts lost and won; -1 to 1."""
    side = len(mask)
    turn, scale = random.normal(0, 0.06), np.exp(random.normal(0, 0.04))
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), np.degrees(turn), scale)
    matrix[:, 2] += random.normal(0, 0.02, 2) * side
    found = cv2.warpAffine(mask, matrix, (side, side))
    bend = cv2.resize(
        random.normal(0, 0.012 * side, (5, 5, 2)).astype(np.float32),
        (side, side),
        interpolation=cv2.INTER_CUBIC,
    )
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
    found = cv2.remap(found, xs + bend[..., 0], ys + bend[..., 1], cv2.INTER_LINEAR)
    size = int(random.integers(0, max(side // 40, 1) + 1))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * size + 1,) * 2)
    found = cv2.erode(found, kernel) if random.random() < 0.5 else cv2.dilate(found, kernel)
    for value in (0.0, 1.0):
        if random.random() < 0.25 and mask.any():
            ys_in, xs_in = np.nonzero(mask > 0.5) if (mask > 0.5).any() else np.nonzero(mask)
            place = random.integers(len(ys_in))
            centre = np.array([xs_in[place], ys_in[place]]) + random.normal(0, 0.1, 2) * side
            axes = random.uniform(0.04, 0.2, 2) * side
            cv2.ellipse(found, (tuple(centre), tuple(axes * 2), random.uniform(0, 180)), value, -1)
    found = cv2.GaussianBlur(found, (0, 0), random.uniform(0.5, 0.02 * side))
    return np.asarray(2 * found - 1, np.float32)


def points_plane(mask: Plane, random: np.random.Generator) -> Plane:
    """1 around one to three points on the object, -1 around up to two beside it, 0 elsewhere."""
    plane = np.zeros_like(mask)
    inside = (mask > 0.7).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    away = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
    near = np.where(away > 3, np.exp(-away / (0.15 * len(mask))), 0)
    for chance, value, count in ((depth, 1.0, random.integers(1, 4)), (near, -1.0, random.integers(0, 3))):
        if not chance.any():
            continue
        share = (chance / chance.sum()).ravel().astype(np.float64)
        for place in random.choice(chance.size, count, p=share / share.sum()):
            y, x = divmod(int(place), len(mask))
            cv2.circle(plane, (x, y), POINT_RADIUS_PX, value, -1)
    return plane
