"""Checkpoints: what fits is loaded whole, what does not is refused with the keys named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import RobertaConfig, RobertaForMaskedLM

from refervid.core.errors import BadCheckpoint, MissingWeights
from refervid.models.soc import (
    SOC,
    NanoTextConfig,
    RobertaTextConfig,
    SocConfig,
    VideoSwinConfig,
)
from refervid.models.soc.checkpoint import (
    load,
    load_backbone,
    load_published,
    load_roberta,
    needed_tokenizer,
    save,
    with_new_classes,
)
from refervid.models.soc.published_sizes import published_config
from tests.models.soc.conftest import scramble, tiny_config
from tests.models.soc.tiny_published import published_state as published
from tests.models.soc.tiny_published import small_published


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


def test_a_network_does_not_share_memory_with_the_state_it_came_from(model: SOC) -> None:
    state = {key: value.clone() for key, value in published(model).items()}
    first, second = (load_published(state, model.config) for _ in range(2))
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.add_(1)
    assert same(model, second)
    assert same(model, load_published(state, model.config))


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda s: s.pop("query_embed.weight"), "query_embed.weight: missing"),
        (lambda s: s.update(extra=torch.zeros(1)), "extra: unknown"),
        (lambda s: s.update({"lvf.multihead_attn.in_proj_bias": torch.zeros(2)}), r"in_proj_bias: \(2,\)"),
        (lambda s: s.update({"transformer.decoder.bbox_embed.0.layers.0.bias": torch.ones(128)}), "differs"),
        (lambda s: s.update({"text_encoder.embeddings.position_ids": torch.zeros(1, 4)}), "not 0, 1, 2"),
        (lambda s: s.update({"text_encoder.embeddings.position_ids": torch.tensor(4)}), "not 0, 1, 2"),
    ],
)
def test_what_does_not_fit_is_named(model: SOC, damage: object, named: str) -> None:
    state = published(model)
    damage(state)  # type: ignore[operator]
    with pytest.raises(BadCheckpoint, match=named):
        load_published(state, model.config)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"model_state_dict": 5}, "holds a int and not named tensors"),
        ({"class_embed.0.weight": 5}, "'class_embed.0.weight' is a int"),
        ({"transformer.decoder.bbox_embed.0.layers.0.weight": [1]}, "is a list"),
        ({3: torch.zeros(1)}, "3 is a Tensor and no tensor with a name"),
        ({"class_embed.0.weight": torch.tensor(1)}, "no SOC checkpoint"),
        ({"class_embed.0.weight": torch.zeros(0, 256)}, "no SOC checkpoint"),
    ],
)
def test_what_is_no_tensor_is_refused(
    model: SOC, tmp_path: Path, content: dict[Any, Any], named: str
) -> None:
    path = tmp_path / "best.pth.tar"
    for whole in (content, published(model) | content):
        torch.save(whole, path)
        for source in (whole, path):
            with pytest.raises(BadCheckpoint, match=named if whole is not content else None):
                load_published(source)


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


def test_all_sizes_are_read_off_the_shapes() -> None:
    """Of a network that no table lists, as the published code writes it."""
    for config in (small_published(3), small_published().model_copy(update={"box_refinement": False})):
        model = scramble(SOC(config))
        assert published_config(published(model)) == config
        assert same(model, load_published(published(model)))


def test_a_size_that_no_network_has_is_refused(model: SOC) -> None:
    state = published(SOC(small_published(3)))
    state["query_embed.weight"] = torch.zeros(1, 100).expand(400_000, 100)
    with pytest.raises(BadCheckpoint, match="400000 rows"):
        published_config(state)
    state["query_embed.weight"] = torch.zeros(4, 100)
    with pytest.raises(BadCheckpoint, match="no multiple of 128"):
        published_config(state)
    del state["backbone.0.body.layers.1.blocks.0.attn.relative_position_bias_table"]
    with pytest.raises(BadCheckpoint, match="no published Video Swin has 16 channels"):
        published_config(state)


def test_other_files_are_refused(tmp_path: Path, model: SOC) -> None:
    with pytest.raises(MissingWeights, match="no checkpoint"):
        load_published(tmp_path / "none.pth")
    with pytest.raises(BadCheckpoint, match="no SOC checkpoint"):
        load_published({"weight": torch.zeros(1)})
    path = tmp_path / "cut.pth.tar"
    torch.save(published(model), path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(BadCheckpoint, match="is no checkpoint"):
        load_published(path)
    torch.save({"code": Path("x")}, path)
    with pytest.raises(BadCheckpoint, match="is no checkpoint"):
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


def test_which_checkpoints_need_a_tokenizer(model: SOC, tmp_path: Path) -> None:
    own = tmp_path / "soc.safetensors"
    save(model, own)
    assert needed_tokenizer(own) is None
    save(SOC(tiny_config(text=ROBERTA)), own)
    assert needed_tokenizer(own) == ROBERTA.tokenizer
    assert needed_tokenizer(tmp_path / "published.pth.tar") == "FacebookAI/roberta-base"
    own.write_bytes(b"nothing")
    with pytest.raises(BadCheckpoint, match="written by refervid"):
        needed_tokenizer(own)


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
    for wrong in (5, {"backbone.patch_embed.proj.weight": torch.zeros(3)}, {"backbone.norm": 5}):
        torch.save({"state_dict": wrong}, path)
        with pytest.raises(BadCheckpoint, match=r"swin\.pth"):
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


ROBERTA = RobertaTextConfig(
    tokenizer="someone/roberta",
    vocabulary_size=300,
    width=64,
    layers=1,
    heads=4,
    feed_forward=64,
    positions=32,
)


def language_model(folder: Path) -> dict[str, torch.Tensor]:
    """What the hub's `model.safetensors` holds: a network for masked words, which has no pooler."""
    config = RobertaConfig(
        vocab_size=300,
        hidden_size=64,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=32,
        type_vocab_size=1,
    )
    RobertaForMaskedLM(config).save_pretrained(folder)
    return load_file(folder / "model.safetensors")


