"""Memory of SAM 3's concept tracks against the length of the clip, beside transformers' own session.

A network with made-up weights, small on the CPU and as large as the published one with `--size full`, finds
`--objects` things on the first frame and follows them through frames that are made up as they are asked for.
With `--confirmed` every detection confirms what is tracked: then a frame in 16 conditions all that come, the
most that a session has to remember.

    PYTHONPATH=. python bench/sam3_memory.py --at 20 200 1000 2000
    PYTHONPATH=. python bench/sam3_memory.py --at 20 200 1000 2000 --device cuda --size full
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import Sam3VideoConfig, Sam3VideoModel
from transformers.models.sam3_video.modeling_sam3_video import Sam3VideoInferenceSession

from refervid.engines.sam3.model import Segmenter
from refervid.engines.sam3.session import BoundedSession, pixels_of
from refervid.engines.sam3.writer import TrackWriter
from tests.engines.sam3 import tiny
from tests.engines.sam3.memory import memory_of

HEIGHT, WIDTH = 96, 160
KEPT = 60
"""Frames that transformers' own session is given: it keeps them all."""


def main() -> None:
    options = parse()
    model = make(options)
    rows = []
    for kind, marks in (("transformers", [min(KEPT, *options.at), KEPT]), ("ours", options.at)):
        for row in measured(model, kind, sorted(set(marks))):
            print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)
            rows.append(row)
    result = {name: getattr(options, name) for name in ("device", "size", "confirmed")}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({**result, "rows": rows}, indent=1) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", choices=("small", "full"), default="small")
    parser.add_argument("--at", type=int, nargs="+", default=[20, 60], help="Frames after which to look.")
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--confirmed", action="store_true")
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
    if options.confirmed:
        loose |= {"high_conf_thresh": 0.0, "high_iou_thresh": 0.0, "assoc_iou_thresh": 0.05}
    config = Sam3VideoConfig(**loose) if options.size == "full" else small(loose)
    model = Segmenter(config)
    with torch.no_grad():
        model.tracker_model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(10.0)
    dtype = torch.float32 if options.device == "cpu" else torch.bfloat16
    return model.to(options.device, dtype).eval()


def small(loose: dict[str, Any]) -> Sam3VideoConfig:
    """The tests' network, with as many things to detect on a frame as may be followed. Fewer layers hold as
    much, and take less time."""
    config = tiny.video_config(**loose)
    config.detector_config.detr_decoder_config.num_queries = 32
    tracker = config.tracker_config
    tracker.memory_attention_num_layers = tracker.memory_fuser_num_layers = 1
    tracker.mask_decoder_config.num_hidden_layers = 1
    return config


@torch.inference_mode()
def measured(model: Sam3VideoModel, kind: str, marks: Sequence[int]) -> Iterator[dict[str, Any]]:
    """One session, looked at when it has seen so many frames."""
    frames = marks[-1]
    session = opened(model, kind, frames)
    writer = TrackWriter(frames, HEIGHT, WIDTH, model.hotstart_delay)
    start, before = time.process_time(), 0
    for index in range(frames):
        pixels = pixels_of(picture(index), model.config.image_size)
        session.give(index, pixels) if kind == "ours" else session.add_new_frame(pixels, index)
        writer.add(model(session, frame_idx=index), session.obj_id_to_prompt_id)
        if kind == "ours":
            session.forget(index)
        if index + 1 in marks:
            spent, start = time.process_time() - start, time.process_time()
            row: dict[str, Any] = {
                "session": kind,
                "frames": index + 1,
                "objects": len(session.obj_ids),
                "held MB": round(memory_of(session) / 1e6, 2),
                "resident MB": round(resident() / 1e6),
                "processor ms a frame since the last row": round(1000 * spent / (index + 1 - before)),
            }
            if model.device.type == "cuda":
                row["peak GPU MB"] = round(torch.cuda.max_memory_allocated() / 1e6, 1)
            yield row
            before = index + 1


def opened(model: Sam3VideoModel, kind: str, frames: int) -> Any:
    if kind == "ours":
        session: Any = BoundedSession(model, frames, HEIGHT, WIDTH)
    else:
        where = dict.fromkeys(
            ("inference_device", "inference_state_device", "video_storage_device"), model.device
        )
        session = Sam3VideoInferenceSession(None, HEIGHT, WIDTH, dtype=model.dtype, **where)
    number = session.add_prompt("thing")
    session.prompt_input_ids[number] = torch.full((1, 32), 7, device=model.device)
    session.prompt_attention_masks[number] = torch.ones(1, 32, dtype=torch.long, device=model.device)
    return session


def resident() -> int:
    """Bytes of this process in memory, now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def picture(index: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    frame = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    left = index % (WIDTH - 40)
    frame[30:60, left : left + 40] = (240, 200, 40)
    return frame


if __name__ == "__main__":
    main()
