"""The image encoder beside transformers' own, on the same weights."""

from __future__ import annotations

import pytest
import torch
from transformers import Sam2VideoModel

from refervid.engines.sam2.hiera import ImageEncoder, Layout
from refervid.engines.sam2.official import SIZES, configuration


def model(size: str, pixels: int) -> Sam2VideoModel:
    torch.manual_seed(0)
    made = Sam2VideoModel(configuration(SIZES[size], image_size=pixels)).eval()
    with torch.no_grad():
        for name, parameter in made.vision_encoder.named_parameters():
            if name.endswith(("bias", "pos_embed", "pos_embed_window")):  # zeros would hide a mistake
                parameter.normal_(0, 0.3)
    return made


@pytest.mark.parametrize("pixels", [64, 288])
@torch.no_grad()
def test_every_level_is_what_the_decoder_gets_from_transformers(pixels: int) -> None:
    """At 64 pixels windows are larger than the maps, at 288 they reach beyond them on two sides."""
    sam2 = model("tiny", pixels)
    pictures = torch.randn(2, 3, pixels, pixels)
    fine, middle, coarse = sam2.vision_encoder(pictures, return_dict=True).fpn_hidden_states
    expected = sam2.mask_decoder.conv_s0(fine), sam2.mask_decoder.conv_s1(middle), coarse
    for ours, theirs in zip(ImageEncoder(sam2, pixels)(pictures), expected, strict=True):
        assert ours.shape == theirs.shape
        assert (ours - theirs).abs().max() < 2e-5 * theirs.abs().max()


def test_a_layout_holds_every_place_once_and_pooling_keeps_its_order() -> None:
    layout = Layout.of(20, 16, 14)
    assert layout.order.sort().values.equal(torch.arange(20 * 16))
    assert [(g.count, g.height, g.width, g.padding) for g in layout.groups] == [
        (1, 14, 14, 0),
        (1, 14, 2, 168),
        (1, 6, 14, 112),
        (1, 6, 2, 184),
    ]
    sevens = layout.pooled()
    corners = layout.order[(layout.order // 16 % 2 == 0) & (layout.order % 2 == 0)]
    assert sevens.order.equal(corners // 16 // 2 * 8 + corners % 16 // 2)
