"""Where in a picture ImageNet's network sees what a noun names that the detector has no class for.

Class activation mapping (B. Zhou et al., "Learning deep features for discriminative localization", CVPR
2016): the classifier is asked at every place of the features instead of about their mean over the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from refervid.core.types import Frame
from refervid.engines.lite.computing import computing
from refervid.engines.lite.efficientnet import load_efficientnet

SIDES = (480, 800)
"""Shorter sides in pixels at which a picture is looked at: for large things and for small ones."""
STRIDE = 32
AROUND = 3
"""Places of the features across that a place is seen with: a single one is too little to be named."""

NameMap = NDArray[np.float32]
"""(h, w) of the picture, in 0..1: how probably a thing of the name is there."""


def name_maps(picture: Frame, names: Sequence[Sequence[int]]) -> list[NameMap]:
    """One map for each set of ImageNet's classes, the mean over `SIDES`."""
    height, width = picture.shape[:2]
    maps = [np.zeros((height, width), np.float32) for _ in names]
    for side in SIDES:
        shares = _shares(picture, side)
        for total, classes in zip(maps, names, strict=True):
            here = shares[list(classes)].sum(axis=0)
            total += cv2.resize(here, (width, height), interpolation=cv2.INTER_LINEAR) / len(SIDES)
    return maps


def _shares(picture: Frame, side: int) -> NDArray[np.float32]:
    """(1000, h, w): probabilities of the classes at every place of the features."""
    scale = side / min(picture.shape[:2])
    size = [STRIDE * max(round(length * scale / STRIDE), 1) for length in picture.shape[1::-1]]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    pixels = torch.from_numpy(cv2.resize(picture, size, interpolation=how)).permute(2, 0, 1)[None].float()
    with computing():
        network = load_efficientnet()
        features = F.relu6(network.head(network.features(pixels)[STRIDE]))
        features = F.avg_pool2d(features, AROUND, 1, AROUND // 2, count_include_pad=False)
        logits = network.classifier(features[0].permute(1, 2, 0))
        return np.asarray(logits.softmax(dim=-1).permute(2, 0, 1).numpy(), np.float32)
