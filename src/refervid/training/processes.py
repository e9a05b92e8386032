"""The processes of a run: one, or those that torchrun started."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor
from torch import distributed as dist

from refervid.core.errors import SettingsError

Part = TypeVar("Part")

_SET_BY_TORCHRUN = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Processes:
    """This process is number `rank` of `count`; the first one writes files."""

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        return self.rank == 0

    def mean(self, values: Tensor) -> Tensor:
        """Over the processes."""
        if self.count > 1:
            values = values / self.count
            dist.all_reduce(values)
        return values

    def any(self, flag: bool) -> bool:
        """Whether it is set in one of the processes."""
        return bool(self.mean(torch.tensor(float(flag), device=self.device)) > 0)

    def gather(self, part: list[Part]) -> list[Part]:
        """Everybody's lists, one after the other."""
        if self.count == 1:
            return part
        parts: list[list[Part]] = [[] for _ in range(self.count)]
        dist.all_gather_object(parts, part)
        return [entry for each in parts for entry in each]

    def share(self, things: Sequence[Part]) -> Sequence[Part]:
        """This process's part of `things`."""
        return things[self.rank :: self.count]

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            dist.barrier()


@contextmanager
def started_processes(device: str) -> Iterator[Processes]:
    """Join the group that torchrun set up (NCCL on GPUs, else gloo); without torchrun: one process alone.

    `device` is a resolved one; under torchrun every process takes the GPU of its local rank.
    Raises `SettingsError` if only a part of what torchrun sets is there.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(0, 1, torch.device(device))
        return
    if absent := [name for name in _SET_BY_TORCHRUN if name not in os.environ]:
        raise SettingsError(
            f"WORLD_SIZE is {count}, but {', '.join(absent)} not set: start the processes with torchrun, or "
            "unset WORLD_SIZE for one alone"
        )
    on_gpu = device.startswith("cuda")
    chosen = torch.device(f"cuda:{os.environ['LOCAL_RANK']}" if on_gpu else device)
    if on_gpu:
        torch.cuda.set_device(chosen)
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield Processes(dist.get_rank(), count, chosen)
    finally:
        dist.destroy_process_group()
