"""BEATs: every stage of the published code, on the fine-tuned architecture filled by rule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from refervid.models.beats import Beats, front_end, load_beats
from refervid.models.beats.features import shrink_mask
from refervid.models.beats.model import buckets
from tests.parity.audio.published import arrays, check, facts, filled, sound

TABLE = "self_attn.relative_attention_bias.weight"
CONFIG = {
    "input_patch_size": 16,
    "layer_wise_gradient_decay_ratio": 0.6,
    "deep_norm": True,
    "encoder_layerdrop": 0.05,
    "relative_position_embedding": True,
    "max_distance": 800,
    "gru_rel_pos": True,
    "finetuned_model": True,
    "predictor_class": 527,
}


def published_file(path: Path) -> Path:
    shapes = facts("beats_keys")
    table = f"encoder.layers.0.{TABLE}"
    state = filled({key: shape for key, shape in shapes.items() if not key.endswith(TABLE) or key == table})
    state |= {key: state[table] for key in shapes if key.endswith(TABLE)}
    labels = {index: f"/m/{index}" for index in range(527)}
    torch.save({"cfg": CONFIG, "model": state, "label_dict": labels}, path)
    return path


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beats]:
    torch.set_num_threads(1)
    path = published_file(tmp_path_factory.mktemp("beats") / "beats.pt")
    yield load_beats(path)[0]
    path.unlink()


@pytest.fixture(scope="module")
def short() -> Tensor:
    return sound("beats.short", 16000, 23456)[None]


def test_front_end(short: Tensor) -> None:
    check("beats", "short_fbank", front_end(short)[0], 1e-4)
    check("beats", "long_fbank_rows", front_end(sound("beats.long", 16000, 80000)[None])[0, ::20], 1e-4)


@torch.inference_mode()
def test_stages(network: Beats, short: Tensor) -> None:
    seen: dict[str, Tensor] = {}

    def record(name: str) -> Any:
        return lambda module, inputs, output: seen.__setitem__(name, output[0])

    layers = network.encoder.layers
    stages = {
        "short_norm": network.layer_norm,
        "short_proj": network.post_extract_proj,
        "short_pos": network.encoder.layer_norm,
        "short_attn0": layers[0].self_attn,
        "short_layer0": layers[0],
        "short_layer5": layers[5],
        "short_encoder": network.encoder,
    }
    hooks = [module.register_forward_hook(record(name)) for name, module in stages.items()]
    probabilities = network(short)
    for hook in hooks:
        hook.remove()
    check("beats", "short_norm", seen["short_norm"][::6, ::4], 1e-5)
    check("beats", "short_proj", seen["short_proj"][::6, ::4], 1e-5)
    check("beats", "short_pos", seen["short_pos"][::12], 1e-5)
    check("beats", "short_attn0", seen["short_attn0"][::12], 1e-5)
    check("beats", "short_layer0", seen["short_layer0"][::12], 3e-5)
    check("beats", "short_layer5", seen["short_layer5"][::12], 3e-5)
    check("beats", "short_encoder", seen["short_encoder"][::4], 3e-5)
    check("beats", "short_probs", probabilities[0], 2e-6)


@torch.inference_mode()
def test_five_seconds(network: Beats) -> None:
    tokens, _ = network.tokens(sound("beats.long", 16000, 80000)[None])
    check("beats", "long_encoder", tokens[0, ::31], 3e-5)
    check("beats", "long_probs", network.classify(tokens)[0], 2e-6)


@torch.inference_mode()
def test_padding(network: Beats, short: Tensor) -> None:
    other = sound("beats.pair", 16000, 23456)
    other[14000:] = 0
    padding = torch.zeros(2, 23456, dtype=torch.bool)
    padding[1, 14000:] = True
    frames = shrink_mask(padding, 145)
    assert (frames.numpy() == arrays("beats")["pair_frame_mask"]).all()
    tokens, mask = network.tokens(torch.stack([short[0], other]), padding)
    assert mask is not None
    assert (mask.numpy() == arrays("beats")["pair_token_mask"]).all()
    check("beats", "pair_encoder", tokens[:, ::4], 3e-5)
    check("beats", "pair_probs", network.classify(tokens, mask), 2e-6)


@torch.inference_mode()
def test_a_mask_without_padding_changes_nothing(network: Beats, short: Tensor) -> None:
    nothing = torch.zeros(1, 10000, dtype=torch.bool)
    tokens, mask = network.tokens(short, nothing)
    assert mask is not None
    assert (mask.numpy() == arrays("beats")["short_zero_mask"]).all()
    torch.testing.assert_close(network.classify(tokens, mask), network(short), rtol=0, atol=1e-7)


def test_positions(network: Beats) -> None:
    fixture = arrays("beats")
    ours = buckets(torch.from_numpy(fixture["bucket_distance"]), 320, 800)
    assert (ours.numpy() == fixture["bucket"]).all()
    bias = network.encoder.position_bias(72)
    assert bias is not None
    assert (bias[:, [0, 35, 71]].detach().numpy() == fixture["bias_rows"]).all()
