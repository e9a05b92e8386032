"""How fast SOC is: beside the plain formulation, with several sentences, and in training.

    python bench/soc.py                                  # CPU: ours against the reference formulation
    python bench/soc.py --device cuda --sizes video-swin-t video-swin-b

Weights are random: they do not change the work. Ours and the reference run in turns and the best time of
each counts, so that other load on the machine falls on both. With `--cpu-time` (one thread) the
processor's own clock is read, for machines that are busy. On a GPU frames per second, memory and training
steps per second are measured in float32 and bfloat16; published: 53.8 frames a second.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from gpu_clock import tera_operations
from refervid.models.soc import SOC, Criterion, SocConfig, Targets, Tokens
from soc_reference import reference_forward

SENTENCE = [0, 101, 102, 103, 104, 105, 106, 107, 2]
SENTENCES = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--sizes", nargs="+", default=["video-swin-t"])
    parser.add_argument("--frames", type=int, nargs="+", default=[8])
    parser.add_argument("--height", type=int, default=360)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--cpu-time", action="store_true")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    rows = [
        row
        for size in options.sizes
        for frames in options.frames
        for row in (on_gpu if options.device.startswith("cuda") else on_cpu)(size, frames, options)
    ]
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items()))
    device = torch.cuda.get_device_name() if options.device.startswith("cuda") else platform.processor()
    report = {
        "device": device or platform.machine(),
        "threads": options.threads,
        "clock": "cpu" if options.cpu_time else "wall",
        "torch": torch.__version__,
        "frame": [options.height, options.width],
        "rows": rows,
    }
    options.output.mkdir(parents=True, exist_ok=True)
    name = f"soc_{options.device.split(':')[0]}.json"
    (options.output / name).write_text(json.dumps(report, indent=2) + "\n")


def on_cpu(size: str, frames: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Ours against the reference, one sentence and eight."""
    model = build(size, options.device)
    clip, tokens = inputs(1, frames, options)
    together = Tokens(tokens.ids.repeat(SENTENCES, 1), tokens.keep.repeat(SENTENCES, 1))
    rows = torch.zeros(SENTENCES, dtype=torch.long)
    with torch.no_grad():
        ours, theirs = model(clip, tokens).main.masks, reference_forward(model, clip, tokens).masks
        difference = float((ours - theirs).abs().max() / theirs.abs().max())
        seconds = in_turns(
            {
                "ours": lambda: model(clip, tokens),
                "reference": lambda: reference_forward(model, clip, tokens),
                "eight": lambda: model(clip, together, rows=rows),
            },
            options,
        )
        counted = {
            "clip": tera_operations(lambda: model.encode_clips(clip)),
            "one": tera_operations(lambda: model(clip, tokens)),
            "eight": tera_operations(lambda: model(clip, together, rows=rows)),
        }
    return [
        {
            "size": size,
            "frames": frames,
            "ours_s": round(seconds["ours"], 3),
            "reference_s": round(seconds["reference"], 3),
            "speedup": round(seconds["reference"] / seconds["ours"], 2),
            "eight_sentences_s": round(seconds["eight"], 3),
            "eight_against_eight_reference_runs": round(
                SENTENCES * seconds["reference"] / seconds["eight"], 2
            ),
            "eight_against_eight_own_runs": round(SENTENCES * seconds["ours"] / seconds["eight"], 2),
            "tera_operations": counted,
            "eight_against_eight_own_runs_by_operations": round(
                SENTENCES * counted["one"] / counted["eight"], 2
            ),
            "largest_relative_difference": float(f"{difference:.1e}"),
        }
    ]


