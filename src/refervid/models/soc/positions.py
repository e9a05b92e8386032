"""Sine position codes of words and of maps (DETR's, public repository)."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def sine_code(angle: Tensor, width: int) -> Tensor:
    """(...,) -> (..., width): component c turns with 10000^(-2 (c // 2) / width), even ones are sines."""
    component = torch.arange(0, width, 2, device=angle.device, dtype=torch.float32)
    frequency = 10000 ** (component / width)
    angles = angle[..., None] / frequency
    return torch.stack((angles.sin(), angles.cos()), -1).flatten(-2)


def word_positions(keep: Tensor, width: int) -> Tensor:
    """Bool (N, S), True = token -> (N, S, width)."""
    count = keep.cumsum(1, dtype=torch.float32)
    return sine_code(count / (count[:, -1:] + 1e-6) * (2 * math.pi), width)


def map_positions(padding: Tensor, width: int) -> Tensor:
    """Bool (B, h, w), True = padding -> (B, h, w, width), the first half from y.

    In rows or columns that are padding throughout the count is 0 and the code consists of sines of huge
    numbers. The published network was trained so, and these tokens reach the mask's convolutions: kept.
    """
    inside = ~padding
    y = inside.cumsum(1, dtype=torch.float32)
    x = inside.cumsum(2, dtype=torch.float32)
    y = (y - 0.5) / (y[:, -1:] + 1e-6) * (2 * math.pi)
    x = (x - 0.5) / (x[:, :, -1:] + 1e-6) * (2 * math.pi)
    return torch.cat((sine_code(y, width // 2), sine_code(x, width // 2)), -1)
