"""LanguageBind's view of a photograph (`processing_image.py` of PKU-YuanGroup/LanguageBind)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from refervid.models.normalisation import CLIP_MEAN, CLIP_STD


def picture_pixels(picture: NDArray[np.uint8], size: int = 224, *, antialias: bool = False) -> Tensor:
    """(H, W, 3) uint8 RGB to normalised pixels (3, size, size): shorter side to `size`, centre cut out.

    The published code resized a float tensor without `antialias`; with newer libraries it does with.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).float() / 255
    height, width = pixels.shape[1:]
    short, long = min(height, width), max(height, width)
    scaled = int(size * long / short)
    target = (size, scaled) if height <= width else (scaled, size)
    pixels = torch.nn.functional.interpolate(
        pixels[None], target, mode="bicubic", align_corners=False, antialias=antialias
    )[0]
    top, left = (round((side - size) / 2) for side in target)
    pixels = pixels[:, top : top + size, left : left + size]
    return (pixels - torch.tensor(CLIP_MEAN)[:, None, None]) / torch.tensor(CLIP_STD)[:, None, None]
