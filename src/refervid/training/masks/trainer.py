"""Train the mask decoder on frozen features."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

from refervid.core.errors import TrainingDiverged
from refervid.core.files import atomic_file
from refervid.models.efficientnet import EfficientNetLite0
from refervid.models.mask_decoder import (
    MaskDecoder,
    equations,
    keys,
    likeness,
    nearness,
    solve,
    traits,
    votes,
)
from refervid.training.masks.examples import Examples
from refervid.training.masks.recipe import MaskRecipe
from refervid.training.masks.sources import MixedPairs

Row = dict[str, float]
WEIGHT_DECAY = 0.01
LAST_RATE = 0.01
"""Share of the learning rate at the last step."""
AVERAGE = 0.998
"""Share of the running mean of weights that stays at a step; it is what is saved."""
EDGE_WEIGHT = 3.0
REACH = 0.2
"""Share of the crop's side that an object's parts move between two shots."""


def prompts_of(batch: Mapping[str, Tensor], features: Mapping[int, Tensor]) -> Tensor:
    """Prompts (2 N, 5, h, w) at stride 2 of both shots in the order first, second; `features` likewise."""
    count = len(batch["rgb"])
    size = features[2].shape[2:]
    known = F.interpolate(batch["known"].transpose(0, 1).flatten(0, 1), size=size, mode="area")
    seen = {stride: level[:count] for stride, level in features.items()}
    query = {stride: level[count:] for stride, level in features.items()}
    remembered = batch["remembered"][:, None]
    height, width = features[8].shape[2:]
    labels = 2 * F.adaptive_avg_pool2d(remembered, (height, width)).flatten(1) - 1
    bias = nearness(height, width, REACH * width)
    voted = votes(keys(query).flatten(2).mT, keys(seen).flatten(2).mT, labels, bias)
    shares = F.adaptive_avg_pool2d(remembered, (features[4].shape[2], features[4].shape[3]))[:, 0]
    test = solve(*equations(traits(seen), shares))
    looks = likeness(traits(query), test)
    found = []
    for plane, use in zip(
        (voted.view(count, 1, height, width), looks[:, None]),
        batch["use"].T[:, :, None, None, None],
        strict=True,
    ):
        fine = F.interpolate(plane, size=size, mode="bilinear", align_corners=False) * use
        found.append(torch.cat([torch.zeros_like(fine), fine]))
    box, carried, points = known.unbind(1)
    return torch.cat([box[:, None], carried[:, None], *found, points[:, None]], 1)


def loss_of(logits: Tensor, present: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The loss, and intersection over union (N,), NaN where the object is away; `mask` (N, S, S)."""
    target = F.interpolate(mask[:, None], size=logits.shape[1:], mode="area")[:, 0]
    edge = (F.avg_pool2d(target[:, None], 5, 1, 2)[:, 0] - target).abs()
    entropy = F.binary_cross_entropy_with_logits(logits, target, 1 + EDGE_WEIGHT * edge)
    there = target.sum((1, 2)) > 10
    share = torch.sigmoid(logits)
    both = (share * target).sum((1, 2))
    dice = 1 - (2 * both + 1) / (share.sum((1, 2)) + target.sum((1, 2)) + 1)
    known = F.binary_cross_entropy_with_logits(present, there.float())
    hit, truth = logits > 0, target > 0.5
    overlap = (hit & truth).sum((1, 2)) / (hit | truth).sum((1, 2)).clamp(min=1)
    return entropy + 0.5 * (dice * there).mean() + 0.1 * known, torch.where(there, overlap, torch.nan)


def train_decoder(
    eyes: EfficientNetLite0, recipe: MaskRecipe, out: Path, hook: Callable[[Row], None]
) -> None:
    """Run a recipe; writes `decoder.safetensors` and `log.jsonl` into `out`, and calls `hook` per logged row.

    Raises `SettingsError` for data without anything to train on, and `TrainingDiverged`.
    """
    torch.manual_seed(recipe.seed)
    out.mkdir(parents=True, exist_ok=True)
    network = MaskDecoder()
    if recipe.weights is not None:
        network.load_state_dict(load_file(recipe.weights))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    mean = {name: value.detach().clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=WEIGHT_DECAY)
    steps = sum(phase.pairs // recipe.batch for phase in recipe.phases)
    step, start, recent = 0, time.monotonic(), []
    for number, phase in enumerate(recipe.phases):
        examples = Examples(MixedPairs(recipe.data, phase.side), phase.pairs, recipe.seed + number)
        for shots in DataLoader(examples, recipe.batch, num_workers=recipe.workers, drop_last=True):
            left = (steps - step) / max(recipe.phases[-1].pairs // recipe.batch, 1)
            fall = LAST_RATE + (1 - LAST_RATE) * min(left, 1.0)
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate * fall * min(1.0, (step + 1) / max(recipe.warm_up, 1))
            recent.append(_step(eyes, network, optimizer, shots))
            step += 1
            keep = min(AVERAGE, step / (step + 10))
            for name, value in network.state_dict().items():
                mean[name].lerp_(value, 1 - keep)
            if step % recipe.log_every and step != steps:
                continue
            row: Row = {"step": step, "of": steps, "seconds": round(time.monotonic() - start)}
            row |= dict(zip(("loss", "first", "second"), np.nanmean(recent, axis=0).tolist(), strict=True))
            recent = []
            if not np.isfinite(row["loss"]):
                raise TrainingDiverged(f"the loss is no number at step {step}: give a lower rate")
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(row) + "\n")
            with atomic_file(out / "decoder.safetensors") as file:
                save_file({name: value.contiguous() for name, value in mean.items()}, file)
            hook(row)


def _step(
    eyes: EfficientNetLite0,
    network: MaskDecoder,
    optimizer: torch.optim.Optimizer,
    shots: Mapping[str, Tensor],
) -> tuple[float, float, float]:
    """One step: the loss, and mean overlap with the truth on first and second shots."""
    rgb = shots["rgb"].transpose(0, 1).flatten(0, 1).float()
    with torch.no_grad():
        features = eyes.features(rgb.contiguous(memory_format=torch.channels_last), 16)
        prompts = prompts_of(shots, features)
    logits, present = network(features, prompts)
    loss, overlap = loss_of(logits, present, shots["mask"].transpose(0, 1).flatten(0, 1))
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    first, second = overlap.detach().view(2, -1).nanmean(1).tolist()
    return float(loss.detach()), first, second
