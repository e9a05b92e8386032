"""From what is known of an object to its mask, on features of a crop around it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refervid.models.efficientnet import STAGE_WIDTHS

PROMPTS = ("box", "carried", "votes", "likeness", "points")
"""Channels of what is known, each -1 (not the object) to 1 (the object), 0 where it says nothing:
a box; the mask of a neighbouring frame, carried here; votes of the places that look alike; the linear test
of look; points on the object and beside it."""

_WIDTHS = {16: 64, 8: 48, 4: 32, 2: 24}
_GROUP = 8


class MaskDecoder(nn.Module):
    """130 thousand parameters. Features come from `EfficientNetLite0`, whose weights stay as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.levels = nn.ModuleDict()
        above = 0
        for stride, width in _WIDTHS.items():
            self.levels[str(stride)] = _Level(above + STAGE_WIDTHS[stride] + len(PROMPTS), width)
            above = width
        self.context = _conv(_WIDTHS[16], _WIDTHS[16])
        self.mask = nn.Conv2d(above, 1, 3, padding=1)
        self.presence = nn.Linear(_WIDTHS[16], 1)
        # Most of a crop is not the object: so learning begins where that is known already.
        assert self.mask.bias is not None
        nn.init.constant_(self.mask.bias, -1.5)

    def forward(self, features: Mapping[int, Tensor], prompts: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the mask (N, h, w) at stride 2, and of the object's being there at all (N,).

        `features` of strides 2 to 16; `prompts` (N, 5, h, w) at stride 2 in the order of `PROMPTS`.
        """
        x: Tensor | None = None
        present = prompts.new_zeros(len(prompts))
        for stride in _WIDTHS:
            here = features[stride]
            size = (here.shape[2], here.shape[3])
            known = [here, prompts if stride == 2 else F.adaptive_avg_pool2d(prompts, size)]
            if x is not None:
                known.insert(0, F.interpolate(x, size=size, mode="bilinear", align_corners=False))
            x = self.levels[str(stride)](torch.cat(known, 1))
            if stride == 16:
                x = x + self.context(x)
                present = self.presence(x.amax(dim=(2, 3)))[:, 0]
        return self.mask(x)[:, 0], present


class _Level(nn.Module):
    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(nn.Conv2d(width, out, 1), nn.GroupNorm(out // _GROUP, out), nn.ReLU())
        self.look = _conv(out, out)

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.mix(x)
        found: Tensor = mixed + self.look(mixed)
        return found


def _conv(width: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, out, 3, padding=1, bias=False), nn.GroupNorm(out // _GROUP, out), nn.ReLU()
    )
