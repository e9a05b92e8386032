"""From what is known of an object to its mask, on features of a crop around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refervid.models.efficientnet import STAGE_WIDTHS
from refervid.models.mask_decoder.matching import looks

PROMPTS = ("box", "carried", "first", "recent", "likeness", "points")
"""Channels of what is known, each -1 (not the object) to 1 (the object), 0 where it says nothing:
a box; the mask of a neighbouring frame, carried here; votes of the places that look alike on the frames that
were given, and on those since; the linear test of look; points on the object and beside it."""
KEY, HELD = 64, 16
"""Numbers that tell a place at stride 8 from others, and that it holds of the mask beside its label."""

_LEVELS = {16: (128, 2), 8: (96, 2), 4: (48, 1), 2: (24, 1)}
"""Stride: channels, and looks around."""
_GROUP = 8
_FINE = 4
"""Cells of a mask per side of a place at stride 8."""


class MaskDecoder(nn.Module):
    """0.6 million parameters. Features come from `EfficientNetLite0`, whose weights stay as they are.

    `keys` and `values` of frames whose mask is known are kept; what the `votes` of their places hold is
    given to `forward` on another frame.
    """

    def __init__(self) -> None:
        super().__init__()
        self.key = nn.Conv2d(STAGE_WIDTHS[8] + STAGE_WIDTHS[16], KEY, 1, bias=False)
        nn.init.orthogonal_(self.key.weight)
        self.value = nn.Sequential(
            nn.Conv2d(STAGE_WIDTHS[8] + _FINE**2, 3 * HELD, 1), nn.ReLU(), nn.Conv2d(3 * HELD, HELD, 1)
        )
        self.levels = nn.ModuleDict()
        above = 0
        for stride, (width, count) in _LEVELS.items():
            known = len(PROMPTS) + 2 * HELD * (stride in (8, 16)) + STAGE_WIDTHS[32] * (stride == 16)
            self.levels[str(stride)] = _Level(above + STAGE_WIDTHS[stride] + known, width, count)
            above = width
        self.context = nn.Conv2d(_LEVELS[16][0], _LEVELS[16][0], 1)
        self.mask = nn.Conv2d(above, 1, 3, padding=1)
        self.presence = nn.Linear(_LEVELS[16][0], 1)
        # Most of a crop is not the object: so learning begins where that is known already.
        assert self.mask.bias is not None
        nn.init.constant_(self.mask.bias, -1.5)

    def keys(self, features: Mapping[int, Tensor]) -> Tensor:
        """Unit vectors (N, places, D) by which places of two frames are matched."""
        return F.normalize(self.key(looks(features))).flatten(2).mT

    def values(self, features: Mapping[int, Tensor], share: Tensor) -> Tensor:
        """(N, places, 1 + `HELD`) of a frame whose mask (N, h, w) in 0..1 at stride 2 is known: label -1 to
        1, and what else is worth knowing of the place.
        """
        patches = F.pixel_unshuffle(2 * share[:, None] - 1, _FINE)
        label = patches.mean(1, keepdim=True)
        held = torch.tanh(self.value(torch.cat([F.normalize(features[8]), patches], 1)))
        return torch.cat([label, held.float()], 1).flatten(2).mT

    def forward(self, features: Mapping[int, Tensor], prompts: Tensor, held: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the mask (N, h, w) at stride 2, and of the object's being there at all (N,).

        `features` of strides 2 to 32; `prompts` (N, 6, h, w) at stride 2 in the order of `PROMPTS`; `held`
        (N, 2 `HELD`, h / 4, w / 4): what the matches of given and recent frames hold, 0 without any.
        """
        x: Tensor | None = None
        present = prompts.new_zeros(len(prompts))
        for stride in _LEVELS:
            here = features[stride]
            size = (here.shape[2], here.shape[3])
            known = [here, prompts if stride == 2 else F.adaptive_avg_pool2d(prompts, size)]
            if stride in (8, 16):
                known.append(held if stride == 8 else F.adaptive_avg_pool2d(held, size))
            if stride == 16:
                known.append(F.interpolate(features[32], size=size, mode="bilinear", align_corners=False))
            x = self.levels[str(stride)](torch.cat(known, 1), x)
            if stride == 16:
                x = x + self.context(x.mean(dim=(2, 3), keepdim=True))
                present = self.presence(x.amax(dim=(2, 3)))[:, 0]
        return self.mask(x)[:, 0], present


class _Level(nn.Module):
    def __init__(self, width: int, out: int, count: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(nn.Conv2d(width, out, 1), nn.GroupNorm(out // _GROUP, out), nn.ReLU())
        self.looks = nn.ModuleList(_conv(out, out) for _ in range(count))

    def forward(self, known: Tensor, above: Tensor | None) -> Tensor:
        """`above` is what the coarser level made. It is mixed in before it is enlarged, which comes to the
        same and is less work.
        """
        if above is None:
            x: Tensor = self.mix(known)
        else:
            first = cast(nn.Conv2d, self.mix[0])
            coarse, fine = first.weight[:, : above.shape[1]], first.weight[:, above.shape[1] :]
            size = known.shape[2:]
            x = F.interpolate(F.conv2d(above, coarse), size=size, mode="bilinear", align_corners=False)
            x = self.mix[1:](x + F.conv2d(known, fine, first.bias))
        for look in self.looks:
            x = x + look(x)
        return x


def _conv(width: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, out, 3, padding=1, bias=False), nn.GroupNorm(out // _GROUP, out), nn.ReLU()
    )
