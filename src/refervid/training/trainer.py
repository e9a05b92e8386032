"""The training loop of SOC.

What happens in a step depends on the recipe, the step's number and the number of processes alone: data are
drawn by number, random numbers inside the network are seeded by it, and rates are a function of it. So a run
that was killed goes on from its last saved state, on as many processes, as if nothing had happened, and
processes that share a batch follow one process that has it all (within float noise; dropout differs between
them).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from refervid.core.errors import ConfigurationChanged, TrainingDiverged
from refervid.core.outputs import output_lock, refuse_inputs
from refervid.core.types import Hook, no_hook
from refervid.engines.hub.weights import find_weights
from refervid.models.soc import Criterion, build_tokenizer
from refervid.models.soc.inference import Segmenter
from refervid.training.batches import Batch, Batches
from refervid.training.network import build_network, parameter_groups
from refervid.training.processes import Processes, started_processes
from refervid.training.recipe import Recipe, Schedule
from refervid.training.run_folder import FILES, RunFolder
from refervid.training.sources import open_source
from refervid.training.stopping import stop_requests
from refervid.training.validation import Validator, open_validator, validate


def train(
    recipe: Recipe, out: Path, *, resume: bool = False, device: str = "cpu", hook: Hook = no_hook
) -> None:
    """Train by `recipe` into the folder `out`; under torchrun together with the other processes.

    `hook("train", row, step, steps)` is called at every logged step and epoch with the row of the log.
    Ctrl-C and SIGTERM stop it after the step under way, with its state saved, by `KeyboardInterrupt`.
    Raises `TrainingDiverged`, `SettingsError`, `ConfigurationChanged`, `DatasetError`, `MissingWeights`,
    `MediaError`, `OutputLocked`, `OutputConflict`, `OutputFailed`.
    """
    refuse_inputs(out, FILES, recipe.inputs())
    with (
        started_processes(device) as processes,
        output_lock(out) if processes.first else nullcontext() as unfinished,
    ):
        folder = RunFolder(out, unfinished)
        # What is missing is said before the folder holds a run.
        trainer = Trainer(recipe, folder, processes, hook)
        if processes.first:
            folder.start(recipe, resume)
        processes.wait()
        trainer.run()
        processes.wait()


class Trainer:
    """One process of a run."""

    def __init__(self, recipe: Recipe, folder: RunFolder, processes: Processes, hook: Hook) -> None:
        self._recipe, self._folder, self._processes, self._hook = recipe, folder, processes, hook
        # Moments of rarely used weights fade into denormal numbers, which a CPU handles many times slower.
        torch.set_flush_denormal(True)
        source = open_source(recipe)
        self._contents = source.contents() if processes.first else {}
        torch.manual_seed(recipe.seed)
        self._network = build_network(recipe, source.texts()).to(processes.device)
        self._network.backbone.gradient_checkpointing = recipe.checkpointing
        groups = parameter_groups(self._network, recipe.rates)
        self._optimizer = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
        self._peaks = [float(group["lr"]) for group in groups]
        half = recipe.precision == "float16"
        self._scaler = torch.amp.GradScaler(processes.device.type, enabled=half)
        self._criterion = Criterion(recipe.losses, recipe.matching)
        self._tokenizer = build_tokenizer(self._network.config.text, find_weights)
        self._batches = Batches(source, recipe, self._tokenizer, processes)
        self._validator = None if recipe.validation is None else open_validator(recipe.validation)
        self._step = 0
        self._epoch_loss = 0.0  # of this process, summed over the steps of the epoch under way
        self._best = -math.inf
        self._wrapped: nn.Module = self._network

    def run(self) -> None:
        """From the step reached so far to the end."""
        self._restore()
        if self._processes.count > 1:
            # Without the object cluster, or with a frozen encoder, some parameters take no part.
            self._wrapped = DistributedDataParallel(self._network, find_unused_parameters=True)
        self._network.train()
        with stop_requests() as asked:
            self._learn_all(asked)
        if self._processes.first:
            self._folder.save_network(self._network, self._folder.last)

    def _learn_all(self, asked_to_stop: Callable[[], bool]) -> None:
        """Every step that is left. After a request to stop `KeyboardInterrupt`, with all work saved."""
        steps, per_epoch = len(self._batches), self._batches.steps_per_epoch
        started, since = monotonic(), self._step
        for step, batch in self._batches.from_step(self._step, self._processes.device):
            losses, norm = self._learn(step, batch)
            self._epoch_loss += float(losses["loss"].detach())
            self._step = step + 1
            # The first step, too, so that a run shows soon that it goes, and how fast.
            if self._step % self._recipe.log_every == 0 or self._step in (1, steps):
                speed = (self._step - since) / max(monotonic() - started, 1e-9)
                self._log_step(step, losses, norm, speed)
            if self._step % per_epoch == 0:
                self._end_epoch(self._step // per_epoch)
            stop = self._processes.any(asked_to_stop())
            if self._step % self._recipe.save_every == 0 or self._step == steps or stop:
                self._save()
            if stop:
                raise KeyboardInterrupt

    def _learn(self, step: int, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
        """One step; gives the losses and the norm of the gradient before clipping."""
        # Dropout is seeded by step and process, so that no state of generators needs to be kept.
        torch.manual_seed(self._recipe.seed + (step + 1) * self._processes.count + self._processes.rank)
        factor = rate_factor(self._recipe.schedule, step, self._batches.steps_per_epoch)
        for group, peak in zip(self._optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor
        losses = self._losses(step, batch)
        total = losses["loss"]
        if not bool(total.isfinite()):
            bad = [name for name, loss in losses.items() if not bool(loss.isfinite())]
            raise self._diverged(step, batch, f"{', '.join(bad)} not finite")
        self._optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(total).backward()  # type: ignore[no-untyped-call]
        self._scaler.unscale_(self._optimizer)
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), self._recipe.clip_norm)
        # With float16 the scaler leaves out steps whose gradient overflows; elsewhere none may.
        if not self._scaler.is_enabled() and not bool(norm.isfinite()):
            raise self._diverged(step, batch, "the gradient is not finite")
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return losses, norm

    def _losses(self, step: int, batch: Batch) -> dict[str, Tensor]:
        """All losses, and their weighted sum as `loss`."""
        kind, precision = self._processes.device.type, self._recipe.precision
        with torch.autocast(kind, getattr(torch, precision), enabled=precision != "float32"):
            output = self._wrapped(batch.frames, batch.tokens, batch.sizes, batch.rows, batch.annotated)
        try:
            losses: dict[str, Tensor] = self._criterion(output, batch.targets)
        except TrainingDiverged as error:
            raise self._diverged(step, batch, str(error)) from error
        return {"loss": self._criterion.total(losses)} | losses

    def _diverged(self, step: int, batch: Batch, what: str) -> TrainingDiverged:
        return TrainingDiverged(
            f"step {step}: {what}; the clips were {', '.join(batch.names)}; the state saved before is "
            "kept: lower the learning rates or train in float32"
        )

    def _log_step(self, step: int, losses: dict[str, Tensor], norm: Tensor, speed: float) -> None:
        names = list(losses)
        values = self._processes.mean(torch.stack([losses[name].detach() for name in names])).tolist()
        row: dict[str, Any] = {"step": step, "epoch": step // self._batches.steps_per_epoch}
        row |= dict(zip(names, values, strict=True))
        row |= {"gradient_norm": float(norm), "rate": self._optimizer.param_groups[0]["lr"]}
        row["steps_per_second"] = speed
        if self._processes.first:
            self._folder.log(row)
            self._hook("train", row, step + 1, len(self._batches))

    def _end_epoch(self, epochs: int) -> None:
        """Log what `epochs` came to, and keep the network if it is the best so far.

        The headline of the validation decides; without a validation the mean loss does.
        """
        mean_loss = self._mean_epoch_loss() / self._batches.steps_per_epoch
        self._epoch_loss = 0.0
        row: dict[str, Any] = {"step": self._step - 1, "epoch": epochs - 1, "loss_of_epoch": mean_loss}
        merit = -math.inf
        if self._validator is None:
            merit = -mean_loss
        elif epochs % self._recipe.validate_every == 0 or self._step == len(self._batches):
            scores = self._validate(self._validator)
            row |= scores
            merit = scores[self._validator.headline]
        if self._processes.first:
            self._folder.log(row)
            self._hook("train", row, self._step, len(self._batches))
            if merit > self._best:
                self._folder.save_network(self._network, self._folder.best)
        self._best = max(self._best, merit)

    def _validate(self, validator: Validator[Any]) -> dict[str, float]:
        self._network.eval()
        segmenter = Segmenter(self._network, self._tokenizer, device=self._processes.device)
        scores = validate(validator, segmenter, self._processes)
        self._network.train()
        return scores

    def _save(self) -> None:
        epoch_loss = self._mean_epoch_loss()
        if self._processes.first:
            self._folder.save_state(
                {
                    "contents": self._contents,
                    "processes": self._processes.count,
                    "step": self._step,
                    "epoch_loss": epoch_loss,
                    "best": self._best,
                    "network": self._network.state_dict(),
                    "optimizer": self._optimizer.state_dict(),
                    "scaler": self._scaler.state_dict(),
                }
            )
            self._folder.draw()

    def _mean_epoch_loss(self) -> float:
        """Over the processes."""
        return float(np.mean(self._processes.gather([self._epoch_loss])))

    def _restore(self) -> None:
        state = self._folder.load_state()
        if state is not None:
            if self._processes.first and state.get("contents") != self._contents:
                raise ConfigurationChanged(
                    f"the run in {self._folder.path} learned from other files: what lies in "
                    f"{', '.join(self._contents)} was replaced since; put it back, or choose another folder"
                )
            try:
                before = int(state["processes"])
                self._step, self._best = int(state["step"]), float(state["best"])
                self._epoch_loss = float(state["epoch_loss"])
                self._network.load_state_dict(state["network"])
                self._optimizer.load_state_dict(state["optimizer"])
                self._scaler.load_state_dict(state["scaler"])
            except (KeyError, ValueError, RuntimeError) as error:
                raise self._folder.useless_state(f"of another version of refervid ({error})") from error
            if before != self._processes.count:
                raise ConfigurationChanged(
                    f"the run in {self._folder.path} was started with WORLD_SIZE={before}, on which dropout "
                    f"depends, not {self._processes.count}: start as many processes, or choose another folder"
                )
        if self._processes.first:
            self._folder.rewind(self._step)


def rate_factor(schedule: Schedule, step: int, steps_per_epoch: int) -> float:
    """What the learning rates are multiplied by at `step`."""
    rise = min(1.0, (step + 1) / schedule.warm_up) if schedule.warm_up else 1.0
    if schedule.cosine:
        share = step / (schedule.epochs * steps_per_epoch)
        return rise * (0.01 + 0.99 * (1 + math.cos(math.pi * share)) / 2)
    drops = sum(step // steps_per_epoch >= drop for drop in schedule.drops)
    return float(rise * schedule.gamma**drops)
