"""Checkpoints: what fits is loaded whole, what does not is refused with the keys named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from refervid.errors import BadCheckpoint, MissingWeights
from refervid.models.soc import SOC, NanoTextConfig, SocConfig, VideoSwinConfig
from refervid.models.soc.checkpoint import (
    load,
    load_backbone,
    load_published,
    load_roberta,
    published_config,
    save,
    with_new_classes,
)
from refervid.models.soc.windows import relative_position_index


def published(model: SOC) -> dict[str, torch.Tensor]:
    """The state dict as the published code would have stored it."""
    state = {}
    index = relative_position_index(model.config.backbone.window, torch.device("cpu"))
    for key, value in model.state_dict().items():
        key = key.replace("backbone.", "backbone.0.body.", 1) if key.startswith("backbone.") else key
        state[key] = value
        if key.startswith("bbox_embed."):
            state[f"transformer.decoder.{key}"] = value
        if key.endswith("relative_position_bias_table"):
            state[key.replace("bias_table", "index")] = index
    state["text_encoder.embeddings.position_ids"] = torch.arange(514)[None]
    state["backbone.total_ops"] = torch.zeros(1)
    return state


def same(a: SOC, b: SOC) -> bool:
    return all(torch.equal(x, b.state_dict()[key]) for key, x in a.state_dict().items())


def test_published_file(model: SOC, tmp_path: Path) -> None:
    path = tmp_path / "best.pth.tar"
    torch.save({"epoch": 4, "model_state_dict": published(model), "optimizer_state_dict": {}}, path)
    loaded = load_published(path, model.config)
    assert same(model, loaded)
    assert not loaded.training


def test_published_bare_state(model: SOC) -> None:
    assert same(model, load_published(published(model), model.config))


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda s: s.pop("query_embed.weight"), "query_embed.weight: missing"),
        (lambda s: s.update(extra=torch.zeros(1)), "extra: unknown"),
        (lambda s: s.update({"lvf.multihead_attn.in_proj_bias": torch.zeros(2)}), r"in_proj_bias: \(2,\)"),
        (lambda s: s.update({"transformer.decoder.bbox_embed.0.layers.0.bias": torch.ones(128)}), "differs"),
        (lambda s: s.update({"text_encoder.embeddings.position_ids": torch.zeros(1, 4)}), "not 0, 1, 2"),
    ],
)
def test_what_does_not_fit_is_named(model: SOC, damage: object, named: str) -> None:
    state = published(model)
    damage(state)  # type: ignore[operator]
    with pytest.raises(BadCheckpoint, match=named):
        load_published(state, model.config)


@pytest.mark.parametrize(
    ("name", "width", "blocks"),
    [("video-swin-t", 96, 6), ("video-swin-s", 96, 18), ("video-swin-b", 128, 18)],
)
@pytest.mark.parametrize("classes", [1, 65])
def test_size_and_classes_are_read_off_the_shapes(name: str, width: int, blocks: int, classes: int) -> None:
    prefix = "backbone.0.body."
    state = {
        "class_embed.0.weight": torch.zeros(classes, 256),
        f"{prefix}patch_embed.proj.weight": torch.zeros(width, 3, 1, 4, 4),
    }
    state |= {f"{prefix}layers.2.blocks.{i}.norm1.weight": torch.zeros(1) for i in range(blocks)}
    assert published_config(state) == SocConfig.preset(name, classes)


def test_other_files_are_refused(tmp_path: Path, model: SOC) -> None:
    with pytest.raises(MissingWeights, match="no checkpoint"):
        load_published(tmp_path / "none.pth")
    with pytest.raises(BadCheckpoint, match="no SOC checkpoint"):
        load_published({"weight": torch.zeros(1)})
    path = tmp_path / "cut.pth.tar"
    torch.save(published(model), path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(BadCheckpoint, match="read safely"):
        load_published(path)
    torch.save({"code": Path("x")}, path)
    with pytest.raises(BadCheckpoint, match="read safely"):
        load_published(path)
    torch.save([1, 2], path)
    with pytest.raises(BadCheckpoint, match="list"):
        load_published(path)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_own_checkpoints_keep_everything(model: SOC, tmp_path: Path, dtype: torch.dtype) -> None:
    path = tmp_path / "soc.safetensors"
    save(model, path, dtype)
    loaded = load(path)
    assert loaded.config == model.config
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value.to(dtype).float()), key


def test_foreign_and_damaged_safetensors(model: SOC, tmp_path: Path) -> None:
    path = tmp_path / "soc.safetensors"
    with pytest.raises(MissingWeights):
        load(path)
    save(model, path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(BadCheckpoint, match=r"soc\.safetensors"):
        load(path)
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(BadCheckpoint, match="written by refervid"):
        load(path)


def test_fine_tuning_starts_with_new_class_heads(model: SOC) -> None:
    for classes in (1, 7):
        fresh = with_new_classes(model, classes)
        assert fresh.config.classes == classes
        for key, value in fresh.state_dict().items():
            if key.startswith("class_embed."):
                assert value.shape[0] == classes
            else:
                assert torch.equal(value, model.state_dict()[key])


def test_kinetics_weights(model: SOC, tmp_path: Path) -> None:
    donor = SOC(model.config).backbone
    file = {"cls_head.fc.weight": torch.zeros(3), "backbone.norm.weight": torch.zeros(128)}
    for key, value in donor.state_dict().items():
        name = key
        if key.startswith("downsamples."):
            stage, rest = key.removeprefix("downsamples.").split(".", 1)
            name = f"layers.{stage}.downsample.{rest}"
        if key == "patch_embed.proj.weight":
            value = value.repeat(1, 1, 2, 1, 1) * torch.tensor([0.25, 0.75])[:, None, None]
        file[f"backbone.{name}"] = value
    path = tmp_path / "swin.pth"
    torch.save({"state_dict": file}, path)
    load_backbone(model, path)
    for key, value in model.backbone.state_dict().items():
        torch.testing.assert_close(value, donor.state_dict()[key])

    del file["backbone.patch_embed.norm.bias"]
    torch.save({"state_dict": file}, path)
    with pytest.raises(BadCheckpoint, match=r"patch_embed\.norm\.bias: missing"):
        load_backbone(model, path)


def test_a_backbone_of_our_own(model: SOC, tmp_path: Path) -> None:
    donor = SOC(model.config).backbone
    path = tmp_path / "eyes.safetensors"
    with pytest.raises(MissingWeights, match="eyes"):
        load_backbone(model, path)
    save_file(donor.state_dict(), path)
    load_backbone(model, path)
    for key, value in model.backbone.state_dict().items():
        assert torch.equal(value, donor.state_dict()[key])

    save_file({key: value for key, value in donor.state_dict().items() if "norm" not in key}, path)
    with pytest.raises(BadCheckpoint, match=r"patch_embed\.norm\.bias: missing"):
        load_backbone(model, path)
    path.write_bytes(b"not a safetensors file")
    with pytest.raises(BadCheckpoint, match="is damaged"):
        load_backbone(model, path)


def test_no_pretrained_text_for_the_small_encoder(model: SOC) -> None:
    with pytest.raises(BadCheckpoint, match="own small text encoder"):
        load_roberta(model)


def test_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 128"):
        SocConfig(width=100)
    with pytest.raises(ValueError, match="do not divide"):
        SocConfig(heads=7)
    with pytest.raises(ValueError, match="do not divide"):
        VideoSwinConfig(embed_dim=20)
    with pytest.raises(ValueError, match="Extra inputs"):
        NanoTextConfig.model_validate({"depth": 3})
