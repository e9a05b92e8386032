"""Batches: which draws make a step, and what the network reads of them.

A step's content depends on recipe and step number alone: a resumed run sees what an unbroken one would, and
the processes of a distributed run cut one and the same batch into equal parts.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from refervid.core.errors import RefervidError, SettingsError
from refervid.models.soc import InputSize, Targets, Tokens, collate_frames, collate_targets
from refervid.models.soc.tokenizer import Tokenizer
from refervid.models.soc.transforms import prepare
from refervid.training.processes import Processes
from refervid.training.recipe import Recipe
from refervid.training.samples import ClipSamples, Source

_ORDER, _DRAW = 0, 1
"""What a random stream is for."""


@dataclass(frozen=True)
class Batch:
    """One process's part of a step: B clips and N sentences, `rows` (N,) the clip of each.

    `frames` (B, T, 3, H, W) float32; `sizes` before padding; `annotated` (B,) or None; `names` of the clips.
    """

    frames: Tensor
    sizes: list[tuple[int, int]]
    tokens: Tokens
    rows: Tensor
    annotated: Tensor | None
    targets: Targets
    names: tuple[str, ...]

    def to(self, device: torch.device) -> Batch:
        return Batch(
            self.frames.to(device, non_blocking=True),
            self.sizes,
            self.tokens.to(device),
            self.rows.to(device),
            None if self.annotated is None else self.annotated.to(device),
            self.targets.to(device),
            self.names,
        )


class Batches(Dataset[Batch | RefervidError]):
    """This process's batches by step number. Raises `SettingsError` if a batch cannot be cut evenly."""

    def __init__(self, source: Source, recipe: Recipe, tokenizer: Tokenizer, processes: Processes) -> None:
        if recipe.batch % processes.count:
            raise SettingsError(
                f"a batch of {recipe.batch} cannot be shared by {processes.count} processes: "
                "change `batch` or the number of processes"
            )
        self._source = source
        self._recipe = recipe
        self._tokenizer = tokenizer
        self._processes = processes
        self.steps_per_epoch = -(-len(source) // recipe.batch)

    def __len__(self) -> int:
        return self._recipe.schedule.epochs * self.steps_per_epoch

    def __getitem__(self, step: int) -> Batch | RefervidError:
        """A worker's errors are handed back: raised there, they would arrive wrapped in its traceback."""
        try:
            return self.batch(step)
        except RefervidError as error:
            return error

    def batch(self, step: int) -> Batch:
        """Raises what its source raises: `DatasetError`, `MediaError`."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = self._order(epoch)
        share = self._recipe.batch // self._processes.count
        first = place * self._recipe.batch + self._processes.rank * share
        # The last batch of an epoch is filled from its beginning.
        indices = [int(order[i % len(order)]) for i in range(first, first + share)]
        return self._collate([self._draw(index, epoch) for index in indices])

    def from_step(self, step: int, device: torch.device) -> Iterator[tuple[int, Batch]]:
        """Steps with their batches, prepared by the recipe's workers, to the end of training.

        Raises as `batch` does.
        """
        steps = range(step, len(self))
        loader: DataLoader[Batch | RefervidError] = DataLoader(
            self,
            batch_size=None,
            sampler=steps,
            num_workers=self._recipe.workers,
            worker_init_fn=_start_worker,
            pin_memory=False,
            # A forked worker may inherit a lock that OpenCV or torch held.
            multiprocessing_context="spawn" if self._recipe.workers else None,
        )
        batches = iter(loader)
        try:
            for number, batch in zip(steps, batches, strict=True):
                if isinstance(batch, RefervidError):
                    raise batch
                yield number, batch.to(device)
        finally:
            # At exit multiprocessing would end the workers by SIGTERM, which they ignore, and wait.
            if isinstance(batches, _MultiProcessingDataLoaderIter):
                batches._shutdown_workers()

    def _order(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng([self._recipe.seed, _ORDER, epoch]).permutation(len(self._source))

    def _draw(self, index: int, epoch: int) -> ClipSamples:
        random = np.random.default_rng([self._recipe.seed, _DRAW, epoch, index])
        drawn = self._source.draw(index, epoch, random)
        if self._recipe.mirror and random.random() < drawn.flip:
            drawn = drawn.mirrored()
        return drawn.jittered(random) if self._recipe.jitter else drawn

    def _collate(self, draws: list[ClipSamples]) -> Batch:
        limit = InputSize(self._recipe.short, self._recipe.long)
        prepared = [[prepare(sample, limit) for sample in drawn.samples] for drawn in draws]
        frames, sizes = collate_frames([samples[0][0] for samples in prepared])
        places = [drawn.annotated for drawn in draws if drawn.annotated is not None]
        return Batch(
            frames,
            sizes,
            self._tokenizer([sample.text for drawn in draws for sample in drawn.samples]),
            torch.tensor([row for row, samples in enumerate(prepared) for _ in samples]),
            torch.tensor(places) if places else None,
            collate_targets([target for samples in prepared for _, target in samples]),
            tuple(drawn.name for drawn in draws),
        )


def _start_worker(number: int) -> None:
    # A signal to the whole group must not break the step under way: the main process ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    cv2.setNumThreads(1)
