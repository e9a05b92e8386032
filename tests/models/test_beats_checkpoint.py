"""BEATs files that are damaged, hostile, or of another network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from refervid.core.errors import BadCheckpoint
from refervid.models.beats import load_beats
from tests.engines.sound import beats_file


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return beats_file(tmp_path / "beats.pt")


def rewrite(path: Path, change: Any) -> Path:
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)
    return path


def test_a_whole_file_loads(published: Path) -> None:
    network, classes = load_beats(published)
    assert not network.training
    assert len(classes) == 527
    assert network(torch.zeros(1, 16000)).shape == (1, 527)


def test_half_a_file(published: Path) -> None:
    data = published.read_bytes()
    published.write_bytes(data[: len(data) // 2])
    with pytest.raises(BadCheckpoint, match="download it again"):
        load_beats(published)


class Gadget:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch owned",)


def test_nothing_in_a_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"cfg": {}, "model": Gadget()}, "gadget.pt")
    with pytest.raises(BadCheckpoint, match="is no checkpoint"):
        load_beats(Path("gadget.pt"))
    assert not Path("owned").exists()


@pytest.mark.parametrize("content", [[1, 2], {"model": {}}, {"cfg": {}, "model": 3}])
def test_another_kind_of_file(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(BadCheckpoint):
        load_beats(tmp_path / "other.pt")


def test_keys_that_do_not_fit_are_listed(published: Path) -> None:
    def change(content: Any) -> None:
        content["model"]["predictor.extra"] = content["model"].pop("predictor.bias")
        content["model"]["layer_norm.weight"] = torch.ones(3)

    with pytest.raises(BadCheckpoint) as caught:
        load_beats(rewrite(published, change))
    for part in ("predictor.bias: missing", "predictor.extra: unknown", "layer_norm.weight: (3,)"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("encoder_layers", 10**9),
        ("encoder_embed_dim", -1),
        ("input_patch_size", -1),
        ("activation_fn", "relu"),
        ("layer_norm_first", True),
        ("encoder_attention_heads", 3),
        ("max_distance", 8),
    ],
)
def test_impossible_networks_are_refused(published: Path, field: str, value: Any) -> None:
    with pytest.raises(BadCheckpoint, match="not supported"):
        load_beats(rewrite(published, lambda content: content["cfg"].update({field: value})))


def test_a_class_table_with_holes(published: Path) -> None:
    with pytest.raises(BadCheckpoint, match="label_dict"):
        load_beats(rewrite(published, lambda content: content["label_dict"].pop(7)))
