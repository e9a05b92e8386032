"""Pictures as the model wants them: square, at its input size.

The official package prepares the frames of a video and a single picture differently, and the masks
differ visibly when the two are mixed (facebookresearch/sam2, `sam2/utils/misc.py` and
`sam2/utils/transforms.py`), so both ways are here.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from refervid.core.types import Frame


def video_pixels(frame: Frame, size: int) -> Tensor:
    """uint8 (3, size, size): Pillow's bicubic filter on bytes, as the video predictor loads frames."""
    resized = Image.fromarray(frame).resize((size, size), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1)


def picture_pixels(frame: Frame, size: int) -> Tensor:
    """float32 (3, size, size) in 0..1: bilinear with antialiasing, as the image predictor does."""
    picture = torch.from_numpy(np.array(frame)).permute(2, 0, 1).float() / 255
    return F.interpolate(picture[None], (size, size), mode="bilinear", antialias=True)[0]


def prompt_masks(masks: Tensor, size: int) -> Tensor:
    """(B, H, W) bool to (B, size, size) float of 0 and 1: bilinear with antialiasing, at least one half."""
    resized = F.interpolate(masks[:, None].float(), (size, size), mode="bilinear", antialias=True)
    return (resized[:, 0] >= 0.5).float()


def at_video_size(logits: Tensor, height: int, width: int) -> Tensor:
    """(B, h, w) low-resolution logits to (B, height, width): bilinear, as the official predictors do."""
    return F.interpolate(logits[:, None].float(), (height, width), mode="bilinear")[:, 0]