def on_gpu(size: str, frames: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Frames per second, memory and training steps per second, in float32 and bfloat16."""
    rows = []
    model = build(size, options.device)
    for dtype in (torch.float32, torch.bfloat16):
        for clips in (1, 4):
            row = {"size": size, "frames": frames, "clips": clips, "dtype": str(dtype).removeprefix("torch.")}
            rows.append(row | inference(model, dtype, clips, frames, options))
        rows[-2].update(training(model, dtype, frames, options))
    return rows


@torch.no_grad()
def inference(
    model: SOC, dtype: torch.dtype, clips: int, frames: int, options: argparse.Namespace
) -> dict[str, float]:
    clip, tokens = inputs(clips, frames, options)
    with precision(dtype):
        torch.cuda.reset_peak_memory_stats()
        ours = best(lambda: model(clip, tokens), options)
        numbers = {
            "frames_per_second": round(clips * frames / ours, 1),
            "memory_gb": round(torch.cuda.max_memory_allocated() / 1e9, 2),
        }
        if clips == 1 and dtype == torch.float32:
            theirs = best(lambda: reference_forward(model, clip, tokens), options)
            numbers["speedup_over_reference"] = round(theirs / ours, 2)
    return numbers


def training(model: SOC, dtype: torch.dtype, frames: int, options: argparse.Namespace) -> dict[str, float]:
    """One clip per step, with and without gradient checkpointing of the backbone."""
    clip, tokens = inputs(1, frames, options)
    height, width = clip.shape[3:]
    targets = Targets(
        masks=torch.rand(1, frames, height, width, device=options.device) > 0.9,
        boxes=torch.full((1, frames, 4), 0.5, device=options.device),
        visible=torch.ones(1, frames, dtype=torch.bool, device=options.device),
        labels=torch.zeros(1, dtype=torch.long, device=options.device),
    )
    optimiser = torch.optim.AdamW(model.train().parameters(), 1e-5)
    criterion = Criterion()

    def step() -> None:
        with precision(dtype):
            output = model(clip, tokens)
        optimiser.zero_grad()
        criterion.total(criterion(output, targets)).backward()
        optimiser.step()

    numbers = {}
    for saving in (False, True):
        model.backbone.gradient_checkpointing = saving
        torch.cuda.reset_peak_memory_stats()
        name = "training_with_checkpointing" if saving else "training"
        numbers[f"{name}_steps_per_second"] = round(1 / best(step, options), 2)
        numbers[f"{name}_memory_gb"] = round(torch.cuda.max_memory_allocated() / 1e9, 2)
    model.eval()
    return numbers


def build(size: str, device: str) -> SOC:
    torch.manual_seed(0)
    config = SocConfig.nano() if size == "nano" else SocConfig.preset(size)
    # The published cluster, which the reference transcribes, has no whereabouts.
    voc = config.voc.model_copy(update={"whereabouts": False}) if config.voc else None
    model = SOC(config.model_copy(update={"voc": voc})).eval()
    for parameter in model.parameters():
        # Heads that start at zero would make all sampling points and boxes alike.
        if parameter.dim() > 1 and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.02)
    return model.to(device)


def inputs(clips: int, frames: int, options: argparse.Namespace) -> tuple[torch.Tensor, Tokens]:
    video = torch.randn(clips, frames, 3, options.height, options.width, device=options.device)
    ids = torch.tensor([SENTENCE] * clips, device=options.device)
    return video, Tokens(ids, torch.ones_like(ids, dtype=torch.bool))


def precision(dtype: torch.dtype) -> AbstractContextManager[object]:
    return nullcontext() if dtype == torch.float32 else torch.autocast("cuda", dtype)


def in_turns(runs: dict[str, Callable[[], object]], options: argparse.Namespace) -> dict[str, float]:
    """Best seconds of each."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.repeats):
        for name, run in runs.items():
            times[name].append(timed(run, options))
    return {name: min(values) for name, values in times.items()}


def best(run: Callable[[], object], options: argparse.Namespace) -> float:
    run()
    return min(timed(run, options) for _ in range(options.repeats))


def timed(run: Callable[[], object], options: argparse.Namespace) -> float:
    clock = time.process_time if options.cpu_time else time.perf_counter
    cuda = options.device.startswith("cuda")
    if cuda:
        torch.cuda.synchronize()
    start = clock()
    run()
    if cuda:
        torch.cuda.synchronize()
    return clock() - start


if __name__ == "__main__":
    main()
