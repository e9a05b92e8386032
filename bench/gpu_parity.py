"""Whether a device gives the numbers that the CPU and the published code give, in float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Sam2VideoModel

from gpu_clock import Bench, Row, difference
from gpu_networks import architectures
from refervid.core.types import Pivot
from refervid.engines.sam2 import Sam2Settings, Sam2Tracker
from refervid.engines.sam2.network import Network
from refervid.engines.sam2.official import configuration_of, to_transformers
from refervid.models.soc import Tokens
from refervid.models.soc.checkpoint import load_published
from tests.engines.sam2 import tiny
from tests.parity.sam2 import published as sam2
from tests.parity.soc import published as soc
from tests.parity.soc.test_soc_network_original_vs_ours import CASES

TOLERANCE = 2e-3
"""float32 in another order of sums lies far below; what is computed otherwise lies far above."""


def quick(bench: Bench) -> Iterator[Row]:
    yield "parity, SAM 2.1 with the published numbers", lambda: _sam2_published(bench)
    for name, model in tiny.MODELS.items():
        yield f"parity, toy {name} with the CPU", lambda model=model: _tracked(bench, model)
    for name, build in architectures(toy=True).items():
        yield f"parity, {name} with the CPU", lambda build=build: _with_cpu(bench, build)


def slow(bench: Bench) -> Iterator[Row]:
    """174 million parameters made by rule take a while."""
    if not bench.toy:
        yield "parity, SOC Swin-T with the published numbers", lambda: _soc_published(bench)


def _sam2_published(bench: Bench) -> dict[str, Any]:
    """The cases recorded from the official predictor; their logits go from about -30 to 30."""
    state = sam2.official_state("sam2.1")
    model = Sam2VideoModel(configuration_of(state, sam2.SIZE))
    model.load_state_dict(to_transformers(state))
    network = Network(model, bench.device, torch.float32)
    cases = [case for kind, case in sam2.all_cases() if kind == "sam2.1" and sam2.weights_of(case) == "first"]
    objects = {case: sam2.objects("sam2.1", case) for case in cases}
    logits = _logits(network, sam2.clip(), [pivots for case in cases for pivots in objects[case]])
    worst = {}
    for case, ours in zip(cases, logits.split([len(objects[case]) for case in cases], 1), strict=True):
        theirs = torch.from_numpy(sam2.published("sam2.1")[f"{case}/low"])
        worst[case] = difference(ours[:, sam2.rows_of(case)], theirs)
    return {**_verdict(max(worst.values())), "cases": worst}


def _tracked(bench: Bench, model: Callable[[], Any]) -> dict[str, Any]:
    objects = [[Pivot(2, mask=tiny.mask(2))], [Pivot(4, mask=tiny.mask(40))]]
    here, there = (
        _logits(Network(model(), device, torch.float32), tiny.clip(8), objects)
        for device in (bench.device, torch.device("cpu"))
    )
    return _verdict(difference(here, there))


def _logits(network: Network, clip: Any, objects: list[list[Pivot]]) -> Tensor:
    """(T, objects, S/4, S/4) float32 on the CPU."""
    planes: dict[tuple[int, int], Tensor] = {}
    for result in Sam2Tracker(network, Sam2Settings()).propagation(clip, objects).run():
        for row, plane in zip(result.objects, result.decoded.logits.cpu(), strict=True):
            planes[result.index, row] = plane
    rows = range(len(objects))
    return torch.stack([torch.stack([planes[index, row] for row in rows]) for index in range(len(clip))])


@torch.no_grad()
def _with_cpu(
    bench: Bench, build: Callable[[], tuple[nn.Module, Callable[[Any], list[Tensor]]]]
) -> dict[str, Any]:
    """The same weights on the same input, here and on the CPU."""
    torch.manual_seed(0)
    network, run = build()
    there = run(network)
    here = run(network.to(bench.device))
    return _verdict(max(difference(a, b) for a, b in zip(here, there, strict=True)))


@torch.no_grad()
def _soc_published(bench: Bench) -> dict[str, Any]:
    network = load_published({"epoch": 3, "model_state_dict": soc.published_state()}).eval().to(bench.device)
    case, expected = CASES["full_b1"], soc.Expected("full_b1")
    tokens = soc.tokens(*case.texts)
    video = soc.clips("full_b1", case.frames, case.sizes).to(bench.device)
    moved = Tokens(tokens.ids.to(bench.device), tokens.keep.to(bench.device))
    layer = network(video, moved, case.sizes).main
    found = {}
    for name, ours in (("masks", layer.masks), ("cls", layer.classes), ("boxes", layer.boxes)):
        theirs, take = expected.values(f"eval/layer0/pred_{name}")
        found[name] = difference(
            torch.from_numpy(take(ours.transpose(0, 1).cpu().numpy())), torch.from_numpy(theirs)
        )
    return {**_verdict(max(found.values())), "parts": found}


def _verdict(found: float) -> dict[str, Any]:
    return {"largest_relative_difference": found, "holds": found < TOLERANCE}
