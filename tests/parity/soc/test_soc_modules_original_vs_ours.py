"""Backbone, text, deformable attention and VOC, each alone, against the published code."""

from __future__ import annotations

import pytest
import torch

from refervid.models.soc import SOC, SocConfig
from refervid.models.soc.config import VocConfig
from refervid.models.soc.deformable import sample_grid, sample_rows
from refervid.models.soc.positions import word_positions
from refervid.models.soc.voc import VideoObjectCluster
from tests.parity.soc.published import A, B, Expected, clips, random, tokens

BACKBONE = 5e-6
TEXT = 1e-5
MODULE = 5e-6

SHAPES = ((8, 12), (4, 6), (2, 3), (1, 2))


@pytest.mark.parametrize(
    ("name", "frames", "sizes"),
    [
        ("backbone_t3", 3, [(64, 96), (40, 56)]),
        ("backbone_t10", 10, [(70, 90)]),
        ("backbone_large", 2, [(250, 300)]),
    ],
)
@torch.no_grad()
def test_backbone_original_vs_ours(
    network: SOC, name: str, frames: int, sizes: list[tuple[int, int]]
) -> None:
    expected = Expected(name)
    video = clips(name, frames, sizes)
    features = network.encode_clips(video, sizes)
    for index, level in enumerate(features.maps):
        expected.check(f"feature{index}", level, BACKBONE)
    for index in (1, 2, 3):
        shape = features.geometry.shapes[index - 1]
        start = sum(h * w for h, w in features.geometry.shapes[: index - 1])
        level = slice(start, start + shape[0] * shape[1])
        position = features.geometry.positions[:, :, level].expand(-1, frames, -1, -1)
        position = position.transpose(2, 3).reshape(len(sizes) * frames, 256, *shape)
        expected.check(f"pos{index}", position, BACKBONE)
        padding = features.geometry.padding
        assert (padding is not None) == (len(sizes) > 1)
        if padding is not None:
            masks = padding[:, :, level].expand(-1, frames, -1).reshape(-1, *shape)
            expected.check(f"mask{index}", masks, 0)


@torch.no_grad()
def test_text_original_vs_ours(network: SOC) -> None:
    expected, text = Expected("text"), tokens(A, B)
    assert (text.ids.numpy() == expected["input_ids"]).all()
    assert (text.keep.numpy() == expected["attention_mask"]).all()
    encoded = network.text_encoder(input_ids=text.ids, attention_mask=text.keep)
    expected.check("last_hidden_state", encoded.last_hidden_state, TEXT)
    expected.check("pooler_output", encoded.pooler_output, TEXT)
    features = network.encode_text(text)
    expected.check("words", features.words.transpose(0, 1), TEXT)
    expected.check("sentence", features.sentence, TEXT)
    expected.check("pad_mask", ~features.keep, 0)
    expected.check("pos", word_positions(text.keep, 256).transpose(1, 2), TEXT)


@pytest.mark.parametrize("numbers", [2, 4])
@torch.no_grad()
def test_deformable_attention_original_vs_ours(network: SOC, numbers: int) -> None:
    expected = Expected("msda")
    attention = network.transformer.encoder.layers[0].self_attn
    query = random("msda/query", 2, 50, 256)[:, None]
    value = random("msda/value", 2, 128, 256)[:, None]
    padding = torch.zeros(2, 1, 128, dtype=torch.bool)
    padding[1, :, 60:96] = True
    padding[1, :, 110:] = True
    reference = random(f"msda/reference{numbers}", 2, 50, 4, numbers).sigmoid()[:, None]
    x, y, weights = attention.sampling(query, reference, SHAPES)
    expected.check(f"ref{numbers}/locations", torch.stack((x, y), -1)[:, 0], MODULE)
    expected.check(f"ref{numbers}/weights", weights[:, 0], MODULE)
    output = attention(query, reference, value, SHAPES, padding)
    expected.check(f"ref{numbers}/output", output[:, 0], MODULE)

    rows = attention.value_proj(value[:, 0]).masked_fill(padding[:, 0, :, None], 0).unflatten(-1, (8, -1))
    for formulation in (sample_grid, sample_rows):
        sampled = formulation(rows, SHAPES, x[:, 0], y[:, 0], weights[:, 0])
        expected.check(f"ref{numbers}/output", attention.output_proj(sampled), MODULE)


@pytest.mark.parametrize("window", [0, 4])
@pytest.mark.parametrize(("batch", "frames"), [(1, 6), (2, 6), (1, 8)])
@torch.no_grad()
def test_voc_original_vs_ours(network: SOC, window: int, batch: int, frames: int) -> None:
    expected = Expected(f"voc_w{window}")
    assert network.voc is not None
    voc = VideoObjectCluster(SocConfig(dropout=0), VocConfig(window=window)).eval()
    voc.load_state_dict(network.voc.state_dict())
    queries = random(f"voc/frames_b{batch}_t{frames}", 3, frames, batch, 20, 256).transpose(1, 2)
    sentence = random(f"voc/sentence_b{batch}", batch, 256)
    boxes = torch.zeros(3, batch, frames, 20, 4)
    name, kept_apart = f"b{batch}_t{frames}", "_per_clip" if batch > 1 else ""
    expected.check(f"{name}/eval{kept_apart}", voc(queries[-1:], sentence, boxes[-1:]), MODULE)
    voc.train()
    expected.check(f"{name}/train{kept_apart}", voc(queries, sentence, boxes), MODULE)
