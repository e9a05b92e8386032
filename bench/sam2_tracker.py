"""SAM 2 for many references on one clip: this tracker beside transformers' own iterator.

The other side works as the published flow does: per reference a fresh session, the mask prompt, forward,
then backward. Its frames are prepared outside the clock. Weights are random and the same; speed does not
depend on them.

    python bench/sam2_tracker.py                                    # CPU, Hiera-S at 256 px, float32
    python bench/sam2_tracker.py --device cuda --size large         # GPU, 1024 px, bfloat16
"""

from __future__ import annotations

import argparse
import copy
import json
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from transformers import Sam2VideoInferenceSession, Sam2VideoModel

from refervid.core.types import Pivot, no_hook
from refervid.engines.sam2 import Sam2Settings, Sam2Tracker
from refervid.engines.sam2.network import Network
from refervid.engines.sam2.official import SIZES, configuration
from refervid.engines.sam2.pixels import at_video_size, prompt_masks, video_pixels
from refervid.media.array import ArrayClip
from refervid.models.normalisation import IMAGENET_MEAN, IMAGENET_STD

HEIGHT, WIDTH = 480, 854


@dataclass
class Row:
    """One side of one comparison; `encoded` counts pictures through the image encoder."""

    references: int
    side: str
    wall_s: float
    cpu_s: float
    encoded: int
    frames_per_s: float
    peak_device_mib: float | None


def main() -> None:
    options = parse()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    dtype = getattr(torch, options.dtype or ("bfloat16" if device.type == "cuda" else "float32"))
    image_size = options.image_size or (1024 if device.type == "cuda" else 256)
    model = random_model(options.size, image_size)
    theirs = copy.deepcopy(model).to(device, dtype)
    settings = Sam2Settings(encode_batch=options.encode_batch, compile_encoder=options.compile)
    ours = Sam2Tracker(Network(model, device, dtype, compile_encoder=options.compile), settings)
    encoders = {
        "refervid": ours._network._model.vision_encoder.backbone.patch_embed,
        "transformers": theirs.vision_encoder.backbone.patch_embed,
    }
    pictures = moving_square(options.frames)
    objects = [[pivot(reference, options.frames)] for reference in range(max(options.references))]
    pixels = prepared(pictures, image_size).to(device, dtype)
    sides: dict[str, Callable[[int], object]] = {
        "refervid": lambda count: ours.track(ArrayClip(pictures), objects[:count], no_hook),
        "transformers": lambda count: [iterate(theirs, pixels, pivots) for pivots in objects[:count]],
    }
    for side in sides.values():
        side(1)
    rows = [
        best(
            measure(name, side, encoders[name], count, options.frames, device) for _ in range(options.repeats)
        )
        for count in options.references
        for name, side in sides.items()
    ]
    report = {
        "machine": f"{platform.machine()}, {options.threads} threads"
        if device.type == "cpu"
        else torch.cuda.get_device_name(device),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "size": options.size,
        "image_size": image_size,
        "dtype": str(dtype).removeprefix("torch."),
        "frames": options.frames,
        "video": [HEIGHT, WIDTH],
        "rows": [asdict(row) for row in rows],
        "ratios": ratios(rows),
    }
    show(report, rows)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(report, indent=1) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--references", type=int, nargs="+", default=[1, 4, 8, 16])
    parser.add_argument("--repeats", type=int, default=1, help="the quickest counts")
    parser.add_argument("--encode-batch", type=int, default=4)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if options.output is None:
        name = f"sam2_tracker_{options.device.split(':')[0]}_{options.size}.json"
        options.output = Path(__file__).parent / "results" / name
    return options


def random_model(size: str, image_size: int) -> Sam2VideoModel:
    torch.manual_seed(0)
    model = Sam2VideoModel(configuration(SIZES[size], image_size=image_size)).eval()
    with torch.no_grad():
        model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(10.0)
    return model


def moving_square(count: int) -> NDArray[np.uint8]:
    pictures = np.random.default_rng(0).integers(0, 120, (count, HEIGHT, WIDTH, 3), np.uint8)
    for index in range(count):
        pictures[index, 100:250, 50 + 5 * index : 200 + 5 * index] = (240, 200, 40)
    return pictures