def test_pretrained_text_must_have_a_pooler(tmp_path: Path) -> None:
    state = language_model(tmp_path)
    model = SOC(tiny_config(text=ROBERTA))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(BadCheckpoint, match="models pull FacebookAI/roberta-base"):
        load_roberta(model, lambda name: tmp_path)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())

    pooler = {"roberta.pooler.dense.weight": torch.randn(64, 64), "roberta.pooler.dense.bias": torch.ones(64)}
    extra = {"roberta.embeddings.position_ids": torch.arange(32)[None]}
    torch.save(state | pooler | extra, tmp_path / "pytorch_model.bin")
    load_roberta(model, {ROBERTA.tokenizer: tmp_path}.__getitem__)
    found = model.text_encoder.state_dict()
    assert found
    for key, value in found.items():
        assert torch.equal(value, (state | pooler)[f"roberta.{key}"]), key

    torch.save(state | pooler | {"roberta.encoder.more": torch.zeros(1)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(BadCheckpoint, match=r"encoder\.more: unknown"):
        load_roberta(model, lambda name: tmp_path)


def test_pretrained_text_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"model\.safetensors"):
        load_roberta(SOC(tiny_config(text=ROBERTA)), lambda name: tmp_path)


def test_no_pretrained_text_for_the_small_encoder(model: SOC, tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="own small text encoder"):
        load_roberta(model, lambda name: tmp_path)


def test_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 128"):
        SocConfig(width=100)
    with pytest.raises(ValueError, match="do not divide"):
        SocConfig(heads=7)
    with pytest.raises(ValueError, match="do not divide"):
        VideoSwinConfig(embed_dim=20)
    with pytest.raises(ValueError, match="Extra inputs"):
        NanoTextConfig.model_validate({"depth": 3})
