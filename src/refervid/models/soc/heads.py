"""What is read off a query: class, box, and the mask's own little convolutions."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from refervid.models.chunks import pieces

MASK_CHANNELS = 8
"""Channels of the pixel features and of the dynamic layers."""

STRIDE = 4
"""Input pixels per cell of the mask map."""

_LAYERS = ((MASK_CHANNELS + 2, MASK_CHANNELS), (MASK_CHANNELS, MASK_CHANNELS), (MASK_CHANNELS, 1))
_WEIGHTS = [inputs * outputs for inputs, outputs in _LAYERS]
_BIASES = [outputs for _, outputs in _LAYERS]
MASK_PARAMETERS = sum(_WEIGHTS) + sum(_BIASES)
"""169 numbers per query."""


class MlpHead(nn.Module):
    """Three linear layers with ReLU between them."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise((width, width, width, outputs)))

    @property
    def last(self) -> nn.Linear:
        return cast(nn.Linear, self.layers[-1])

    def reset_xavier(self) -> None:
        for layer in cast(Iterable[nn.Linear], self.layers):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) -> (..., outputs)."""
        first, second, third = self.layers
        out: Tensor = third(F.relu(second(F.relu(first(x)))))
        return out


def refine(delta: Tensor, reference: Tensor) -> Tensor:
    """Box (..., 4) as cx, cy, w, h in 0..1: `delta` on top of a reference (..., 2 or 4), before the sigmoid.

    A reference of two numbers has no size yet. Float32, clamped by 1e-5 (Deformable DETR).
    """
    reference = reference.float().clamp(0, 1)
    logit = torch.log(reference.clamp(min=1e-5) / (1 - reference).clamp(min=1e-5))
    return (delta.float() + F.pad(logit, (0, 4 - logit.shape[-1]))).sigmoid()


def dynamic_masks(features: Tensor, parameters: Tensor, centres: Tensor) -> Tensor:
    """Mask logits of every query: three 1x1 convolutions whose weights the query brings along.

    `features` (M, 8, h, w), `parameters` (M, Q, 169), `centres` (M, Q, 2) as x, y in input pixels
    -> (M, Q, h, w) float32. The first layer also sees, in input pixels, how far a cell's pixel
    (4j + 2, 4i + 2) lies from the query's centre (Tian et al., "CondInst", ECCV 2020).
    """
    # In rows of about 256 numbers, the unit of `pieces`.
    rows_each = parameters.shape[1] * MASK_CHANNELS * features.shape[-2:].numel() // 256
    parts = pieces(len(features), max(1, rows_each), features.device)
    return torch.cat([_masks(features[part], parameters[part], centres[part]) for part in parts])


def _masks(features: Tensor, parameters: Tensor, centres: Tensor) -> Tensor:
    frames, queries = parameters.shape[:2]
    height, width = features.shape[-2:]
    numbers = torch.split(parameters.float(), _WEIGHTS + _BIASES, -1)
    first, second, third = (
        torch.unflatten(weight, -1, (outputs, inputs))
        for weight, (inputs, outputs) in zip(numbers[:3], _LAYERS, strict=True)
    )
    bias1, bias2, bias3 = (bias[..., None] for bias in numbers[3:])
    x = torch.arange(width, device=features.device) * float(STRIDE) + STRIDE // 2
    y = torch.arange(height, device=features.device) * float(STRIDE) + STRIDE // 2
    pixels = torch.stack((x.expand(height, -1), y[:, None].expand(-1, width))).expand(frames, -1, -1, -1)
    shared = torch.cat((features.float(), pixels), 1).flatten(2)
    # Near 600 pixels the numbers of bfloat16 lie 4 apart: autocast must leave these products alone.
    with torch.autocast(features.device.type, enabled=False):
        # Centre minus pixel is linear in both, so all queries share one input: features and pixel positions.
        offset = first[..., MASK_CHANNELS:]
        bias1 = bias1 + offset @ centres.float()[..., None]
        weight1 = torch.cat((first[..., :MASK_CHANNELS], -offset), -1)
        hidden = torch.baddbmm(bias1.flatten(1, 2), weight1.flatten(1, 2), shared).relu_()
        hidden = hidden.view(frames * queries, MASK_CHANNELS, -1)
        hidden = torch.baddbmm(bias2.flatten(0, 1), second.flatten(0, 1), hidden).relu_()
        logits = torch.baddbmm(bias3.flatten(0, 1), third.flatten(0, 1), hidden)
    return logits.view(frames, queries, height, width)
