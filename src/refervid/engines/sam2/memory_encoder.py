"""The model's memory encoder on many objects of one frame.

Runs the layers of transformers' modules itself, a few objects at a time, so that on a CPU they stay in cache;
what all objects share is computed once.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from refervid.models.chunks import by_rows


class MemoryEncoder:
    """SAM 2's, EdgeTAM's and SAM 3's memory encoder."""

    def __init__(self, module: Any) -> None:
        """A module in the type that it runs in."""
        self._module = module
        # The scale of each layer's result is part of its last linear layer.
        self._last = [
            (layer.scale[:, None] * layer.pointwise_conv2.weight, layer.scale * layer.pointwise_conv2.bias)
            for layer in module.memory_fuser.layers
        ]

    def pixels(self, image: Tensor) -> Tensor:
        """(1, C, h, w) features of a frame as `__call__` takes them."""
        projected: Tensor = self._module.feature_projection(image)
        return projected

    def __call__(self, pixels: Tensor, masks: Tensor) -> Tensor:
        """(B, M, h, w) memories of masks (B, 1, 16 h, 16 w) on one frame."""
        fused = pixels + self._module.mask_downsampler(masks)
        for layer, last in zip(self._module.memory_fuser.layers, self._last, strict=True):
            places = layer.layer_norm(layer.depthwise_conv(fused)).movedim(1, -1)
            fused = fused + by_rows(partial(_feed_forward, layer, last), places).movedim(-1, 1)
        memories: Tensor = self._module.projection(fused)
        return memories


def _feed_forward(layer: Any, last: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
    return F.linear(layer.activation(layer.pointwise_conv1(x)), *last)
