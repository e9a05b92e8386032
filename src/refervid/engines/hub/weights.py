"""Finding and loading checkpoints that are on this machine; nothing here downloads."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from refervid.config.environment import Environment
from refervid.core.errors import BadCheckpoint, MissingWeights
from refervid.core.files import read_json
from refervid.engines.hub.checkpoints import CHECKPOINTS, file_patterns, only_by_hand, pinned_revision

_AS_SOC: dict[str, tuple[str, ...]] = {
    "FacebookAI/roberta-base": ("pretrained_roberta",),
    **{
        name: (f"pretrained_swin_transformer/{name}",)
        for name in (
            "swin_tiny_patch244_window877_kinetics400_1k.pth",
            "swin_base_patch244_window877_kinetics400_22k.pth",
        )
    },
}
"""Where else checkpoints lie in a folder: as SOC's page lays them out under `pretrained`."""
HARMLESS = ("position_ids", "token_type_ids", "special_tokens")
"""Ends of keys that hold nothing learned: counting numbers, zeros, and lists of tokens."""
_DEEPEST = 1000
"""Layers of a kind: ten times what any network here has."""
_ENDINGS = (".safetensors", ".pth", ".pt", ".tar", ".bin", ".ckpt")
"""Of files; what a hub id does not end with."""


def find_weights(weights: str, revision: str | None = None) -> Path:
    """The file or folder behind `weights`: a path, or a hub id or published file that was downloaded before.

    The folder named by REFERVID_WEIGHTS is searched first, then the one where `refervid models pull` puts
    single files, for a name like the last part of the id, or as SOC's page names it. Of a hub id without
    `revision`, the pinned one is taken. Raises `MissingWeights`.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    environment = Environment()
    folders = [folder for folder in (environment.weights, environment.cache / "weights") if folder]
    names = [Path(weights).name, *_AS_SOC.get(weights, ())]
    own = Path(os.path.expanduser(weights))  # as it is for a user whom nobody knows
    for path in (own, *(folder / name for folder in folders for name in names)):
        if path.exists():
            return path
    if weights not in CHECKPOINTS and not _is_hub_id(weights):
        raise MissingWeights(f"no checkpoint at {weights}: {_how_to_get(weights)}")
    problem = MissingWeights(
        f"the weights {weights} are not on this machine: {_how_to_get(weights)}, "
        "or name your own copy, by its path with --set or its folder with REFERVID_WEIGHTS"
    )
    if not _is_hub_id(weights):
        raise problem
    try:
        return Path(
            snapshot_download(
                weights,
                revision=revision or pinned_revision(weights),
                allow_patterns=file_patterns(weights),
                local_files_only=True,
            )
        )
    except LocalEntryNotFoundError as error:
        raise problem from error


def missing_weights(weights: str, revision: str | None = None) -> list[str]:
    """For `Engine.missing`: empty if they are there."""
    try:
        find_weights(weights, revision)
    except MissingWeights:
        return [f"weights {weights} ({_how_to_get(weights)})"]
    return []


def _is_hub_id(weights: str) -> bool:
    """OWNER/MODEL, and not the path of a file."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(weights)
    except HFValidationError:
        return False
    return weights.count("/") == 1 and not weights.endswith(_ENDINGS)


def _how_to_get(weights: str) -> str:
    if weights not in CHECKPOINTS and not _is_hub_id(weights):
        return "give the path of a file or folder, or a hub id"
    return only_by_hand(weights) or f"`refervid models pull {weights}` gets them"


def load_pretrained(model_class: Any, folder: Path, **options: Any) -> Any:
    """A transformers model in evaluation mode from a local folder.

    Raises `BadCheckpoint` if the file is damaged or holds numbers that are not finite, or if any key is
    missing, left over or of another shape.
    Tables of indices, which networks compute themselves, may be absent, and those of `HARMLESS` left over:
    which of them are saved changes with transformers' versions, and published files come from many.
    """
    # torch is not needed to find weights
    from refervid.models.state import check_finite, refuse_compressed

    _check_depth(folder)
    for file in folder.glob("*.bin"):
        refuse_compressed(file)
    try:
        model, report = model_class.from_pretrained(
            folder, local_files_only=True, output_loading_info=True, weights_only=True, **options
        )
    except Exception as error:  # the libraries below raise whatever their parsers raise
        raise BadCheckpoint(f"{folder} cannot be loaded ({error}): download it again") from error
    report["unexpected_keys"] = {
        key for key in report["unexpected_keys"] if str(key).rsplit(".", 1)[-1] not in HARMLESS
    }
    report["missing_keys"] -= {key for key, table in model.named_buffers() if not table.is_floating_point()}
    faults = [
        f"{kind.replace('_', ' ')}: {', '.join(sorted(str(key) for key in report[kind]))}"
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
        if report.get(kind)
    ]
    if faults:
        raise BadCheckpoint(f"{folder} does not fit {model_class.__name__}: {'; '.join(faults)}")
    check_finite(model.state_dict(), folder)
    return model.eval()


def _check_depth(folder: Path) -> None:
    """Raises `BadCheckpoint` for a `config.json` whose network would take for ever to build."""
    try:
        config = read_json(folder / "config.json")
    except (OSError, ValueError):
        return  # who reads it next says what is wrong with it
    places: list[tuple[str, Any]] = [("", config)]
    while places:
        name, value = places.pop()
        if isinstance(value, dict):
            places += value.items()
        elif isinstance(value, list):
            places += [(name, each) for each in value]
        elif isinstance(value, int) and value > _DEEPEST and re.search("layers|depth|blocks", name):
            raise BadCheckpoint(f"{folder}: its config.json asks for {value} {name}: download it again")


def torch_dtype(dtype: str, device: str) -> Any:
    """The torch dtype of a name; `auto` is bfloat16 on GPUs that have it and float32 elsewhere."""
    import torch

    if dtype == "auto":
        return (
            torch.bfloat16 if device.startswith("cuda") and torch.cuda.is_bf16_supported() else torch.float32
        )
    return getattr(torch, dtype)
