"""What the whole network promises beyond the published numbers."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch

from refervid.models.soc import (
    SOC,
    Criterion,
    MaskHeadConfig,
    SocConfig,
    Targets,
    Tokens,
    build_tokenizer,
    load,
    save,
)
from refervid.models.soc.heads import dynamic_masks
from tests.models.soc.conftest import scramble, tiny_config

TEXTS = ["the red square", "the blue square stops", "square"]


def clip(clips: int = 1, frames: int = 3, height: int = 36, width: int = 52) -> torch.Tensor:
    return torch.randn(clips, frames, 3, height, width, generator=torch.Generator().manual_seed(1))


def tokens(model: SOC, texts: list[str]) -> Tokens:
    return build_tokenizer(model.config.text, Path)(texts)


def targets(clips: int, frames: int, height: int = 36, width: int = 52) -> Targets:
    masks = torch.zeros(clips, frames, height, width, dtype=torch.bool)
    masks[:, :, 8:20, 10:30] = True
    boxes = torch.tensor([0.4, 0.4, 0.3, 0.3]).expand(clips, frames, 4)
    return Targets(masks, boxes, torch.ones(clips, frames, dtype=torch.bool), torch.zeros(clips).long())


@torch.no_grad()
def test_sentences_together_answer_as_each_alone(model: SOC) -> None:
    video = clip(2)
    rows = torch.tensor([1, 0, 1])
    together = model(video, tokens(model, TEXTS), rows=rows)
    assert together.main.masks.shape == (3, 3, 5, 9, 13)
    for index, (text, row) in enumerate(zip(TEXTS, rows.tolist(), strict=True)):
        alone = model(video[row : row + 1], tokens(model, [text]))
        for name in ("masks", "classes", "boxes", "queries"):
            ours, theirs = getattr(together.main, name)[index], getattr(alone.main, name)[0]
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_clips_of_a_batch_do_not_mix(model: SOC) -> None:
    first, second = clip(1), clip(2)[1:]
    both = model(torch.cat((first, second)), tokens(model, TEXTS[:2]))
    changed = model(torch.cat((first, second * 3)), tokens(model, TEXTS[:2]))
    torch.testing.assert_close(both.main.masks[0], changed.main.masks[0])
    assert not torch.allclose(both.main.masks[1], changed.main.masks[1])


@torch.no_grad()
def test_annotated_frame_alone_goes_on(model: SOC) -> None:
    video, words = clip(2), tokens(model, TEXTS[:2])
    found = model(video, words, annotated=torch.tensor([2, 0])).main
    assert found.masks.shape == (2, 1, 5, 9, 13)
    other = video.clone()
    other[0, 2] += 1
    changed = model(other, words, annotated=torch.tensor([2, 0])).main
    assert not torch.allclose(found.masks[0], changed.masks[0])


@torch.no_grad()
@pytest.mark.parametrize("frames", [1, 2, 7])
@pytest.mark.parametrize("size", [(8, 8), (33, 70)])
def test_any_length_and_size(model: SOC, frames: int, size: tuple[int, int]) -> None:
    found = model(clip(1, frames, *size), tokens(model, TEXTS[:1])).main
    assert found.masks.shape == (1, frames, 5, -(-size[0] // 4), -(-size[1] // 4))
    assert found.masks.isfinite().all()


def test_with_and_without_gradients_the_same(model: SOC) -> None:
    """They take different roads: whole or in pieces, grid samples or table rows."""
    recorded = model(clip(), tokens(model, TEXTS[:1])).main
    with torch.no_grad():
        plain = model(clip(), tokens(model, TEXTS[:1])).main
    torch.testing.assert_close(recorded.masks, plain.masks, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(recorded.boxes, plain.boxes, rtol=1e-4, atol=1e-5)


def test_every_parameter_learns(model: SOC) -> None:
    model.train()
    criterion = Criterion()
    output = model(clip(2), tokens(model, TEXTS[:2]))
    assert len(output.layers) == model.config.decoder_layers
    criterion.total(criterion(output, targets(2, 3))).backward()
    idle = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()]
    # The first decoder layer attends among contents that are all zero.
    assert all(name.startswith("transformer.decoder.layers.0.self_attn.in_proj") for name in idle), idle


def test_gradient_checkpointing_changes_nothing_but_memory(model: SOC) -> None:
    model.train()
    criterion, words = Criterion(), tokens(model, TEXTS[:1])
    saving = deepcopy(model)
    saving.backbone.gradient_checkpointing = True
    for one in (model, saving):
        criterion.total(criterion(one(clip(), words), targets(1, 3))).backward()
    for (name, ours), theirs in zip(model.named_parameters(), saving.parameters(), strict=True):
        if ours.grad is not None and theirs.grad is not None:
            torch.testing.assert_close(ours.grad, theirs.grad, msg=name)


def test_prediction_layer_chooses_the_heads() -> None:
    torch.manual_seed(0)
    first = scramble(SOC(tiny_config(prediction_layer="first"))).eval()
    last = SOC(tiny_config(prediction_layer="last")).eval()
    last.load_state_dict(first.state_dict())
    with torch.no_grad():
        stages = first.stages(first.encode_clips(clip()), tokens(first, TEXTS[:1]))
        answers = [first.predict(stages, layer).masks for layer in range(2)]
        assert torch.equal(first(clip(), tokens(first, TEXTS[:1])).main.masks, answers[0])
        assert torch.equal(last(clip(), tokens(last, TEXTS[:1])).main.masks, answers[1])


def test_without_the_clip_level() -> None:
    model = SOC(tiny_config(voc=None)).train()
    criterion = Criterion()
    output = model(clip(), tokens(model, TEXTS[:1]))
    losses = criterion(output, targets(1, 3))
    assert not any(name.startswith("voc") for name, _ in model.named_parameters())
    assert criterion.total(losses).isfinite()


def test_training_after_inference_in_one_process(model: SOC) -> None:
    """What is kept between runs must be fit for gradients."""
    words = tokens(model, TEXTS[:1])
    with torch.inference_mode():
        model(clip(1, 4, 44, 28), words)
    criterion = Criterion()
    output = model.train()(clip(1, 4, 44, 28), words)
    criterion.total(criterion(output, targets(1, 4, 44, 28))).backward()


@pytest.mark.parametrize("training", [False, True])
def test_bfloat16(model: SOC, training: bool) -> None:
    model.train(training)
    words = tokens(model, TEXTS[:1])
    with torch.set_grad_enabled(training), torch.autocast("cpu", torch.bfloat16):
        found = model(clip(), words).main
    assert found.masks.dtype == torch.float32
    exact = model(clip(), words).main
    assert (found.boxes - exact.boxes).abs().max() < 0.05
    agreement = ((found.masks > 0) == (exact.masks > 0)).float().mean()
    assert agreement > 0.9


@torch.no_grad()
def test_places_do_not_depend_on_the_precision(model: SOC) -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 8, 90, 160, generator=generator)
    head = MaskHeadConfig()
    parameters = torch.randn(2, 20, head.parameters, generator=generator)
    centres = torch.rand(2, 20, 2, generator=generator) * torch.tensor([640.0, 360.0])
    exact = dynamic_masks(features, parameters, centres, head)
    stages = model.stages(model.encode_clips(clip()), tokens(model, TEXTS[:1]))
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(dynamic_masks(features, parameters, centres, head), exact)
        found = model.stages(model.encode_clips(clip()), tokens(model, TEXTS[:1]))
    assert torch.equal(found.states.initial_reference, stages.states.initial_reference)
    assert found.states.references.dtype == torch.float32


def test_padding_is_neither_attended_nor_counted() -> None:
    """The box is relative to the unpadded frame, and valid ratios shrink with the padding."""
    model = SOC(tiny_config()).eval()
    video = torch.nn.functional.pad(clip(1, 2, 32, 64), (0, 64, 0, 0))
    with torch.no_grad():
        features = model.encode_clips(video, [(32, 64)])
    assert features.geometry.padding is not None
    torch.testing.assert_close(features.geometry.valid_ratios[0, 0, 0], torch.tensor([0.5, 1.0]))
    assert features.sizes.tolist() == [[64.0, 32.0]]


def test_nano_is_small() -> None:
    model = SOC(SocConfig.nano())
    assert sum(parameter.numel() for parameter in model.parameters()) < 4.5e6


@torch.no_grad()
def test_without_box_refinement_all_layers_look_around_the_first_reference() -> None:
    model = scramble(SOC(tiny_config(box_refinement=False, decoder_layers=3))).eval()
    words = tokens(model, TEXTS[:1])
    states = model.stages(model.encode_clips(clip()), words).states
    assert states.references.shape[-1] == 2
    for reference in states.references:
        assert torch.equal(reference, states.initial_reference)
    refining = SOC(tiny_config(decoder_layers=3)).eval()
    refining.load_state_dict(model.state_dict())  # the same weights, used differently
    assert not torch.equal(refining(clip(), words).main.masks, model(clip(), words).main.masks)
    assert model(clip(), words).main.boxes.shape[-1] == 4
    assert model.class_embed[0] is model.class_embed[2]
    assert model.bbox_embed[0] is model.bbox_embed[2]
    with pytest.raises(ValueError, match="box_refinement"):
        SocConfig.nano().model_validate({**SocConfig.nano().model_dump(), "box_refinement": False})


@pytest.mark.parametrize(
    "changes",
    [
        {"mask_head": {"features": 4, "channels": 6, "layers": 2, "places": False}},
        {"mask_head": {"features": 16, "channels": 4, "layers": 4}},
        {"box_refinement": False},
    ],
)
def test_heads_of_another_form_learn_and_are_kept(changes: dict[str, object], tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = scramble(SOC(tiny_config(**changes))).train()
    criterion = Criterion()
    criterion.total(criterion(model(clip(), tokens(model, TEXTS[:1])), targets(1, 3))).backward()
    for part in (model.controller, model.spatial_decoder, model.bbox_embed, model.class_embed):
        assert all(weight.grad is not None and weight.grad.any() for weight in part.parameters())
    save(model.eval(), tmp_path / "kept.safetensors")
    kept, words = load(tmp_path / "kept.safetensors"), tokens(model, TEXTS[:1])
    assert kept.config == model.config
    weights = kept.state_dict()
    assert all(torch.equal(weights[name], weight) for name, weight in model.state_dict().items())
    with torch.no_grad():
        found = kept(clip(), words).main
        # Sums of the same numbers elsewhere in memory may round otherwise.
        torch.testing.assert_close(found.masks, model(clip(), words).main.masks, rtol=1e-4, atol=1e-3)
    assert found.masks.shape == (1, 3, 5, 9, 13)


def test_two_stages_are_refused() -> None:
    with pytest.raises(ValueError, match="two_stage is no setting here: the published code stops"):
        tiny_config(two_stage=True)
