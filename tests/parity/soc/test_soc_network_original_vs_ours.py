"""The whole network, in eval mode and on the training path, against the published code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from refervid.models.soc import SOC, LayerOutput
from tests.parity.soc.published import A, B, Expected, clips, tokens

LOGITS = 5e-5
REST = 1e-5


@dataclass(frozen=True)
class Case:
    frames: int
    sizes: list[tuple[int, int]]
    texts: list[list[int]]
    annotated: list[int] | None = None

    @property
    def kept_apart(self) -> str:
        """The published code mixes clips when a batch holds several of several frames; ours does not."""
        return "_per_clip" if len(self.sizes) > 1 and self.annotated is None else ""


CASES: dict[str, Case] = {
    "full_b1": Case(3, [(64, 96)], [A]),
    "full_sharp": Case(3, [(64, 96)], [A]),
    "full_b2": Case(3, [(64, 96), (40, 56)], [A, B]),
    "full_a2d": Case(5, [(60, 90), (64, 84)], [B, A], [2, 3]),
}
NAMES = [
    pytest.param("full_b1", marks=pytest.mark.slow),
    "full_sharp",
    pytest.param("full_b2", marks=pytest.mark.slow),
    "full_a2d",
]


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_network_in_eval_mode_original_vs_ours(network: SOC, name: str) -> None:
    case, expected = CASES[name], Expected(name)
    with sharpened(network, name == "full_sharp"):
        features = network.encode_clips(clips(name, case.frames, case.sizes), case.sizes, annotated(case))
        output = network.refer(features, tokens(*case.texts))
        assert len(output.layers) == int(expected["eval/n_layers"]) == 1
        check_layer(expected, f"eval{case.kept_apart}/layer0", output.main)
        expected.check("eval/text_sentence_feature", output.text_feature, REST)
        if case.kept_apart:
            return
        stages = network.stages(features, tokens(*case.texts))
        predictions = [network.predict(stages, layer) for layer in range(3)]

    for index, level in enumerate(stages.geometry.split(stages.fused)):
        expected.check(f"inner/fused{index}", level.flatten(0, 1), REST)
    expected.check("inner/lvf", stages.fused_words.transpose(0, 1), REST)
    for index, level in enumerate(stages.geometry.split(stages.memory)[:3]):
        expected.check(f"inner/memory{index}", level.flatten(0, 1), REST)
    expected.check("inner/hs", stages.states.hidden.flatten(1, 2), REST)
    expected.check("inner/init_reference", stages.states.initial_reference.flatten(0, 1), REST)
    expected.check("inner/inter_references", stages.states.references.flatten(1, 2), REST)
    expected.check("inner/voc", stages.clip_queries, REST)
    pixels = stages.pixels.unflatten(0, stages.memory.shape[:2])
    expected.check("inner/fpn", pixels.transpose(0, 1).flatten(0, 1), REST)
    for index, layer in enumerate(predictions):
        expected.check(f"inner/heads/cls{index}", layer.classes.flatten(0, 1), LOGITS)
        expected.check(f"inner/heads/boxes{index}", layer.boxes.flatten(0, 1), REST)
        expected.check(f"inner/heads/masks{index}", layer.masks.flatten(1, 2), LOGITS)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_network_in_training_original_vs_ours(network: SOC, name: str) -> None:
    case, expected = CASES[name], Expected(name)
    with sharpened(network, name == "full_sharp"), training_without_dropout(network):
        video = clips(name, case.frames, case.sizes)
        output = network(video, tokens(*case.texts), case.sizes, annotated=annotated(case))
    assert len(output.layers) == int(expected["train/n_layers"]) == 3
    for index, layer in enumerate(output.layers):
        check_layer(expected, f"train{case.kept_apart}/layer{index}", layer)


def check_layer(expected: Expected, name: str, layer: LayerOutput) -> None:
    expected.check(f"{name}/pred_masks", layer.masks.transpose(0, 1), LOGITS)
    expected.check(f"{name}/pred_cls", layer.classes.transpose(0, 1), LOGITS)
    expected.check(f"{name}/pred_boxes", layer.boxes.transpose(0, 1), REST)
    expected.check(f"{name}/pred_logit", layer.queries, REST)


def annotated(case: Case) -> torch.Tensor | None:
    return None if case.annotated is None else torch.tensor(case.annotated)


@contextmanager
def sharpened(network: SOC, sharp: bool) -> Iterator[None]:
    """Embeddings times 16, so that queries differ more."""
    assert network.voc is not None
    parameters = [
        network.query_embed.weight,
        network.voc.query_embed.weight,
        network.voc.fq_pos.weight,
        network.transformer.level_embed,
    ]
    for parameter in parameters if sharp else []:
        parameter.mul_(16)
    yield
    for parameter in parameters if sharp else []:
        parameter.div_(16)


@contextmanager
def training_without_dropout(network: SOC) -> Iterator[None]:
    """Training mode with every rate at zero, then eval mode again."""
    network.train()
    network.text_encoder.eval()
    rates = []
    for module in network.modules():
        for name in ("p", "dropout", "drop_path"):
            rate = getattr(module, name, None)
            if isinstance(rate, float) and not isinstance(rate, nn.Module):
                rates.append((module, name, rate))
                setattr(module, name, 0.0)
    yield
    for module, name, rate in rates:
        setattr(module, name, rate)
    network.eval()
