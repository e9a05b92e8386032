"""EfficientNet-lite0 (Tan and Le, ICML 2019; the lite variants of TensorFlow's TPU models, 2020).

Lite: no squeeze-and-excitation, ReLU6 for Swish, stem and head of fixed width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refervid.models.inverted_residual import InvertedResidual, conv, same

CLASSES = 1000
STEM, HEAD = 32, 1280
NORM_EPSILON = 1e-3
"""Of the batch normalisations that are folded in."""


@dataclass(frozen=True)
class _Stage:
    repeats: int
    kernel: int
    stride: int
    expansion: int
    width: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
"""The table of EfficientNet-B0; lite repeats the first and the last stage once whatever its size."""

STAGE_WIDTHS = {2: 16, 4: 24, 8: 40, 16: 112, 32: 320}
"""Channels of the last stage of each stride."""


class EfficientNetLite0(nn.Module):
    """Input: RGB (N, 3, H, W) float32 in 0..255; any H and W, the published classes at 224 x 224."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3, STEM, 3, 2)
        self.blocks = nn.ModuleList()
        width = STEM
        self._last_of_stride: dict[int, int] = {}
        stride = 2
        for stage in _STAGES:
            stride *= stage.stride
            for number in range(stage.repeats):
                step = stage.stride if number == 0 else 1
                self.blocks.append(InvertedResidual(width, stage.width, stage.kernel, step, stage.expansion))
                width = stage.width
            self._last_of_stride[stride] = len(self.blocks) - 1
        self.head = conv(width, HEAD, 1, 1)
        self.classifier = nn.Linear(HEAD, CLASSES)

    def features(self, rgb: Tensor, deepest: int = 32) -> dict[int, Tensor]:
        """Last stage of every stride to `deepest`: (N, `STAGE_WIDTHS[stride]`, ceil(H / stride), ...)."""
        x = F.relu6(same(self.stem, (rgb - 127) / 128), inplace=True)
        found: dict[int, Tensor] = {}
        for stride, last in self._last_of_stride.items():
            if stride > deepest:
                break
            first = self._last_of_stride.get(stride // 2, -1) + 1
            for block in self.blocks[first : last + 1]:
                x = block(x)
            found[stride] = x
        return found

    def forward(self, rgb: Tensor) -> Tensor:
        """Logits (N, 1000) of ImageNet's classes, in its order."""
        x = F.relu6(self.head(self.features(rgb)[32]))
        logits: Tensor = self.classifier(x.mean(dim=(2, 3)))
        return logits


def state_of_tensorflow(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of `EfficientNetLite0` from the weights in the names of the TensorFlow and PyTorch ports
    (`_conv_stem`, `_blocks.N._expand_conv`, `_bn0` ... with batch normalisations). Raises KeyError for
    other networks' weights.
    """
    state = _folded(published, "_conv_stem", "_bn0", "stem") | _folded(
        published, "_conv_head", "_bn1", "head"
    )
    number = 0
    for stage in _STAGES:
        for _ in range(stage.repeats):
            old, new = f"_blocks.{number}.", f"blocks.{number}."
            if stage.expansion != 1:
                state |= _folded(published, f"{old}_expand_conv", f"{old}_bn0", f"{new}expand")
            state |= _folded(published, f"{old}_depthwise_conv", f"{old}_bn1", f"{new}depthwise")
            state |= _folded(published, f"{old}_project_conv", f"{old}_bn2", f"{new}project")
            number += 1
    return state | {f"classifier.{part}": published[f"_fc.{part}"] for part in ("weight", "bias")}


def _folded(published: Mapping[str, Tensor], conv: str, norm: str, name: str) -> dict[str, Tensor]:
    scale = published[f"{norm}.weight"] / torch.sqrt(published[f"{norm}.running_var"] + NORM_EPSILON)
    return {
        f"{name}.weight": published[f"{conv}.weight"] * scale[:, None, None, None],
        f"{name}.bias": published[f"{norm}.bias"] - published[f"{norm}.running_mean"] * scale,
    }
