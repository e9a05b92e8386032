"""From frames, masks and boxes in pixels to what the network reads, in training and at inference."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from refervid.models.normalisation import IMAGENET_MEAN, IMAGENET_STD
from refervid.models.soc.boxes import to_centres
from refervid.models.soc.config import InputSize
from refervid.models.soc.targets import Target

A2D_SIZE = InputSize(320, 576)
"""A2D-Sentences and JHMDB-Sentences (public repository)."""
SIZE = InputSize(360, 640)
"""All other data sets (public repository)."""

CLIP_FLIP_PROBABILITY = 0.309
"""Public repository: clips are mirrored when a standard normal draw exceeds 0.5."""
STILL_FLIP_PROBABILITY = 0.5


@dataclass(frozen=True)
class Sample:
    """A clip with one referred object, before any resizing.

    `frames` (T, 3, H, W) uint8 RGB; `masks` (T, H, W) bool; `boxes` (T, 4) float32 x0, y0, x1, y1 in
    pixels, zero where hidden; `visible` (T,) bool; `label` the object's class.
    """

    frames: Tensor
    masks: Tensor
    boxes: Tensor
    visible: Tensor
    text: str
    label: int = 0


def mask_boxes(masks: Tensor) -> Tensor:
    """(T, H, W) bool -> (T, 4) float32 x0, y0, x1, y1, zero where empty.

    As in the public repository x1 and y1 are the last index inside, one pixel short of the edge.
    """
    boxes = torch.zeros(len(masks), 4)
    for box, mask in zip(boxes, masks, strict=True):
        y, x = mask.nonzero(as_tuple=True)
        if len(y):
            box[:] = torch.stack((x.min(), y.min(), x.max(), y.max()))
    return boxes


def input_size(height: int, width: int, limit: InputSize) -> tuple[int, int]:
    """(height, width) that a frame is resized to."""
    low, high = min(height, width), max(height, width)
    short = limit.short
    if high / low * short > limit.long:
        short = round(limit.long * low / high)
    if low == short:
        return height, width
    long = int(short * high / low)
    return (short, long) if height < width else (long, short) if width < height else (short, short)


def to_tensor(frames: NDArray[np.uint8]) -> Tensor:
    """(T, H, W, 3) -> (T, 3, H, W)."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2)


def prepare_frames(frames: Tensor, limit: InputSize) -> Tensor:
    """(T, 3, H, W) uint8 RGB -> (T, 3, h, w) float32, resized as PIL does (bilinear) and normalised.

    On the CPU: only there does torch resize bytes, and round as PIL does.
    """
    size = input_size(frames.shape[2], frames.shape[3], limit)
    if size != (frames.shape[2], frames.shape[3]):
        frames = F.interpolate(frames, size=size, mode="bilinear", antialias=True)
    mean, std = (torch.tensor(each)[:, None, None] for each in (IMAGENET_MEAN, IMAGENET_STD))
    return frames.float().div_(255).sub_(mean).div_(std)


def prepare(sample: Sample, limit: InputSize) -> tuple[Tensor, Target]:
    """The network's frames (T, 3, h, w) and its target."""
    height, width = sample.frames.shape[2:]
    frames = prepare_frames(sample.frames, limit)
    masks = F.interpolate(sample.masks[:, None].float(), size=frames.shape[2:])[:, 0].bool()
    boxes = to_centres(sample.boxes) / torch.tensor([width, height, width, height])
    return frames, Target(masks, boxes, sample.visible, sample.label)


def mirror(sample: Sample) -> Sample:
    """Left becomes right, in the picture and in the text."""
    width = sample.frames.shape[3]
    boxes = sample.boxes.clone()
    boxes[:, 0::2] = width - sample.boxes[:, [2, 0]]
    boxes[~sample.visible] = 0
    return replace(
        sample,
        frames=sample.frames.flip(3),
        masks=sample.masks.flip(2),
        boxes=boxes,
        text=mirror_text(sample.text),
    )


def mirror_text(text: str) -> str:
    """Exchanges "left" and "right", also inside other words ("bright" becomes "bleft"), as published."""
    return re.sub("left|right", lambda found: "right" if found[0] == "left" else "left", text)
