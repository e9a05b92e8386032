"""The numbers that the official `sam2` package gave, and the model that gave them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import Sam2VideoModel

from refervid.core.types import Pivot
from refervid.engines.sam2.network import Network
from refervid.engines.sam2.official import configuration_of, to_transformers
from refervid.media.array import ArrayClip
from tests.parity.fill import fill

HERE = Path(__file__).parent
CASES: dict[str, Any] = json.loads((HERE / "cases.json").read_text())
INPUTS = np.load(HERE / "inputs.npz")
IMAGE = np.load(HERE / "image.npz")
SIZE: int = CASES["image_size"]


def unpack(packed: NDArray[np.uint8], width: int = 160) -> NDArray[np.bool_]:
    return np.unpackbits(packed, axis=-1)[..., :width].astype(bool)


FRAMES: NDArray[np.uint8] = INPUTS["frames"]
MASKS = unpack(INPUTS["masks"])
THIN = unpack(INPUTS["thin"])


def clip() -> ArrayClip:
    return ArrayClip(FRAMES)


def official_state(version: str, case: str = "first") -> dict[str, torch.Tensor]:
    """The official state dict that a case was run with."""
    overrides = [*CASES["fill_overrides"]]
    if case == "absent":
        overrides += CASES["absent_override"]
    if case == "rule_only":
        overrides = CASES["rule_only_overrides"]
    state = {}
    for name, _, shape in json.loads((HERE / "keys_sam2.1.json").read_text()):
        if version == "sam2" and re.match(r"no_obj_embed_spatial|obj_ptr_tpos_proj\.", name):
            continue
        values = fill(name, tuple(shape))
        for pattern, operation, value in overrides:
            if re.fullmatch(pattern, name):
                values = {"set": values * 0 + value, "mul": values * value, "add": values + value}[operation]
        state[name] = torch.from_numpy(np.asarray(values, np.float32))
    return state


@cache
def network(version: str, weights: str = "first") -> Network:
    """The model of a case, as the tracker runs it."""
    state = official_state(version, weights)
    model = Sam2VideoModel(configuration_of(state, SIZE))
    model.load_state_dict(to_transformers(state))
    return Network(model, torch.device("cpu"), torch.float32)


def weights_of(case: str) -> str:
    """Cases with the same weights share a network."""
    return case if case in ("absent", "rule_only") else "first"


def objects(version: str, case: str) -> list[list[Pivot]]:
    """The prompts of a case, one list per object."""
    pivots: dict[int, list[Pivot]] = {}
    for prompt in CASES["cases"][f"{version}/{case}"]["prompts"]:
        frame, number = prompt["frame"], prompt["object"]
        mask = MASKS[frame, number - 1]
        if case == "thin":
            mask = THIN[4, 1]
        if case == "empty_prompt":
            mask = np.zeros_like(mask)
        assert mask.sum() == prompt["mask_pixels"]
        pivots.setdefault(number, []).append(Pivot(frame, mask=mask))
    return [pivots[number] for number in sorted(pivots)]


@cache
def published(version: str) -> Any:
    return np.load(HERE / f"video_{version}.npz")


def rows_of(case: str) -> slice:
    """`two_objects` holds only the second object: its first equals `middle`."""
    return slice(1, None) if case == "two_objects" else slice(None)


def all_cases() -> Iterator[tuple[str, str]]:
    return ((name.split("/")[0], name.split("/")[1]) for name in CASES["cases"])
