"""The YAMNet network: MobileNet v1 over log-mel patches.

Sources: tensorflow/models `audioset/yamnet`, and robertanto/Real-Time-Sound-Event-Detection, whose
framing (one patch per window) AL-Ref-SAM 2's intervals come from.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refervid.models.audio_features import log_mel

PATCH_SAMPLES = 15_600
"""At 16 kHz: 96 spectrogram frames, 0.975 s."""
CLASSES = 521
_BANDS, _LOW_HZ, _HIGH_HZ, _LOG_OFFSET = 64, 125.0, 7500.0, 0.001
_BATCH_NORM_EPSILON = 1e-4

LAYERS = (
    (32, 2),
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
)
"""Filters and stride of layer1, an ordinary convolution, and of the separable layer2 to layer14."""


def front_end(samples: Tensor) -> Tensor:
    """(..., n) float32 in -1..1 at 16 kHz to log-mel frames (..., 1 + (n - 400) // 160, 64)."""
    return log_mel(samples, _BANDS, _LOW_HZ, _HIGH_HZ, _LOG_OFFSET)


class Yamnet(nn.Module):
    """Windows of 15,600 samples to embeddings and class scores."""

    def __init__(self) -> None:
        super().__init__()
        channels = 1
        for number, (filters, stride) in enumerate(LAYERS, start=1):
            layer = Plain(channels, filters, stride) if number == 1 else Separable(channels, filters, stride)
            self.add_module(f"layer{number}", layer)
            channels = filters
        self.dense = nn.Linear(channels, CLASSES)

    def embed(self, windows: Tensor) -> Tensor:
        """Non-negative embeddings (N, 1024) of windows (N, 15600), float32 in -1..1 at 16 kHz."""
        x = front_end(windows)[:, None]
        for number in range(1, len(LAYERS) + 1):
            x = self.get_submodule(f"layer{number}")(x)
        return x.mean(dim=(2, 3))

    def classify(self, embeddings: Tensor) -> Tensor:
        """Scores (N, 521) in 0..1, each class for itself."""
        return torch.sigmoid(self.dense(embeddings))

    def forward(self, windows: Tensor) -> Tensor:
        """Scores (N, 521) of windows (N, 15600)."""
        return self.classify(self.embed(windows))


class Plain(nn.Module):
    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.conv = SameConvolution(channels, filters, stride, groups=1)
        self.conv_bn = Shift(filters)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv_bn(self.conv(x)))


class Separable(nn.Module):
    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.depthwise_conv = SameConvolution(channels, channels, stride, groups=channels)
        self.depthwise_conv_bn = Shift(channels)
        self.pointwise_conv = nn.Conv2d(channels, filters, 1, bias=False)
        self.pointwise_conv_bn = Shift(filters)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.depthwise_conv_bn(self.depthwise_conv(x)))
        return F.relu(self.pointwise_conv_bn(self.pointwise_conv(x)))


class SameConvolution(nn.Conv2d):
    """3 x 3 with TensorFlow's "same" padding: with stride 2, even sizes get one row and column at the end."""

    def __init__(self, channels: int, filters: int, stride: int, groups: int) -> None:
        super().__init__(channels, filters, 3, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        before = [
            max(0, (-(-size // stride) - 1) * stride + 3 - size)
            for size, stride in zip(x.shape[:1:-1], self.stride[::-1], strict=True)
        ]
        padding = [side for total in before for side in (total // 2, total - total // 2)]
        return super().forward(F.pad(x, padding))


class Shift(nn.Module):
    """Batch norm without scale."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(
            x, self.running_mean, self.running_var, bias=self.bias, training=False, eps=_BATCH_NORM_EPSILON
        )
