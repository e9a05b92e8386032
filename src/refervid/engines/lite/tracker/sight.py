"""What the networks see in crops of one frame, and what they make of what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load
from torch import Tensor
from torch.nn import functional as F

from refervid.core.types import Frame
from refervid.engines.lite.analysis.colour import Memberships, memberships
from refervid.engines.lite.computing import for_use
from refervid.engines.lite.efficientnet import load_efficientnet
from refervid.engines.lite.tracker.crop import GRID, Crop, Plane
from refervid.models.efficientnet import EfficientNetLite0
from refervid.models.mask_decoder import HELD, PROMPTS, MaskDecoder, traits
from refervid.models.state import load_exactly, unfilled

CELLS = GRID // 4
"""Cells of a crop's side at stride 8."""


@dataclass(frozen=True)
class Sight:
    """Features of one crop: `keys` (cells, D) unit vectors and `traits` (D, h, w), as `matching` has them;
    `small` (`GRID`, `GRID`, 3) is the picture there, `colours` (`GRID`, `GRID`, terms) are its colours.
    """

    crop: Crop
    features: Mapping[int, Tensor]
    keys: Tensor
    traits: Tensor
    small: Frame
    colours: Memberships
    decoder: MaskDecoder

    def values(self, odds: Plane) -> Tensor:
        """(cells, 1 + `HELD`): what is remembered of every place once its mask is known."""
        share = torch.sigmoid(torch.from_numpy(odds))[None]
        return self.decoder.values(self.features, share)[0]


@dataclass(frozen=True)
class Found:
    """`odds` (`GRID`, `GRID`): log odds of the mask in the crop; `presence` in 0..1."""

    odds: Plane
    presence: float


@dataclass(frozen=True)
class Eyes:
    """The two networks."""

    features: EfficientNetLite0
    decoder: MaskDecoder

    @classmethod
    def load(cls) -> Eyes:
        """Raises as `load_efficientnet` does."""
        with unfilled():
            decoder = MaskDecoder()
        file = resources.files("refervid.models.mask_decoder") / "mask-decoder.safetensors"
        load_exactly(decoder, load(file.read_bytes()), file.name)
        return cls(load_efficientnet(), for_use(decoder))

    def look(self, picture: Frame, crops: Sequence[Crop]) -> list[Sight]:
        """One pass over all crops of a picture."""
        if not crops:
            return []
        pictures = [crop.cut(picture) for crop in crops]
        levels = self.levels(np.stack(pictures))
        key, trait = self.decoder.keys(levels), traits(levels)
        small = [cv2.resize(one, (GRID, GRID), interpolation=cv2.INTER_AREA) for one in pictures]
        return [
            Sight(
                crop,
                {stride: level[n : n + 1] for stride, level in levels.items()},
                key[n],
                trait[n],
                np.asarray(small[n], np.uint8),
                memberships(small[n]),
                self.decoder,
            )
            for n, crop in enumerate(crops)
        ]

    def levels(self, pictures: NDArray[np.uint8]) -> dict[int, Tensor]:
        """Features of RGB pictures (N, h, w, 3) at strides 2 to 32."""
        rgb = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
        return self.features.features(rgb.contiguous(memory_format=torch.channels_last))

    def decode(self, sights: Sequence[Sight], known: Sequence[Mapping[str, Plane]]) -> list[Found]:
        """The masks, given what is known of each: square planes of `PROMPTS`, of any size, and `held`, of
        `Memory.known`.
        """
        if not sights:
            return []
        prompts = torch.stack([torch.stack([_prompt(own.get(name)) for name in PROMPTS]) for own in known])
        levels = {s: torch.cat([sight.features[s] for sight in sights]) for s in sights[0].features}
        nothing = np.zeros((2 * HELD, CELLS, CELLS), np.float32)
        held = torch.from_numpy(np.stack([own.get("held", nothing) for own in known]))
        odds, present = self.decoder(levels, prompts, held)
        return [
            Found(own.numpy(), float(there)) for own, there in zip(odds, torch.sigmoid(present), strict=True)
        ]


def _prompt(plane: Plane | None) -> Tensor:
    if plane is None:
        return torch.zeros(GRID, GRID)
    tensor = torch.from_numpy(plane)[None, None]
    return F.interpolate(tensor, size=(GRID, GRID), mode="bilinear", align_corners=False)[0, 0]


def shares(odds: Plane, size: int) -> Tensor:
    """(size, size): the object's share of every cell, from log odds of the mask."""
    return F.adaptive_avg_pool2d(torch.sigmoid(torch.from_numpy(odds))[None, None], (size, size))[0, 0]
