"""The few areas into which a picture falls: what lies together and is alike in colour and looks."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.vq import vq

from refervid.core.types import Frame
from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.computing import computing
from refervid.engines.lite.efficientnet import WEIGHTS, load_efficientnet

KINDS = 5
"""Kinds of places that a picture is made of; with 4 to 6 areas come out nearly the same."""
SIDE = 448
"""Longer side of the picture that is looked at, in pixels."""
STRIDE = 16
"""Of the features: they tell leaves from a wall, and do not yet tell things apart."""
CELL = 8
"""Pixels of that picture to a side of a cell."""
ROUNDS = 30

Areas = NDArray[np.int32]
"""(h, w) cells of the picture, numbers of areas from 0."""


def areas_of(scene: Scene, index: int) -> Areas:
    """Kinds of places by colour, looks and place together; areas are their connected pieces. Without the
    network's weights by colour and place alone.
    """
    picture = _fitted(scene.picture(index))
    height, width = (side // CELL for side in picture.shape[:2])
    smooth = cv2.resize(cv2.medianBlur(picture, 5), (width, height), interpolation=cv2.INTER_AREA)
    place = np.moveaxis(np.mgrid[0:height, 0:width] / [[[height]], [[width]]], 0, -1)
    # 4: a picture's colours differ by a quarter of their range.
    parts = [place, 4 / 255 * cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB)]
    if not WEIGHTS.missing():
        parts.append(_looks(picture, (width, height)))
    cells = np.concatenate(parts, -1, dtype=np.float64).reshape(height * width, -1)
    kinds = _kinds(cells).reshape(height, width)
    areas, count = np.zeros((height, width), np.int32), 0
    for kind in range(KINDS):
        found, pieces = cv2.connectedComponents((kinds == kind).astype(np.uint8))
        areas[pieces > 0] = pieces[pieces > 0] + count - 1
        count += found - 1
    return areas


def _kinds(cells: NDArray[np.float64]) -> NDArray[np.int32]:
    """(N,) k-means of (N, D), from bands to begin with; a kind without cells stays where it was."""
    centres = np.stack([band.mean(axis=0) for band in np.array_split(cells, KINDS)])
    for _ in range(ROUNDS):
        kinds = vq(cells, centres)[0]
        for kind in set(kinds.tolist()):
            centres[kind] = cells[kinds == kind].mean(axis=0)
    return np.asarray(kinds, np.int32)


def _fitted(picture: Frame) -> Frame:
    """With sides that the network's largest stride divides."""
    scale = SIDE / max(picture.shape[:2])
    height, width = (32 * max(round(side * scale / 32), 1) for side in picture.shape[:2])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _looks(picture: Frame, size: tuple[int, int]) -> NDArray[np.float32]:
    """(h, w, D) features of length 1."""
    pixels = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    with computing():
        features = load_efficientnet().features(pixels)[STRIDE][0]
        unit = torch.nn.functional.normalize(features, dim=0).numpy()
    return np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in unit], -1)