def pivot(reference: int, frames: int) -> Pivot:
    """References start on different frames, as those of a real clip do."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[20 * reference : 20 * reference + 120, 40 * reference : 40 * reference + 150] = True
    return Pivot((frames // 2 + 3 * reference) % frames, mask=mask)


def prepared(pictures: NDArray[np.uint8], image_size: int) -> torch.Tensor:
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return torch.stack([(video_pixels(frame, image_size).float() / 255 - mean) / std for frame in pictures])


def session_on(pixels: torch.Tensor, kind: type[Any] = Sam2VideoInferenceSession) -> Any:
    """transformers' session of `kind` with a whole clip on the pixels' device."""
    return kind(
        video=pixels,
        video_height=HEIGHT,
        video_width=WIDTH,
        inference_device=pixels.device,
        inference_state_device=pixels.device,
        video_storage_device=pixels.device,
        dtype=pixels.dtype,
    )


def iterate(model: Any, pixels: torch.Tensor, pivots: list[Pivot]) -> list[NDArray[np.bool_]]:
    """One reference through transformers' session; masks at video size, as the tracker gives them."""
    (own,) = pivots
    session = session_on(pixels)
    session.obj_id_to_idx(1)
    mask = prompt_masks(torch.from_numpy(own.mask)[None], model.config.image_size)[None]
    session.add_mask_inputs(0, own.frame_index, mask)
    session.obj_with_new_inputs = [1]
    model(session, frame_idx=own.frame_index)
    masks = {}
    for reverse in (False, True):
        for output in model.propagate_in_video_iterator(
            session, start_frame_idx=own.frame_index, reverse=reverse
        ):
            full = at_video_size(output.pred_masks[:, 0], HEIGHT, WIDTH)
            masks[output.frame_idx] = (full > 0)[0].cpu().numpy()
    return [masks[index] for index in sorted(masks)]


def measure(
    name: str, side: Callable[[int], object], encoder: Any, count: int, frames: int, device: torch.device
) -> Row:
    with counted(encoder) as encoded:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
            torch.cuda.reset_peak_memory_stats(device)
        wall, cpu = time.perf_counter(), time.process_time()
        side(count)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else None
    return Row(count, name, wall, cpu, sum(encoded), count * frames / wall, peak)


def best(rows: Iterable[Row]) -> Row:
    """Other work on the machine only ever adds time."""
    rows = list(rows)
    quickest = min(rows, key=lambda row: row.wall_s)
    return replace(quickest, cpu_s=min(row.cpu_s for row in rows))


@contextmanager
def counted(encoder: Any) -> Iterator[list[int]]:
    """Collects how many pictures go into an image encoder."""
    batches: list[int] = []
    hook = encoder.register_forward_pre_hook(lambda _, inputs: batches.append(len(inputs[0])))
    try:
        yield batches
    finally:
        hook.remove()


def ratios(rows: list[Row]) -> list[dict[str, float]]:
    """How many times as much transformers' iterator takes."""
    ours = {row.references: row for row in rows if row.side == "refervid"}
    theirs = {row.references: row for row in rows if row.side == "transformers"}
    return [
        {
            "references": count,
            "wall": theirs[count].wall_s / ours[count].wall_s,
            "cpu": theirs[count].cpu_s / ours[count].cpu_s,
            "encoded": theirs[count].encoded / ours[count].encoded,
        }
        for count in ours
    ]


def show(report: dict[str, Any], rows: list[Row]) -> None:
    print(", ".join(f"{key} {report[key]}" for key in ("machine", "size", "image_size", "dtype", "frames")))
    print(f"{'refs':>4} {'side':<13}{'wall s':>8}{'cpu s':>8}{'encoded':>9}{'masks/s':>9}{'peak MiB':>10}")
    for row in rows:
        peak = "-" if row.peak_device_mib is None else f"{row.peak_device_mib:.0f}"
        print(
            f"{row.references:>4} {row.side:<13}{row.wall_s:>8.2f}{row.cpu_s:>8.2f}{row.encoded:>9}"
            f"{row.frames_per_s:>9.1f}{peak:>10}"
        )
    for ratio in report["ratios"]:
        print(
            f"{ratio['references']:>4} references: {ratio['wall']:.2f} times as fast by the clock, "
            f"{ratio['cpu']:.2f} by processor time, {ratio['encoded']:.1f} times fewer encoded pictures"
        )


if __name__ == "__main__":
    main()
