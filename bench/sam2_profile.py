"""Where the SAM 2 tracker's time goes: processor time a frame of each part of the network, by objects, and
the operations that it has (matrix products, convolutions and attention as PyTorch counts them).

    python bench/sam2_profile.py                                          # Hiera-T at 1024 px, bfloat16
    python bench/sam2_profile.py --size small --image-size 256 --dtype float32

`other threads` is decoding and resizing ahead of time; `the rest` is masks at the clip's size, their
packing, and the bookkeeping between the parts.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from refervid.core.types import Pivot, no_hook
from refervid.engines.sam2 import Sam2Settings, Sam2Tracker
from refervid.engines.sam2.network import Network
from refervid.engines.sam2.official import SIZES
from refervid.media.array import ArrayClip
from sam2_tracker import moving_square, pivot, random_model

PARTS = ("encode", "attend", "decode", "decode_masks", "encode_memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="tiny")
    parser.add_argument("--image-size", type=int, default=1024)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16")
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = random_model(options.size, options.image_size)
    network = Network(model, torch.device("cpu"), getattr(torch, options.dtype))
    rows = {count: profile(network, count, options.frames) for count in options.objects}
    counts = {count: operations(network, count, options.frames) for count in options.objects}
    print(f"{options.size}, {options.image_size} px, {options.dtype}: ms of processor time a frame")
    show(rows)
    print("10^9 operations a frame")
    show(counts)
    if options.json:
        report = {**vars(options), "json": None, "ms": rows, "giga_operations": counts}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def show(rows: dict[int, dict[str, float]]) -> None:
    print(f"{'':16}" + "".join(f"{count:>4} objects" for count in rows))
    for part in next(iter(rows.values())):
        print(f"{part:16}" + "".join(f"{row[part]:12.1f}" for row in rows.values()))


def profile(network: Network, count: int, frames: int) -> dict[str, float]:
    materials = moving_square(frames), [[pivot(reference, frames)] for reference in range(count)]
    began, process = time.thread_time(), time.process_time()
    spent = track(network, *materials, time.thread_time)
    thread, process = time.thread_time() - began, time.process_time() - process
    rest = thread - sum(spent.values())
    times = {part: spent[part] for part in PARTS} | {
        "the rest": rest,
        "other threads": process - thread,
        "all": process,
    }
    return {part: 1000 * seconds / frames for part, seconds in times.items()}


def operations(network: Network, count: int, frames: int) -> dict[str, float]:
    materials = moving_square(frames), [[pivot(reference, frames)] for reference in range(count)]
    with FlopCounterMode(display=False) as counter:
        spent = track(network, *materials, counter.get_total_flops)
    return {part: spent[part] / frames / 1e9 for part in PARTS} | {
        "all": counter.get_total_flops() / frames / 1e9
    }


def track(
    network: Network,
    pictures: NDArray[np.uint8],
    objects: list[list[Pivot]],
    clock: Callable[[], float],
) -> dict[str, float]:
    """What each of `PARTS` took of what `clock` says."""
    spent: dict[str, float] = defaultdict(float)
    for part in PARTS:
        setattr(network, part, clocked(getattr(Network, part).__get__(network), spent, part, clock))
    Sam2Tracker(network, Sam2Settings()).track(ArrayClip(pictures), objects, no_hook)
    return spent


def clocked(
    method: Callable[..., Any], spent: dict[str, float], part: str, clock: Callable[[], float]
) -> Callable[..., Any]:
    """`method`, whose own share of `clock` without that of other parts inside it goes to `spent`."""

    def call(*arguments: Any, **options: Any) -> Any:
        inside, began = sum(spent.values()), clock()
        try:
            return method(*arguments, **options)
        finally:
            spent[part] += clock() - began - (sum(spent.values()) - inside)

    return call


if __name__ == "__main__":
    main()
