"""Time and memory on a device, and what the device can give at most."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

MIB = 2**20
Row = tuple[str, Callable[[], dict[str, Any]]]
"""What a row of a report is called, and what measures it."""


@dataclass(frozen=True)
class Bench:
    """Where to measure, and whether with toy networks."""

    device: torch.device
    toy: bool

    @property
    def device_name(self) -> str:
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else ""

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def free(self) -> None:
        """Give back what the last row took."""
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def seconds(self, run: Callable[[], object]) -> float:
        """Of the clock on a GPU, of the processor elsewhere: other work on the machine does not count."""
        clock = time.perf_counter if self.device.type == "cuda" else time.process_time
        self.wait()
        began = clock()
        run()
        self.wait()
        return clock() - began

    def peak_mib(self, run: Callable[[], object]) -> float | None:
        """The most that was allocated during a run, models that lie there included."""
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        run()
        return round(torch.cuda.max_memory_allocated() / MIB, 1) if self.device.type == "cuda" else None

    def paired(
        self, sides: dict[str, Callable[[], object]], *, for_s: float = 1.5, most: int = 9
    ) -> dict[str, Any]:
        """Two sides in turns, on a GPU after a run of each: median seconds, and how many times the second
        takes the first one's, with the least and the most that a pair of neighbouring runs showed."""
        cuda = self.device.type == "cuda"
        peak = {name: self.peak_mib(run) if cuda else None for name, run in sides.items()}
        times: dict[str, list[float]] = {name: [] for name in sides}
        ends = time.perf_counter() + for_s
        for _ in range(most):
            for name, run in sides.items():
                times[name].append(self.seconds(run))
            if time.perf_counter() > ends:
                break
        ours, theirs = times.values()
        ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
        return {
            **{name: {"s": round(median(own), 4), "peak_mib": peak[name]} for name, own in times.items()},
            "ratio": round(median(ratios), 2),
            "ratio_min": round(min(ratios), 2),
            "ratio_max": round(max(ratios), 2),
            "pairs": len(ratios),
        }

    def alone(self, run: Callable[[], object]) -> dict[str, Any]:
        """Median seconds of three runs after one to warm up, and peak MiB."""
        peak = self.peak_mib(run)
        return {"s": round(median(self.seconds(run) for _ in range(3)), 5), "peak_mib": peak}


def name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def tera_operations(run: Callable[[], object]) -> float:
    """10^12 operations of matrix products, convolutions and attention that PyTorch counts in a run."""
    with FlopCounterMode(display=False) as counter:
        run()
    return round(counter.get_total_flops() / 1e12, 4)


def peaks(bench: Bench) -> dict[str, float]:
    """Operations a second of large matrix products, bytes a second of a large copy (read and written)."""
    side = 256 if bench.toy else 8192 if bench.device.type == "cuda" else 1024
    numbers = {}
    for dtype in (torch.bfloat16, torch.float32):
        a, b = (torch.randn(side, side, device=bench.device).to(dtype) for _ in range(2))
        seconds = _best(bench, lambda a=a, b=b: a @ b)
        numbers[f"{name_of(dtype)}_tera_operations_per_s"] = round(2 * side**3 / seconds / 1e12, 3)
    source = torch.randn(16 * side * side, device=bench.device)
    target = torch.empty_like(source)
    numbers["copy_gigabytes_per_s"] = round(
        2 * source.nbytes / _best(bench, lambda: target.copy_(source)) / 1e9, 1
    )
    return numbers


def _best(bench: Bench, run: Callable[[], object]) -> float:
    for _ in range(3):
        run()
    return min(bench.seconds(run) for _ in range(10))


def difference(one: Tensor, other: Tensor) -> float:
    """The largest difference over the largest value of `other`; infinite where anything is not a number."""
    one, other = one.detach().double().cpu(), other.detach().double().cpu()
    found = float((one - other).abs().max() / other.abs().max())
    return found if found == found else float("inf")
