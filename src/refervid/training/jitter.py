"""Colours changed at random, frame by frame, as the public repository of SOC would if it were told to.

Brightness by up to 32 of 255, contrast and saturation by half to one and a half, hue by up to 18 of 360
degrees, and channels in another order: each with probability one half, contrast before or after the others.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BRIGHTNESS = 32.0
HUE = 18.0
SPREAD = (0.5, 1.5)


def jittered(frames: Tensor, random: np.random.Generator) -> Tensor:
    """(T, 3, H, W) uint8 RGB, every frame by itself."""
    pictures = frames.permute(0, 2, 3, 1).numpy()
    return torch.from_numpy(np.stack([_jittered(one, random) for one in pictures])).permute(0, 3, 1, 2)


def _jittered(picture: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    colours = picture.astype(np.float32)
    brighter, contrast, saturate, turn, shuffle, first = random.random(6) < 0.5
    if brighter:
        colours += random.uniform(-BRIGHTNESS, BRIGHTNESS)
    if contrast and first:
        colours *= random.uniform(*SPREAD)
    if saturate or turn:
        hsv = np.asarray(cv2.cvtColor(colours.clip(0, 255) / 255, cv2.COLOR_RGB2HSV))
        if saturate:
            hsv[..., 1] = (hsv[..., 1] * random.uniform(*SPREAD)).clip(0, 1)
        if turn:
            hsv[..., 0] = (hsv[..., 0] + random.uniform(-HUE, HUE)) % 360
        colours = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)) * 255
    if contrast and not first:
        colours *= random.uniform(*SPREAD)
    if shuffle:
        colours = colours[..., random.permutation(3)]
    return colours.clip(0, 255).round().astype(np.uint8)
