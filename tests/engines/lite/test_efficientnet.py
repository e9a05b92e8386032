"""The ImageNet network that comes as a package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from refervid.engines.lite import efficientnet
from refervid.media.pictures import decode_jpeg
from refervid.models.efficientnet import STAGE_WIDTHS

BLACK_SWAN, DROMEDARY = 100, 354
"""Classes of ImageNet."""


@pytest.mark.parametrize(("clip", "name"), [("blackswan", BLACK_SWAN), ("camel", DROMEDARY)])
def test_names_what_is_to_be_seen(shared_dir: Path, clip: str, name: int) -> None:
    picture = decode_jpeg((shared_dir / f"data/davis16/JPEGImages/{clip}/00000.jpg").read_bytes())
    h, w = picture.shape[:2]
    square = torch.from_numpy(np.array(picture[:, (w - h) // 2 : (w + h) // 2])).permute(2, 0, 1)
    small = torch.nn.functional.interpolate(square[None].float(), size=(224, 224), mode="area")
    share = torch.softmax(efficientnet.load_efficientnet()(small)[0], 0)
    assert int(share.argmax()) == name
    assert share.max() > 0.8


def test_features_of_odd_sizes() -> None:
    levels = efficientnet.load_efficientnet().features(torch.zeros(2, 3, 45, 70), deepest=16)
    assert {stride: tuple(level.shape) for stride, level in levels.items()} == {
        stride: (2, STAGE_WIDTHS[stride], -(-45 // stride), -(-70 // stride)) for stride in (2, 4, 8, 16)
    }


def test_a_shift_by_whole_strides_shifts_the_features() -> None:
    torch.manual_seed(0)
    picture = torch.rand(1, 3, 160, 224) * 255
    network = efficientnet.load_efficientnet()
    whole, part = (network.features(view, 8)[8] for view in (picture, picture[..., 64:]))
    assert torch.allclose(whole[..., 12:24], part[..., 4:16], atol=1e-4)
