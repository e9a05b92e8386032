"""From the transformer's memory and the finest backbone map to pixel features at stride 4."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

_GROUPS = 8


class FpnDecoder(nn.Module):
    """Five times convolution, group norm, ReLU; finer maps are added on the way up (DETR's mask decoder)."""

    def __init__(self, width: int, finest_width: int, features: int) -> None:
        super().__init__()
        widths = [width, width, width // 2, width // 4, width // 8, width // 16]
        for index in range(1, 6):
            setattr(self, f"lay{index}", nn.Conv2d(widths[index - 1], widths[index], 3, padding=1))
            setattr(self, f"gn{index}", nn.GroupNorm(_GROUPS, widths[index]))
        self.out_lay = nn.Conv2d(widths[5], features, 3, padding=1)
        self.adapter1 = nn.Conv2d(width, widths[2], 1)
        self.adapter2 = nn.Conv2d(width, widths[3], 1)
        self.adapter3 = nn.Conv2d(finest_width, widths[4], 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, a=1)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def forward(self, memory: Sequence[Tensor], finest: Tensor) -> Tensor:
        """`memory` (M, C, h, w) of strides 8, 16, 32; `finest` (M, C / 8, h, w), the adapted map of stride 4.

        Returns (M, features, h, w) at stride 4.
        """
        x = self._layer(2, self._layer(1, memory[2]))
        x = self._layer(3, _up(x, self.adapter1(memory[1])))
        x = self._layer(4, _up(x, self.adapter2(memory[0])))
        x = self._layer(5, _up(x, finest))
        features: Tensor = self.out_lay(x)
        return features

    def _layer(self, index: int, x: Tensor) -> Tensor:
        return F.relu(getattr(self, f"gn{index}")(getattr(self, f"lay{index}")(x)), inplace=True)


def _up(x: Tensor, finer: Tensor) -> Tensor:
    return F.interpolate(x, size=finer.shape[-2:], mode="nearest") + finer
