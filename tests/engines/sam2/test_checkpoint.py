"""Weights in every form, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers.utils import is_timm_available

from refervid.core.errors import BadCheckpoint, MissingExtra, MissingWeights
from refervid.engines.base import Runtime
from refervid.engines.sam2 import EdgeTamSettings, EdgeTamTracker
from refervid.engines.sam2.checkpoint import load_model
from refervid.engines.sam2.official import (
    SIZES,
    Size,
    configuration_of,
    to_transformers,
    transformers_name,
)
from tests.engines.sam2 import tiny

KEYS = Path(__file__).parents[2] / "parity" / "sam2" / "keys_sam2.1.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny.sam2_model().save_pretrained(tmp_path / "sam2")
    return tmp_path / "sam2"


def test_every_official_name_has_its_transformers_name() -> None:
    for official, expected, _ in json.loads(KEYS.read_text()):
        name = transformers_name(official)
        if "point_embeddings" in official:
            assert name.startswith("prompt_encoder.point_embeddings.")
        else:
            assert name in ([expected] if isinstance(expected, str) else expected)


@pytest.mark.parametrize("kind", ["sam2", "edgetam"])
def test_folders_load_and_are_told_apart(tmp_path: Path, kind: str) -> None:
    original = tiny.MODELS[kind]()
    original.save_pretrained(tmp_path)
    loaded = load_model(str(tmp_path))
    assert type(loaded) is type(original)
    state = loaded.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in original.state_dict().items())


def test_a_missing_and_an_unexpected_key_are_named(folder: Path) -> None:
    """Fault 28."""
    state = load_file(folder / "model.safetensors")
    state["no_such_parameter"] = state.pop("no_object_pointer")
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadCheckpoint, match="no_object_pointer") as caught:
        load_model(str(folder))
    assert "no_such_parameter" in str(caught.value)


def test_a_truncated_file_is_a_bad_checkpoint(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(BadCheckpoint):
        load_model(str(folder))


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"model_type": "bert"}, "bert"),
        ({"model_type": ["bert"]}, "bert"),
        ({}, r"config\.json"),
        (["bert"], r"config\.json"),
    ],
)
def test_a_foreign_model_is_refused(folder: Path, config: object, told: str) -> None:
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadCheckpoint, match=told):
        load_model(str(folder))


def test_a_folder_without_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match=r"config\.json"):
        load_model(str(tmp_path))


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights):
        load_model(str(tmp_path / "sam2.pt"))


@pytest.mark.parametrize(
    "content", [b"", b"not a checkpoint", b"PK\x03\x04" + bytes(100)], ids=["empty", "text", "cut zip"]
)
def test_files_that_are_no_checkpoints(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sam2.pt").write_bytes(content)
    with pytest.raises(BadCheckpoint):
        load_model(str(tmp_path / "sam2.pt"))


class Gadget:
    """Would write a file if it were unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.target,)


def test_a_checkpoint_with_code_is_refused_unread(tmp_path: Path) -> None:
    torch.save({"model": Gadget(tmp_path / "harmed")}, tmp_path / "sam2.pt")
    with pytest.raises(BadCheckpoint):
        load_model(str(tmp_path / "sam2.pt"))
    assert not (tmp_path / "harmed").exists()


def test_an_unknown_size_is_refused(tmp_path: Path) -> None:
    patch = torch.zeros(50, 3, 7, 7)
    torch.save({"model": {"image_encoder.trunk.patch_embed.proj.weight": patch}}, tmp_path / "sam2.pt")
    with pytest.raises(BadCheckpoint, match="width 50 and 0 blocks"):
        load_model(str(tmp_path / "sam2.pt"))


def official_tiny() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=generator) for name, _, shape in json.loads(KEYS.read_text())}


def test_a_published_file_loads_with_every_key_in_place(tmp_path: Path) -> None:
    official = official_tiny()
    torch.save({"model": official}, tmp_path / "sam2.1_hiera_tiny.pt")
    model = load_model(str(tmp_path / "sam2.1_hiera_tiny.pt"))
    own = model.state_dict()
    assert torch.equal(own["no_object_pointer"], official["no_obj_ptr"])
    assert model.config.image_size == 1024
    assert to_transformers(official).keys() == own.keys()


def test_a_published_file_with_wrong_keys_names_them(tmp_path: Path) -> None:
    official = official_tiny()
    official["surprise"] = official.pop("no_obj_ptr")
    official["no_mem_embed"] = torch.zeros(1, 1, 3)
    torch.save({"model": official}, tmp_path / "sam2.pt")
    with pytest.raises(BadCheckpoint, match="missing keys: no_object_pointer") as caught:
        load_model(str(tmp_path / "sam2.pt"))
    assert "unexpected keys: surprise" in str(caught.value)
    assert "mismatched keys: no_memory_embedding" in str(caught.value)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_published_sizes_are_told_by_their_shapes(size: Size) -> None:
    state = {"image_encoder.trunk.patch_embed.proj.weight": torch.zeros(size.width, 3, 7, 7)}
    state |= {f"image_encoder.trunk.blocks.{i}.norm1.weight": torch.zeros(1) for i in range(size.blocks)}
    config = configuration_of(state)
    assert config.vision_config.backbone_config.blocks_per_stage == list(size.blocks_per_stage)
    assert not config.enable_occlusion_spatial_embedding


@pytest.mark.skipif(is_timm_available(), reason="this machine has timm")
def test_the_published_edgetam_without_the_package_of_its_encoder(tmp_path: Path) -> None:
    settings = EdgeTamSettings(weights=str(tmp_path / "published"))
    assert [lack.split(" ")[0] for lack in EdgeTamTracker.missing(settings)] == ["weights", "packages"]
    # Written by hand: transformers 5.17 asks the hub whenever it makes such a configuration itself.
    encoder = {"model_type": "timm_wrapper", "architecture": "repvit_m1.dist_in1k"}
    vision = {"model_type": "edgetam_vision_model", "backbone_config": encoder}
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "config.json").write_text(
        json.dumps({"model_type": "edgetam_video", "vision_config": vision})
    )
    save_file({"a": torch.zeros(1)}, tmp_path / "published" / "model.safetensors", {"format": "pt"})
    [lack] = EdgeTamTracker.missing(settings)
    assert "pip install timm torchvision" in lack
    with pytest.raises(MissingExtra, match="pip install timm torchvision"):
        EdgeTamTracker.build(settings, Runtime("cpu", "auto", False, tmp_path))
    tiny.edgetam_model().save_pretrained(tmp_path / "other")
    assert EdgeTamTracker.missing(EdgeTamSettings(weights=str(tmp_path / "other"))) == []
