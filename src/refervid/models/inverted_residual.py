"""The parts of TensorFlow's mobile networks: batch normalisations are folded into convolutions."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project (Sandler et al., "MobileNetV2", CVPR 2018, figure 3)."""

    def __init__(self, width: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = width * expansion
        self.expand = conv(width, wide, 1, 1) if expansion != 1 else None
        self.depthwise = conv(wide, wide, kernel, stride, groups=wide)
        self.project = conv(wide, out, 1, 1)
        self._residual = stride == 1 and width == out

    def forward(self, x: Tensor) -> Tensor:
        return self.narrowed(self.widened(x), x)

    def widened(self, x: Tensor) -> Tensor:
        """The expanded channels, at the input's stride."""
        return x if self.expand is None else F.relu6(self.expand(x), inplace=True)

    def narrowed(self, wide: Tensor, x: Tensor) -> Tensor:
        """The block's output from its expanded channels and its input."""
        out: Tensor = self.project(F.relu6(same(self.depthwise, wide), inplace=True))
        return out + x if self._residual else out


def conv(width: int, out: int, kernel: int, stride: int, groups: int = 1) -> nn.Conv2d:
    """Padding is left to `same`."""
    return nn.Conv2d(width, out, kernel, stride, groups=groups)


def same(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """TensorFlow's "same" padding: ceil(size / stride) outputs, an odd pixel of padding at the end."""
    kernel, stride = layer.kernel_size[0], layer.stride[0]
    pads, drops = [], []
    for size in x.shape[2:]:
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        # The same on either side is done without a copy: where the end needs one more, both sides get a
        # step more, and the first output goes.
        drops.append(total % 2)
        pads.append(total // 2 + stride * (total % 2))
    x = F.conv2d(x, layer.weight, layer.bias, stride, pads, groups=layer.groups)
    return x[:, :, drops[0] :, drops[1] :]
