"""Peak memory of the SAM 2 tracker against the length of the clip and the number of objects.

Every case runs in a process of its own, whose peak resident memory the kernel keeps. Frames are made up
as they are asked for and masks are written out as they come, so nothing but the tracker can grow; the
column "runs" is what keeping the masks as run lengths would cost (random masks: a lot). On the CPU a
small model is used: what is kept per frame does not depend on the model's depth.

    python bench/sam2_memory.py                                     # CPU, small model
    python bench/sam2_memory.py --device cuda --size large --image-size 1024
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import torch
from transformers import Sam2HieraDetConfig, Sam2VideoConfig, Sam2VideoModel, Sam2VisionConfig

from refervid.core.track import encode_mask
from refervid.core.types import Frame, Pivot
from refervid.engines.sam2 import Sam2Settings, Sam2Tracker
from refervid.engines.sam2.network import Network
from refervid.engines.sam2.official import SIZES, configuration
from refervid.engines.sam2.results import masks_of
from refervid.media.clip import Clip

HEIGHT, WIDTH = 96, 160
TOLERANCE = 0.05
"""Growth from the shortest to the longest clip that still counts as flat."""


class MadeUpClip(Clip):
    """A wandering square; no frame is kept."""

    def __init__(self, count: int) -> None:
        self.source, self.name = Path("made-up"), "made-up"
        self.height, self.width = HEIGHT, WIDTH
        self.times_s = np.arange(count) / 25
        self.notes = []

    def frame(self, index: int) -> Frame:
        frame = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
        left = index % (WIDTH - 40)
        frame[30:60, left : left + 40] = (240, 200, 40)
        return frame


def main() -> None:
    options = parse()
    if options.case:
        print(json.dumps(run(options, *options.case)))
        return
    rows = [
        json.loads(subprocess.check_output([sys.executable, *sys.argv, "--case", str(frames), str(objects)]))
        for objects in options.objects
        for frames in options.frames
    ]
    report = {
        "device": options.device,
        "size": options.size,
        "image_size": options.image_size,
        "dtype": options.dtype,
        "feature_cache_mb": options.feature_cache_mb,
        "rows": rows,
        "growth": {str(objects): growth(rows, objects) for objects in options.objects},
    }
    show(report)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(report, indent=1) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", choices=["toy", *SIZES], default="toy")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--frames", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 8])
    # So small that the shortest clip fills it too: what it holds is a setting and not what is measured.
    parser.add_argument("--feature-cache-mb", type=int, default=1)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--case", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.output is None:
        kind = options.device.split(":")[0]
        options.output = Path(__file__).parent / "results" / f"sam2_memory_{kind}.json"
    return options


def run(options: argparse.Namespace, frames: int, objects: int) -> dict[str, Any]:
    """One case: pivots spread over the clip, both passes, results written out as they come."""
    torch.set_num_threads(1)
    device = torch.device(options.device)
    network = Network(model(options), device, getattr(torch, options.dtype))
    tracker = Sam2Tracker(network, Sam2Settings(feature_cache_mb=options.feature_cache_mb))
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[30:60, 10:50] = True
    pivots = [[Pivot(frames * (row + 1) // (objects + 1), mask=mask)] for row in range(objects)]
    started = time.perf_counter()
    written = answered = 0
    with TemporaryFile() as file:
        for result in tracker.propagation(MadeUpClip(frames), pivots).run():
            for own in masks_of(result.decoded, HEIGHT, WIDTH):
                written += file.write(encode_mask(own))
                answered += 1
    assert answered == objects * frames
    peak_device = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else None
    return {
        "frames": frames,
        "objects": objects,
        "peak_resident_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "peak_device_mib": peak_device,
        "run_lengths_mib": written / 2**20,
        "seconds": time.perf_counter() - started,
    }


def model(options: argparse.Namespace) -> Sam2VideoModel:
    torch.manual_seed(0)
    if options.size != "toy":
        return Sam2VideoModel(configuration(SIZES[options.size], image_size=options.image_size)).eval()
    side, grid, channels = options.image_size, options.image_size // 16, 64
    backbone = Sam2HieraDetConfig(
        hidden_size=16,
        image_size=[side, side],
        embed_dim_per_stage=[16, 32, 64, 128],
        num_attention_heads_per_stage=[1, 2, 4, 8],
        blocks_per_stage=[1, 1, 2, 1],
        window_size_per_stage=[4, 4, 4, 2],
        global_attention_blocks=[3],
    )
    vision = Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[128, 64, 32, 16],
        backbone_feature_sizes=[[4 * grid, 4 * grid], [2 * grid, 2 * grid], [grid, grid]],
        fpn_hidden_size=channels,
    )
    config = Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"image_size": side, "hidden_size": channels},
        mask_decoder_config={"hidden_size": channels, "mlp_dim": 64, "iou_head_hidden_dim": channels},
        image_size=side,
        memory_attention_hidden_size=channels,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=64,
        memory_attention_rope_feat_sizes=[grid, grid],
        memory_encoder_hidden_size=channels,
        mask_downsampler_embed_dim=channels,
        memory_fuser_embed_dim=channels,
        memory_fuser_intermediate_dim=64,
    )
    return Sam2VideoModel(config).eval()


def growth(rows: list[dict[str, Any]], objects: int) -> dict[str, float | None]:
    """Peak at the longest clip over peak at the shortest."""
    own = sorted((row for row in rows if row["objects"] == objects), key=lambda row: row["frames"])

    def ratio(key: str) -> float | None:
        return None if own[0][key] is None else own[-1][key] / own[0][key]

    return {"resident": ratio("peak_resident_mib"), "device": ratio("peak_device_mib")}


def show(report: dict[str, Any]) -> None:
    print(f"{'objects':>8}{'frames':>8}{'resident MiB':>14}{'device MiB':>12}{'runs MiB':>10}{'s':>8}")
    for row in report["rows"]:
        device = "-" if row["peak_device_mib"] is None else f"{row['peak_device_mib']:.1f}"
        print(
            f"{row['objects']:>8}{row['frames']:>8}{row['peak_resident_mib']:>14.1f}{device:>12}"
            f"{row['run_lengths_mib']:>10.2f}{row['seconds']:>8.1f}"
        )
    for objects, ratios in report["growth"].items():
        for kind, ratio in ratios.items():
            if ratio is not None:
                verdict = "flat" if ratio <= 1 + TOLERANCE else "NOT FLAT"
                print(f"{objects} object(s), {kind}: {100 * (ratio - 1):+.1f} % -> {verdict}")


if __name__ == "__main__":
    main()
