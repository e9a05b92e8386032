"""Train the mask decoder on frozen features."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from refervid.core.errors import TrainingDiverged
from refervid.core.files import atomic_file
from refervid.core.outputs import output_lock, refuse_inputs, refuse_strangers, writing_to
from refervid.models.efficientnet import EfficientNetLite0
from refervid.models.mask_decoder import MaskDecoder
from refervid.models.state import load_exactly, read_file
from refervid.training.masks.recipe import MaskRecipe
from refervid.training.masks.sequence import outcome_of
from refervid.training.masks.sources import Sources

FILES = ("decoder.safetensors", "log.jsonl")
Row = dict[str, float]
WEIGHT_DECAY = 0.01
AVERAGE = 0.998
"""Share of the running mean of weights that stays at a step; it is what is saved."""


def train_decoder(
    eyes: EfficientNetLite0, recipe: MaskRecipe, out: Path, device: torch.device, hook: Callable[[Row], None]
) -> None:
    """Run a recipe; writes `FILES`, which may not be there yet, into `out`, and calls `hook` per logged row.

    Raises `SettingsError` for data without anything to train on, `OutputConflict` where a file is there or an
    input lies in its place, `MissingWeights`, `BadCheckpoint`, `OutputFailed` for a full disk, and
    `TrainingDiverged`.
    """
    refuse_inputs(out, FILES, recipe.inputs())
    with output_lock(out) as unfinished:
        refuse_strangers(out, FILES, {})
        for row, mean in _rows(eyes, recipe, device):
            with writing_to(out):
                with (out / "log.jsonl").open("a") as log:
                    log.write(json.dumps(row) + "\n")
                with atomic_file(out / "decoder.safetensors", unfinished) as file:
                    file.write_bytes(save({name: value.contiguous() for name, value in mean.items()}))
            hook(row)


def _rows(
    eyes: EfficientNetLite0, recipe: MaskRecipe, device: torch.device
) -> Iterator[tuple[Row, Mapping[str, Tensor]]]:
    """What is to be logged, with the weights that are to be saved then."""
    torch.manual_seed(recipe.seed)
    network = MaskDecoder()
    if recipe.weights is not None:
        load_exactly(network, read_file(recipe.weights), recipe.weights)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    eyes = copy.deepcopy(eyes).to(device)
    mean = {name: value.detach().clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    sources = Sources(recipe.data, recipe.seed, device)
    noise = torch.Generator(device).manual_seed(recipe.seed)
    steps = [
        (phase, float(rate)) for phase in recipe.phases for rate in np.linspace(*phase.rate, phase.steps)
    ]
    start, recent = time.monotonic(), []
    for step, (phase, rate) in enumerate(steps, 1):
        outcome = outcome_of(eyes, network, sources.draw(phase.batch, phase.length, phase.side), noise)
        _descend(network, outcome.loss, optimizer, rate * min(1.0, step / max(recipe.warm_up, 1)))
        _follow(mean, network, min(AVERAGE, step / (step + 10)))
        recent.append({"loss": outcome.loss.detach()} | outcome.overlaps)
        if step % recipe.log_every == 0 or step == len(steps):
            row: Row = {"step": step, "of": len(steps), "seconds": round(time.monotonic() - start)}
            row |= _means(recent)
            recent = []
            if not np.isfinite(row["loss"]):
                raise TrainingDiverged(f"the loss is no number at step {step}: give a lower rate")
            yield row, mean


def _descend(network: nn.Module, loss: Tensor, optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    for weight in network.parameters():
        # A step that has no number once in a while must not spoil all later ones.
        if weight.grad is not None:
            weight.grad.nan_to_num_(0, 0, 0)
    optimizer.step()


def _follow(mean: Mapping[str, Tensor], network: nn.Module, keep: float) -> None:
    now = network.state_dict()
    torch._foreach_lerp_(list(mean.values()), [now[name] for name in mean], 1 - keep)


def _means(rows: Sequence[Mapping[str, Tensor]]) -> Row:
    """The loss, and mean overlaps with the truth by kind of start and on later shots."""
    found = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = torch.cat([row[name].reshape(-1) for row in rows if name in row])
        found[name] = round(float(values.nanmean()), 4)
    return found
