"""SAM 2.1 and EdgeTAM: many objects on one clip, beside transformers' own session with the same weights.

The other side gets all objects in one session, so that it too encodes every frame once, and its frames are
prepared outside the clock. Objects are prompted on the first frame with masks; both give masks at the clip's
size, ours also packed as tracks.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor
from transformers import (
    EdgeTamVideoConfig,
    EdgeTamVideoInferenceSession,
    EdgeTamVideoModel,
    EdgeTamVisionConfig,
    Sam2VideoInferenceSession,
    Sam2VideoModel,
)

from gpu_clock import Bench, Row, difference, name_of, tera_operations
from refervid.core.types import Pivot, no_hook
from refervid.engines.sam2 import Sam2Settings, Sam2Tracker
from refervid.engines.sam2.network import Network
from refervid.engines.sam2.official import SIZES, configuration
from refervid.engines.sam2.pixels import at_video_size, prompt_masks
from refervid.media.array import ArrayClip
from sam2_tracker import HEIGHT, WIDTH, moving_square, prepared, session_on
from tests.engines.sam2 import tiny

FRAMES = 12
OBJECTS = (1, 8, 32)
SIZES_IN_ORDER = ("tiny", "large", "edgetam", "small", "base_plus")
TOYS = ("toy sam2", "toy edgetam")


def against_transformers(bench: Bench, sizes: Sequence[str]) -> Iterator[Row]:
    for size in sizes:
        for count in OBJECTS:
            label = f"{size}, {_side(bench)} px, bfloat16, {count} objects"
            yield label, lambda size=size, count=count: _compare(bench, size, count)


def both_precisions(bench: Bench, sizes: Sequence[str]) -> Iterator[Row]:
    for size in sizes:
        yield f"{size}, {_side(bench)} px, both precisions", lambda size=size: _both(bench, size)


def _side(bench: Bench) -> int:
    return 64 if bench.toy else 1024


def _compare(bench: Bench, size: str, count: int) -> dict[str, Any]:
    ours, theirs = _pair(bench, size)
    pictures = moving_square(FRAMES)
    masks = _masks(count)
    pixels = prepared(pictures, _side(bench)).to(bench.device, torch.bfloat16)
    pivots = [[Pivot(0, mask=mask)] for mask in masks]
    tracker = Sam2Tracker(ours, Sam2Settings())

    def run() -> object:
        return tracker.track(ArrayClip(pictures), pivots, no_hook)

    numbers = bench.paired({"refervid": run, "transformers": lambda: _session(theirs, pixels, masks)})
    masks_per_s = round(FRAMES * count / numbers["refervid"]["s"], 1)
    return {"frames": FRAMES, "masks_per_s": masks_per_s, **numbers, "tera_operations": tera_operations(run)}


@lru_cache(maxsize=1)
def _pair(bench: Bench, size: str) -> tuple[Network, Any]:
    """The same weights in our network and in transformers' model; kept from one row to the next."""
    model = _model(bench, size)
    theirs = copy.deepcopy(model).to(torch.bfloat16)
    return Network(model, bench.device, torch.bfloat16), theirs


def _model(bench: Bench, size: str) -> Any:
    """Random weights, objects that are always there."""
    torch.manual_seed(0)
    if bench.toy:
        return tiny.MODELS[size.removeprefix("toy ")]().to(bench.device)
    with bench.device:
        model = _edgetam() if size == "edgetam" else Sam2VideoModel(configuration(SIZES[size]))
    with torch.no_grad():
        model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(10.0)
    return model.eval()


def _edgetam() -> EdgeTamVideoModel:
    """yonigozlan/EdgeTAM-hf; the image encoder needs timm and torchvision."""
    arguments = {"in_chans": 3, "features_only": True, "out_indices": [0, 1, 2, 3]}
    backbone = {"model_type": "timm_wrapper", "architecture": "repvit_m1", "model_args": arguments}
    # Where a type is checked, transformers 5.17 prints the value, and prints it beside a default one, whose
    # image encoder's settings it would fetch.
    with mock.patch.object(EdgeTamVisionConfig, "__repr__", object.__repr__):
        vision = EdgeTamVisionConfig(backbone_config=backbone)
        return EdgeTamVideoModel(EdgeTamVideoConfig(vision_config=vision))


def _masks(count: int) -> list[np.ndarray[Any, np.dtype[np.bool_]]]:
    masks = np.zeros((count, HEIGHT, WIDTH), bool)
    for index, mask in enumerate(masks):
        top, left = 10 + 22 * (index % 16), 20 + 45 * (index // 2 % 16)
        mask[top : top + 110, left : left + 140] = True
    return list(masks)


def _session(model: Any, pixels: Tensor, masks: list[Any]) -> list[Any]:
    """All objects through one session, one pass from the first frame; bool masks (objects, H, W) a frame."""
    edgetam = isinstance(model, EdgeTamVideoModel)
    session = session_on(pixels, EdgeTamVideoInferenceSession if edgetam else Sam2VideoInferenceSession)
    for number, mask in enumerate(masks):
        session.obj_id_to_idx(number)
        prompt = prompt_masks(torch.from_numpy(mask)[None], model.config.image_size)[None]
        session.add_mask_inputs(number, 0, prompt)
    session.obj_with_new_inputs = list(range(len(masks)))
    with torch.inference_mode():
        model(session, frame_idx=0)
        outputs = model.propagate_in_video_iterator(session, start_frame_idx=0)
        return [(at_video_size(out.pred_masks[:, 0], HEIGHT, WIDTH) > 0).cpu().numpy() for out in outputs]


def _both(bench: Bench, size: str) -> dict[str, Any]:
    """One object over a few frames in float32 and in bfloat16: time, memory, and how far apart they are."""
    pictures, pivots = moving_square(6), [[Pivot(0, mask=_masks(1)[0])]]
    found: dict[str, Any] = {}
    logits = []
    for dtype in (torch.float32, torch.bfloat16):
        _pair.cache_clear()
        tracker = Sam2Tracker(Network(_model(bench, size), bench.device, dtype), Sam2Settings())

        def run(tracker: Sam2Tracker = tracker) -> list[Tensor]:
            results = tracker.propagation(ArrayClip(pictures), pivots).run()
            return [result.decoded.logits for result in results]

        found[name_of(dtype)] = bench.alone(run)
        # The first frame holds the prompt itself.
        logits.append(torch.stack(run()[1:]))
    full, half = logits
    pixels = float(((full > 0) != (half > 0)).float().mean())
    return {**found, "largest_relative_difference": difference(half, full), "pixels_that_differ": pixels}
