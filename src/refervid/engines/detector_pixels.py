"""Pictures as networks want them, and numbers fine enough for boxes on them."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from refervid.core.types import Frame
from refervid.models.normalisation import IMAGENET_MEAN, IMAGENET_STD


def shorter_side_size(height: int, width: int, short: int = 800, long: int = 1333) -> tuple[int, int]:
    """Height and width with the shorter side `short`, unless the longer one would pass `long`.

    The rule of DETR and Grounding DINO (github.com/IDEA-Research/GroundingDINO, datasets/transforms.py):
    the limited short side is rounded, the long side truncated.
    """
    low, high = min(height, width), max(height, width)
    if high / low * short > long:
        short = round(long * low / high)
    other = int(short * high / low)
    return (short, other) if height <= width else (other, short)


def to_tensor(
    frame: Frame,
    size: tuple[int, int],
    mean: tuple[float, float, float] = IMAGENET_MEAN,
    std: tuple[float, float, float] = IMAGENET_STD,
) -> torch.Tensor:
    """(3, h, w) float32: resized with a bilinear filter to `size` (height, width) and normalised."""
    resized = Image.fromarray(frame).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    values = (np.asarray(resized, np.float32) / 255 - np.array(mean, np.float32)) / np.array(std, np.float32)
    return torch.from_numpy(values).permute(2, 0, 1).contiguous()
