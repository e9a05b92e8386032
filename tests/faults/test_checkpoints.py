"""Fault 40, and weights that are not finite: refused with a typed error before anything large is built."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

from refervid.core.errors import BadCheckpoint
from refervid.engines.hub.weights import load_pretrained
from refervid.models.soc.checkpoint import load
from refervid.models.soc.shipped import shipped_path


def _with_metadata(path: Path, **changes: Any) -> Path:
    """The shipped checkpoint, whose header says of its sizes what it likes; "text.layers" is one inside."""
    tensors = load_file(shipped_path())
    with safe_open(shipped_path(), framework="pt") as file:
        config = json.loads(file.metadata()["config"])
    for name, value in changes.items():
        *groups, leaf = name.split(".")
        place = config
        for group in groups:
            place = place[group]
        place[leaf] = value
    save_file(tensors, path, metadata={"config": json.dumps(config)})
    return path


@pytest.mark.parametrize("value", [10**7, 2**62, 0, -1])
@pytest.mark.parametrize(
    "name",
    [
        "width",
        "heads",
        "queries",
        "classes",
        "points",
        "feed_forward",
        "encoder_layers",
        "decoder_layers",
        "text.layers",
        "text.width",
        "text.heads",
        "text.max_tokens",
        "voc.encoder_layers",
        "backbone.embed_dim",
        "backbone.mlp_ratio",
    ],
)
def test_fault_40_sizes_that_a_file_only_claims_are_refused(tmp_path: Path, name: str, value: int) -> None:
    with pytest.raises(BadCheckpoint, match=name.split(".")[-1]) as caught:
        load(_with_metadata(tmp_path / "a.safetensors", **{name: value}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("backbone.depths", [10**7] * 4), ("backbone.window", [10**7] * 3), ("size", [10**7, 10**7])],
)
def test_fault_40_lists_of_sizes_too(tmp_path: Path, name: str, value: list[int]) -> None:
    with pytest.raises(BadCheckpoint):
        load(_with_metadata(tmp_path / "a.safetensors", **{name: value}))


def test_fault_40_large_sizes_within_the_limits_take_no_memory(tmp_path: Path) -> None:
    """Built, this network would take over 100 GB."""
    changes = {"width": 4096, "feed_forward": 16384, "encoder_layers": 64, "decoder_layers": 64}
    path = _with_metadata(tmp_path / "a.safetensors", **changes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadCheckpoint, match="does not fit the network"):
        load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000  # kilobytes


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, number: float) -> None:
    tensors = load_file(shipped_path())
    name = next(key for key in tensors if key.startswith("class_embed"))
    tensors[name].view(-1)[0] = number
    with safe_open(shipped_path(), framework="pt") as file:
        save_file(tensors, tmp_path / "a.safetensors", metadata=file.metadata())
    with pytest.raises(BadCheckpoint, match=f"not finite, in {name}"):
        load(tmp_path / "a.safetensors")


def _tiny_text_model(folder: Path) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=20, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1
    )
    model = CLIPTextModel(config)
    model.save_pretrained(folder)
    return model


def test_fault_40_a_downloaded_folder_that_claims_many_layers_is_refused(tmp_path: Path) -> None:
    _tiny_text_model(tmp_path)
    load_pretrained(CLIPTextModel, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 10**7}))
    with pytest.raises(BadCheckpoint, match="10000000 num_hidden_layers"):
        load_pretrained(CLIPTextModel, tmp_path)


def test_a_downloaded_folder_with_weights_that_are_not_finite_is_refused(tmp_path: Path) -> None:
    model = _tiny_text_model(tmp_path)
    with torch.no_grad():
        next(model.parameters()).view(-1)[0] = float("nan")
    model.save_pretrained(tmp_path)
    with pytest.raises(BadCheckpoint, match="not finite"):
        load_pretrained(CLIPTextModel, tmp_path)
