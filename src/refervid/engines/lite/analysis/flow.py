"""Dense motion between neighbouring frames, and the part of it that the camera made."""

from __future__ import annotations

import zlib
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

FLOW_STEP = 1 / 16
"""Resolution in pixels at which flow is stored; finer than the estimate is right."""
GRID_STEP = 8
"""Distance in pixels between the flow vectors that vote for the camera's motion."""
INLIER_PX = 1.0
"""A vector this near to the camera's motion supports it."""
TEXTURE_RADIUS = 3.0
"""Pixels about which texture is gathered (standard deviation)."""
VISIBLE_STEP = 2.0
"""Grey levels from one pixel to the next at which motion is as likely seen as not: above sensor noise."""
LEAST_VOTES = 12
"""Three times what a homography needs."""
CELLS = 6
"""Either side of the picture is cut into so many parts for an even spread of the votes."""
CUT_SHARE = 0.15
"""Fewer vectors than this lead back to their start only where two shots meet."""

Flow = NDArray[np.float32]
"""(h, w, 2) float32: displacement (x, y) of every pixel, in pixels of the same grid."""


def new_flow_estimator() -> Any:
    """Dense inverse search (Kroeger et al., ECCV 2016), medium preset; one per thread."""
    return cast(Any, cv2).DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)


def pack_flow(flow: Flow) -> bytes:
    """Half resolution (all that the estimator's finest level resolves), quantised and compressed."""
    h, w = flow.shape[:2]
    half = cv2.resize(flow, ((w + 1) // 2, (h + 1) // 2), interpolation=cv2.INTER_AREA)
    steps = np.round(half / FLOW_STEP).clip(-32768, 32767).astype(np.int16).transpose(2, 0, 1)
    return zlib.compress(np.diff(steps, axis=2, prepend=np.int16(0)).tobytes(), 1)


def unpack_half_flow(data: bytes, height: int, width: int) -> Flow:
    """(ceil(h/2), ceil(w/2), 2): what `pack_flow` stored, still in pixels of the full grid."""
    shape = (2, (height + 1) // 2, (width + 1) // 2)
    steps = np.frombuffer(zlib.decompress(data), np.int16).reshape(shape).cumsum(axis=2, dtype=np.int16)
    return np.ascontiguousarray(steps.transpose(1, 2, 0), np.float32) * np.float32(FLOW_STEP)


def unpack_flow(data: bytes, height: int, width: int) -> Flow:
    """Inverse of `pack_flow`: (h, w, 2)."""
    half = unpack_half_flow(data, height, width)
    return cast(Flow, cv2.resize(half, (width, height), interpolation=cv2.INTER_LINEAR))


def texture(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w) float32 in 0..1: how well motion can be seen there, by the mean squared gradient around."""
    steps = [cv2.Sobel(grey, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1))]
    power = cv2.GaussianBlur(steps[0] ** 2 + steps[1] ** 2, (0, 0), TEXTURE_RADIUS)
    return np.asarray(power / (power + VISIBLE_STEP**2), np.float32)


def closed_vectors(forward: Flow, backward: Flow) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Starts and ends (N, 2) of grid vectors that lead back to where they came from, and their share.

    `forward` leaves the first frame, `backward` the second. Occlusion, missing texture and cuts break
    the loop.
    """
    h, w = forward.shape[:2]
    ys, xs = np.mgrid[GRID_STEP // 2 : h : GRID_STEP, GRID_STEP // 2 : w : GRID_STEP]
    start = np.stack([xs, ys], -1).reshape(-1, 2).astype(np.float32)
    end = start + forward[ys, xs].reshape(-1, 2)
    back = cv2.remap(backward, end[:, :1], end[:, 1:], cv2.INTER_LINEAR, borderValue=(np.inf, np.inf))
    closed = np.linalg.norm(end + back[:, 0] - start, axis=1) < INLIER_PX
    return start[closed], end[closed], float(closed.mean()) if len(closed) else 0.0


def camera_motion(
    start: NDArray[np.float32], end: NDArray[np.float32], seen: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The 3x3 homography that carries most of `start` (N, 2) to `end`; few votes: their median shift.

    `seen` (h, w) is the first frame's texture: vectors without any have no vote. No part of the picture has
    many more votes than others, or a patterned thing before a smooth background would pass for the scene.
    """
    textured = np.flatnonzero(seen[tuple(start.astype(int).T[::-1])] > 0.5)
    for voting in (textured[_evenly_spread(start[textured], *seen.shape)], textured):
        if len(voting) >= LEAST_VOTES:
            start, end = start[voting], end[voting]
            break
    if len(start) >= LEAST_VOTES:
        matrix, votes = cv2.findHomography(
            start, end, cv2.USAC_MAGSAC, INLIER_PX, maxIters=1000, confidence=0.999
        )
        if matrix is not None and votes.sum() >= LEAST_VOTES and _plausible(matrix, *seen.shape):
            return np.asarray(matrix, np.float64)
    shift = np.median(end - start, axis=0) if len(start) else np.zeros(2)
    return np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]], np.float64)


def _evenly_spread(points: NDArray[np.float32], height: int, width: int) -> NDArray[np.intp]:
    """Numbers of some of the points (N, 2): of no cell of the picture more than the median cell has."""
    if not len(points):
        return np.arange(0)
    columns, rows = (points * CELLS / (width, height)).astype(int).T
    cells = rows * CELLS + columns
    occupied, counts = np.unique(cells, return_counts=True)
    most = int(np.ceil(np.median(counts)))
    shuffled = np.random.default_rng(0).permutation(len(points))
    return np.sort(np.concatenate([shuffled[cells[shuffled] == cell][:most] for cell in occupied]))


def camera_flow(matrix: NDArray[np.float64], height: int, width: int) -> Flow:
    """The flow (h, w, 2) that the camera's homography alone would make."""
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y, z = (matrix[row, 0] * xs + matrix[row, 1] * ys + matrix[row, 2] for row in range(3))
    return np.stack([x / z - xs, y / z - ys], -1).astype(np.float32)


def _plausible(matrix: NDArray[np.float64], height: int, width: int) -> bool:
    """Between two frames the picture neither flips nor grows or shrinks twofold."""
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float32)
    moved = cv2.perspectiveTransform(corners, matrix)[0]
    area = cv2.contourArea(moved, oriented=True) / cv2.contourArea(corners[0], oriented=True)
    return bool(np.isfinite(moved).all() and 0.5 < area < 2)
