"""SOC, Grounding DINO and the networks for sound at their published sizes, with random weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import GroundingDinoConfig, GroundingDinoForObjectDetection, SwinConfig

import soc as soc_bench
from gpu_clock import Bench, Row, difference, name_of, tera_operations
from refervid.engines.base import DetectorRequest
from refervid.engines.grounding_dino import GroundingDinoDetector, GroundingDinoSettings
from refervid.media.array import ArrayClip
from refervid.models.beats import Beats, BeatsConfig
from refervid.models.languagebind import LanguageBind
from refervid.models.soc import SOC, Tokens
from refervid.models.yamnet import Yamnet
from soc_reference import reference_forward
from tests.engines.tiny_detectors import WORDS, bert_tokenizer, toy_grounding_dino
from tests.parity.audio.networks import config as languagebind_config
from tests.parity.audio.test_beats_original_vs_ours import CONFIG as BEATS

Network = tuple[nn.Module, Callable[[Any], list[Tensor]]]
"""A network, and what to run it on."""

CAPTION = [101, 200, 202, 204, 1012, 102]
"""[CLS] three words . [SEP]: token numbers that Grounding DINO treats apart are those of BERT."""


def architectures(toy: bool) -> dict[str, Callable[[], Network]]:
    """All but the trackers; built on the default device, run where they then are."""
    return {
        **{
            f"SOC {name}": lambda size=size: _soc(size, toy)
            for name, size in _sizes(toy, ("Swin-T", "Swin-S", "Swin-B"))
        },
        **{
            f"Grounding DINO {name}": lambda size=size: _grounding_dino(size, toy)
            for name, size in _sizes(toy, ("tiny", "base"))
        },
        "BEATs iter3+": lambda: _beats(toy),
        "LanguageBind audio": lambda: _languagebind("LanguageBindAudio", (112, 1036), toy),
        "LanguageBind image": lambda: _languagebind("LanguageBindImage", (224, 224), toy),
        "YAMNet": _yamnet,
    }


def _sizes(toy: bool, names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [("toy", "toy")] if toy else [(name, name) for name in names]


def _soc(size: str, toy: bool) -> Network:
    model = soc_bench.build(_soc_size(size), str(torch.get_default_device()))
    video, tokens = soc_inputs(toy, 1)

    def run(network: SOC) -> list[Tensor]:
        output = network(*_moved(network, video, tokens)).main
        return [output.masks, output.classes, output.boxes]

    return model, run


def _soc_size(name: str) -> str:
    return "nano" if name == "toy" else f"video-{name.lower()}"


def soc_inputs(toy: bool, sentences: int) -> tuple[Tensor, Tokens]:
    """One clip of eight frames, 360 x 640, on the CPU."""
    generator = torch.Generator("cpu").manual_seed(0)
    height, width = (64, 96) if toy else (360, 640)
    video = torch.randn(1, 8, 3, height, width, generator=generator, device="cpu")
    ids = torch.tensor([soc_bench.SENTENCE] * sentences, device="cpu")
    return video, Tokens(ids, torch.ones_like(ids, dtype=torch.bool))


def _moved(network: nn.Module, video: Tensor, tokens: Tokens) -> tuple[Tensor, Tokens]:
    device = next(network.parameters()).device
    return video.to(device), Tokens(tokens.ids.to(device), tokens.keep.to(device))


def soc(bench: Bench) -> Iterator[Row]:
    """One sentence beside the plain formulation, and eight at once beside eight runs."""
    for name, size in _sizes(bench.toy, ("Swin-T", "Swin-B")):
        for dtype in (torch.bfloat16, torch.float32):
            label = f"SOC {name}, 360x640, 8 frames, {name_of(dtype)}"
            yield label, lambda size=size, dtype=dtype: _soc_row(bench, size, dtype)


@torch.no_grad()
def _soc_row(bench: Bench, size: str, dtype: torch.dtype) -> dict[str, Any]:
    model = _built(bench, lambda: (soc_bench.build(_soc_size(size), str(bench.device)), None))[0]
    video, one = _moved(model, *soc_inputs(bench.toy, 1))
    _, eight = _moved(model, *soc_inputs(bench.toy, 8))
    rows = torch.zeros(8, dtype=torch.long, device=bench.device)

    def together() -> object:
        return model(video, eight, rows=rows)

    def in_turn() -> object:
        return [model(video, one) for _ in range(8)]

    with _precision(bench, dtype):
        single = bench.paired(
            {"ours": lambda: model(video, one), "plain": lambda: reference_forward(model, video, one)}
        )
        operations = tera_operations(lambda: model(video, one))
        several = bench.paired({"together": together, "in_turn": in_turn})
    frames = round(video.shape[1] / single["ours"]["s"], 1)
    return {"frames_per_s": frames, "one": single, "tera_operations": operations, "eight": several}


def _grounding_dino(size: str, toy: bool) -> Network:
    model = toy_grounding_dino() if toy else GroundingDinoForObjectDetection(_grounding_dino_config(size))
    generator = torch.Generator("cpu").manual_seed(0)
    shape = (64, 96) if toy else (750, 1333)
    pixels = torch.randn(1, 3, *shape, generator=generator, device="cpu")
    ids = torch.tensor([CAPTION], device="cpu")

    def run(network: Any) -> list[Tensor]:
        device = next(network.parameters()).device
        output = network(pixel_values=pixels.to(device), input_ids=ids.to(device))
        # Tokens that are not there have infinite logits.
        return [output.logits.sigmoid(), output.pred_boxes]

    return model.eval(), run


def _grounding_dino_config(size: str) -> GroundingDinoConfig:
    """IDEA-Research/grounding-dino-tiny and -base."""
    tiny = size == "tiny"
    backbone = SwinConfig(
        image_size=224 if tiny else 384,
        embed_dim=96 if tiny else 128,
        depths=[2, 2, 6, 2] if tiny else [2, 2, 18, 2],
        num_heads=[3, 6, 12, 24] if tiny else [4, 8, 16, 32],
        window_size=7 if tiny else 12,
        out_features=["stage2", "stage3", "stage4"],
    )
    return GroundingDinoConfig(backbone_config=backbone, disable_custom_kernels=True)


def grounding_dino(bench: Bench) -> Iterator[Row]:
    """The detector on eight frames in batches, and with eight sentences on one frame."""
    for name, size in _sizes(bench.toy, ("tiny", "base")):
        label = f"Grounding DINO {name}, 854x480 as 1333x750"
        yield label, lambda size=size: _detector_row(bench, size)


@torch.inference_mode()
def _detector_row(bench: Bench, size: str) -> dict[str, Any]:
    model, _ = _built(bench, lambda: _grounding_dino(size, bench.toy))
    height, width = (48, 80) if bench.toy else (480, 854)
    short, long = (48, 80) if bench.toy else (800, 1333)
    pictures = np.random.default_rng(0).integers(0, 256, (8, height, width, 3), np.uint8)
    frames = [DetectorRequest(index, "the dog") for index in range(8)]
    texts = [DetectorRequest(0, f"the {word}") for word in WORDS[2:10]]
    with TemporaryDirectory() as folder:
        tokenizer = bert_tokenizer(Path(folder))

        def run(requests: list[DetectorRequest], batch: int, at_once: int) -> Callable[[], object]:
            """In calls of `at_once` requests, each on a clip that nothing is known about yet."""
            settings = GroundingDinoSettings(short_side=short, long_side=long, batch=batch)
            detector = GroundingDinoDetector(model, tokenizer, settings, str(bench.device))
            own = [requests[start : start + at_once] for start in range(0, len(requests), at_once)]
            return lambda: [detector.detect(ArrayClip(pictures), part) for part in own]

        kept = model.model.backbone
        rows = {}
        for name, sides in {
            "eight_frames": {"batch_8": (frames, 8, 8), "one_by_one": (frames, 1, 1)},
            "eight_sentences": {"batch_8": (texts, 8, 8), "one_by_one": (texts, 1, 1)},
        }.items():
            # Each detector puts its own frame memory in front of the image backbone.
            runs = {}
            for side, arguments in sides.items():
                model.model.backbone = kept
                runs[side] = _with_backbone(model, run(*arguments))
            rows[name] = bench.paired(runs)
        return rows


def _with_backbone(model: Any, run: Callable[[], object]) -> Callable[[], object]:
    """`run` with the backbone that the model has now."""
    own = model.model.backbone

    def again() -> object:
        model.model.backbone = own
        return run()

    return again


def _beats(toy: bool) -> Network:
    changes = {"encoder_layers": 2} if toy else {}
    samples = torch.randn(
        4, 32_000 if toy else 160_000, generator=torch.Generator("cpu").manual_seed(0), device="cpu"
    )
    return Beats(BeatsConfig.model_validate(BEATS | changes)).eval(), _on(0.1 * samples)


def _languagebind(kind: str, pixels: tuple[int, int], toy: bool) -> Network:
    layers = {"text_layers": 1, "vision_layers": 2} if toy else {}
    pictures = torch.randn(4, 3, *pixels, generator=torch.Generator("cpu").manual_seed(0), device="cpu")
    ids = torch.tensor([[49406, 320, 1929, 49407]], device="cpu")

    def run(network: Any) -> list[Tensor]:
        device = next(network.parameters()).device
        return [network.embed_pixels(pictures.to(device)), network.embed_texts(ids.to(device))]

    return LanguageBind(languagebind_config(kind, **layers)).eval(), run


def _yamnet() -> Network:
    samples = torch.randn(16, 15_600, generator=torch.Generator("cpu").manual_seed(0), device="cpu")
    return Yamnet().eval(), _on(0.1 * samples)


def _on(samples: Tensor) -> Callable[[Any], list[Tensor]]:
    return lambda network: [network(samples.to(next(network.parameters()).device))]


def both_precisions(bench: Bench) -> Iterator[Row]:
    for name, build in architectures(bench.toy).items():
        yield f"{name}, both precisions", lambda build=build: _both(bench, build)


@torch.no_grad()
def _both(bench: Bench, build: Callable[[], Network]) -> dict[str, Any]:
    """A run in float32 and one in bfloat16 (autocast), and how far apart their answers are at most: the
    first answer alone (masks, scores of words, classes or vectors), and all of them."""
    network, run = _built(bench, build)
    found, answers = {}, []
    for dtype in (torch.float32, torch.bfloat16):
        with _precision(bench, dtype):
            found[name_of(dtype)] = bench.alone(lambda: run(network))
            answers.append(run(network))
    apart = [difference(b, a) for a, b in zip(*answers, strict=True)]
    found["parameters"] = sum(p.numel() for p in network.parameters())
    return {**found, "largest_relative_difference": apart[0], "of_all_answers": max(apart)}


def _built(bench: Bench, build: Callable[[], Any]) -> Any:
    torch.manual_seed(0)
    with bench.device:
        return build()


def _precision(bench: Bench, dtype: torch.dtype) -> AbstractContextManager[object]:
    return nullcontext() if dtype == torch.float32 else torch.autocast(bench.device.type, dtype)
