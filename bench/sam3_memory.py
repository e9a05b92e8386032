"""Memory of SAM 3's concept tracks against the length of the clip, beside transformers' own session.

A network with made-up weights, small on the CPU and as large as the published one with `--size full`, finds
`--objects` things on the first frame and follows them through frames that are made up as they are asked for.

    PYTHONPATH=. python bench/sam3_memory.py --frames 20 60
    PYTHONPATH=. python bench/sam3_memory.py --device cuda --frames 200 2000 --objects 20
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import Sam3VideoConfig, Sam3VideoModel
from transformers.models.sam3_video.modeling_sam3_video import Sam3VideoInferenceSession

from refervid.engines.sam3.model import Segmenter
from refervid.engines.sam3.session import BoundedSession, memory_of, pixels_of
from tests.engines.sam3 import tiny

HEIGHT, WIDTH = 96, 160
KEPT = 60
"""Frames that transformers' own session is given: it keeps them all."""


def main() -> None:
    options = parse()
    model = make(options)
    rows = []
    theirs = ("transformers", min(KEPT, *options.frames))
    for kind, frames in (theirs, *(("ours", frames) for frames in options.frames)):
        rows.append(measure(model, kind, frames, options))
        print("  ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(
        json.dumps({"device": options.device, "size": options.size, "rows": rows}, indent=1)
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", choices=("small", "full"), default="small")
    parser.add_argument("--frames", type=int, nargs="+", default=[20, 60])
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("bench/results/sam3_memory.json"))
    return parser.parse_args()


def make(options: argparse.Namespace) -> Sam3VideoModel:
    torch.manual_seed(0)
    # Whatever is detected on the first frame is followed; nothing is ever removed.
    loose = {
        "score_threshold_detection": 0.0,
        "new_det_thresh": 0.0,
        "det_nms_thresh": 0.0,
        "hotstart_delay": 0,
        "max_num_objects": options.objects,
    }
    config = Sam3VideoConfig(**loose) if options.size == "full" else small(loose)
    model = Segmenter(config)
    with torch.no_grad():
        model.tracker_model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(10.0)
    dtype = torch.float32 if options.device == "cpu" else torch.bfloat16
    return model.to(options.device, dtype).eval()


def small(loose: dict[str, Any]) -> Sam3VideoConfig:
    """The tests' network, with as many things to detect on a frame as may be followed."""
    config = tiny.video_config(**loose)
    config.detector_config.detr_decoder_config.num_queries = 32
    return config


@torch.inference_mode()
def measure(model: Sam3VideoModel, kind: str, frames: int, options: argparse.Namespace) -> dict[str, Any]:
    if kind == "ours":
        session: Any = BoundedSession(model, frames, HEIGHT, WIDTH)
    else:
        session = Sam3VideoInferenceSession(
            None,
            HEIGHT,
            WIDTH,
            inference_device=model.device,
            inference_state_device=model.device,
            video_storage_device=model.device,
            dtype=model.dtype,
        )
    number = session.add_prompt("thing")
    session.prompt_input_ids[number] = torch.full((1, 32), 7, device=model.device)
    session.prompt_attention_masks[number] = torch.ones(1, 32, dtype=torch.long, device=model.device)
    if model.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    start, held = time.perf_counter(), []
    for index in range(frames):
        pixels = pixels_of(picture(index), model.config.image_size)
        if kind == "ours":
            session.give(index, pixels)
        else:
            session.add_new_frame(pixels, index)
        model(session, frame_idx=index)
        if kind == "ours":
            session.forget(index)
        held.append(memory_of(session))
    row = {
        "session": kind,
        "frames": frames,
        "objects": len(session.obj_ids),
        "held MB at a tenth": round(held[frames // 10] / 1e6, 2),
        "held MB at the end": round(held[-1] / 1e6, 2),
        "frames per s": round(frames / (time.perf_counter() - start), 2),
        "peak resident MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    if model.device.type == "cuda":
        row["peak GPU MB"] = round(torch.cuda.max_memory_allocated() / 1e6, 1)
    return row


def picture(index: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    frame = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    left = index % (WIDTH - 40)
    frame[30:60, left : left + 40] = (240, 200, 40)
    return frame


if __name__ == "__main__":
    main()
