"""What is read off a query: class, box, and the mask's own little convolutions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from refervid.models.chunks import pieces
from refervid.models.soc.config import MaskHeadConfig

STRIDE = 4
"""Input pixels per cell of the mask map."""


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


def dynamic_masks(features: Tensor, parameters: Tensor, centres: Tensor, head: MaskHeadConfig) -> Tensor:
    """Mask logits of every query: 1x1 convolutions whose weights the query brings along.

    `features` (M, `head.features`, h, w), `parameters` (M, Q, `head.parameters`): the layers' weights, then
    their biases; `centres` (M, Q, 2) as x, y in input pixels -> (M, Q, h, w) float32. With `head.places` the
    first layer also sees, in input pixels, how far a cell's pixel (4j + 2, 4i + 2) lies from the query's
    centre.
    """
    # In rows of about 256 numbers, the unit of `pieces`.
    rows_each = parameters.shape[1] * head.channels * features.shape[-2:].numel() // 256
    parts = pieces(len(features), max(1, rows_each), features.device)
    return torch.cat([_masks(features[part], parameters[part], centres[part], head) for part in parts])


def _masks(features: Tensor, parameters: Tensor, centres: Tensor, head: MaskHeadConfig) -> Tensor:
    frames, queries = parameters.shape[:2]
    size = features.shape[-2:]
    shapes = [(outputs, inputs) for inputs, outputs in head.sizes]
    counts = [*(outputs * inputs for outputs, inputs in shapes), *(outputs for outputs, _ in shapes)]
    numbers = torch.split(parameters.float(), counts, -1)
    weights = [torch.unflatten(one, -1, shape) for one, shape in zip(numbers, shapes, strict=False)]
    biases = [one[..., None] for one in numbers[len(shapes) :]]
    shared = features.float()
    # Near 600 pixels the numbers of bfloat16 lie 4 apart: autocast must leave these products alone.
    with torch.autocast(features.device.type, enabled=False):
        if head.places:
            # Centre minus pixel is linear in both, so all queries share one input: features and positions.
            kernel, offset = torch.split(weights[0], [head.features, 2], -1)
            biases[0] = biases[0] + offset @ centres.float()[..., None]
            weights[0] = torch.cat((kernel, -offset), -1)
            shared = torch.cat((shared, _pixels(size, features.device).expand(frames, -1, -1, -1)), 1)
        hidden = torch.baddbmm(biases[0].flatten(1, 2), weights[0].flatten(1, 2), shared.flatten(2))
        for weight, bias in zip(weights[1:], biases[1:], strict=True):
            hidden = hidden.relu_().view(frames * queries, head.channels, -1)
            hidden = torch.baddbmm(bias.flatten(0, 1), weight.flatten(0, 1), hidden)
    return hidden.view(frames, queries, *size)


def _pixels(size: Sequence[int], device: torch.device) -> Tensor:
    """(2, h, w): x and y, in input pixels, of the middle of every cell."""
    height, width = size
    x = torch.arange(width, device=device) * float(STRIDE) + STRIDE // 2
    y = torch.arange(height, device=device) * float(STRIDE) + STRIDE // 2
    return torch.stack((x.expand(height, -1), y[:, None].expand(-1, width)))
