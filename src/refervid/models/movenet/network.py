"""MoveNet Lightning, single pose (TensorFlow, 2021).

MobileNetV2 (Sandler et al., CVPR 2018), a feature pyramid (Lin et al., CVPR 2017), and CenterNet's heads for
a person (Zhou et al., "Objects as Points", 2019, section 5.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refervid.models.inverted_residual import InvertedResidual, conv, same

SIDE = 192
CELLS = SIDE // 4
"""Along each side of the heads' maps."""
_KEYPOINTS = 17
_STEM, _TOP, _INSIDE = 32, 1280, 96
_LEVELS = (
    ((1, 16, 1, 1), (6, 24, 2, 2)),
    ((6, 32, 3, 2),),
    ((6, 64, 4, 2),),
    ((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)),
)
"""Expansion, channels, repeats, stride: table 2 of MobileNetV2, cut where the pyramid looks at it."""
_WIDTHS = (24, 32, 64, 64)
"""Channels of the pyramid at strides 4, 8, 16 and 32."""
_MERGES = ((64, 32), (32, 24), (24, 24))
"""Channels on the pyramid's way down, before and behind."""


class Heads(NamedTuple):
    """Maps (N, ..., 48, 48) with a value for each cell of 4 x 4 pixels; coordinates are y, x, in cells."""

    centre: Tensor
    """(N, 1, ...) probability that the middle of a person is here."""
    heatmaps: Tensor
    """(N, 17, ...) probability that this keypoint is here."""
    regression: Tensor
    """(N, 34, ...) from here to each keypoint of the person whose middle is here, coarsely."""
    offsets: Tensor
    """(N, 34, ...) from the cell's number to the place of each keypoint that is here."""


class MoveNet(nn.Module):
    """Input: RGB (N, 3, 192, 192) float32 in 0..255, a person in the middle.

    The convolutions are defined in the order of the published graph.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3, _STEM, 3, 2)
        self.levels = nn.ModuleList()
        width = _STEM
        for number, (stages, out) in enumerate(zip(_LEVELS, _WIDTHS, strict=True)):
            self.levels.append(_Level(width, stages, _TOP if number == 3 else None, out))
            width = stages[-1][1]
        self.merges = nn.ModuleList(_Separable(width, out) for width, out in _MERGES)
        self.centre = _Head(1)
        self.heatmaps = _Head(_KEYPOINTS)
        self.offsets = _Head(2 * _KEYPOINTS)
        self.regression = _Head(2 * _KEYPOINTS)

    def forward(self, rgb: Tensor) -> Heads:
        x = F.relu6(same(self.stem, rgb * (2 / 255) - 1), inplace=True)
        sides: list[Tensor] = []
        for level in self.levels:
            x, side = level(x)
            sides.append(side)
        x = sides.pop()
        for merge in self.merges:
            side = sides.pop()
            x = merge(F.interpolate(x, side.shape[2:], mode="bilinear", align_corners=False) + side)
        return Heads(
            self.centre(x).sigmoid(), self.heatmaps(x).sigmoid(), self.regression(x), self.offsets(x)
        )


class _Level(nn.Module):
    """Part of MobileNetV2, and what the pyramid takes from its end."""

    def __init__(
        self, width: int, stages: Sequence[tuple[int, int, int, int]], top: int | None, out: int
    ) -> None:
        super().__init__()
        self.blocks = nn.Sequential()
        for expansion, channels, repeats, stride in stages:
            for number in range(repeats):
                step = stride if number == 0 else 1
                self.blocks.append(InvertedResidual(width, channels, 3, step, expansion))
                width = channels
        self.top = nn.Sequential(conv(width, top, 1, 1), nn.ReLU6(inplace=True)) if top else nn.Identity()
        self.lateral = conv(top or width, out, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.blocks(x)
        return x, self.lateral(self.top(x))


class _Separable(nn.Module):
    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.depthwise = conv(width, width, 3, 1, groups=width)
        self.point = conv(width, out, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.point(same(self.depthwise, x)), inplace=True)


class _Head(nn.Sequential):
    def __init__(self, out: int) -> None:
        super().__init__(_Separable(_WIDTHS[0], _INSIDE), conv(_INSIDE, out, 1, 1))


def state_of_tensorflow(published: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """The state of `MoveNet` from the kernels (out, in, h, w) and biases (out,) of the published graph's
    convolutions, in its order. Raises ValueError if there are more or fewer.
    """
    with torch.device("meta"):
        layers = [name for name, layer in MoveNet().named_modules() if isinstance(layer, nn.Conv2d)]
    state: dict[str, Tensor] = {}
    for name, (kernel, bias) in zip(layers, published, strict=True):
        state |= {f"{name}.weight": kernel, f"{name}.bias": bias}
    return state
