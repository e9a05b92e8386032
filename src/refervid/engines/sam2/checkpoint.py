"""SAM 2 and EdgeTAM weights: a downloaded hub id, a folder in transformers' format, or a published `.pt`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import EdgeTamVideoModel, Sam2VideoModel
from transformers.utils import is_timm_available

from refervid.core.errors import BadCheckpoint, MissingExtra, MissingWeights
from refervid.core.files import read_json
from refervid.engines.hub.parts import model_type_of
from refervid.engines.hub.weights import find_weights, load_pretrained
from refervid.engines.sam2.official import configuration_of, to_transformers
from refervid.models.state import check_finite, refuse_compressed

MODELS: dict[str, Any] = {"sam2_video": Sam2VideoModel, "edgetam_video": EdgeTamVideoModel}
"""transformers' `model_type` to the class; the checkpoint decides which it is."""


TIMM = "packages timm and torchvision (pip install timm torchvision; the torchvision made for your torch)"
"""The published EdgeTAM's image encoder, RepViT, comes from timm, which cannot do without torchvision."""


def load_model(weights: str, revision: str | None = None) -> Any:
    """A float32 model on the CPU, every key in its place.

    Raises `MissingWeights`, `BadCheckpoint` (damaged, unsafe, or keys that do not fit, with their names),
    or `MissingExtra` for EdgeTAM without the library of its image encoder.
    """
    path = find_weights(weights, revision)
    return _load_folder(path) if path.is_dir() else _load_published(path)


def missing_encoder(weights: str, revision: str | None = None) -> list[str]:
    """For `Engine.missing`: the packages that the image encoder of an EdgeTAM model comes from.

    Of weights that are not here it is assumed that they are as published.
    """
    if is_timm_available():
        return []
    try:
        config = read_json(find_weights(weights, revision) / "config.json")
        encoder = config["vision_config"]["backbone_config"]["model_type"]
    except (MissingWeights, OSError, ValueError, KeyError, TypeError):
        return [TIMM]
    return [TIMM] if encoder == "timm_wrapper" else []


def _load_folder(folder: Path) -> Any:
    kind = model_type_of(folder)
    if kind not in MODELS:
        raise BadCheckpoint(f"{folder} holds a {kind!r} model: this tracker runs {', '.join(MODELS)}")
    if kind == "edgetam_video" and (lacking := missing_encoder(str(folder))):
        raise MissingExtra(f"the model in {folder} needs the {lacking[0]}")
    try:
        return load_pretrained(MODELS[kind], folder, dtype=torch.float32)
    except BadCheckpoint as error:
        if isinstance(error.__cause__, ImportError):
            raise MissingExtra(f"the model in {folder} needs the {TIMM}") from error
        raise


def _load_published(path: Path) -> Any:
    refuse_compressed(path)
    try:
        official = torch.load(path, map_location="cpu", weights_only=True)["model"]
    except Exception as error:  # whatever the parser of a damaged or foreign file raises
        raise BadCheckpoint(
            f"{path} is no checkpoint of facebookresearch/sam2 ({type(error).__name__}: {error}): "
            "download it again, or give a folder in transformers' format"
        ) from error
    model = Sam2VideoModel(configuration_of(official))
    state, own = to_transformers(official), model.state_dict()
    faults = {
        "missing keys": own.keys() - state.keys(),
        "unexpected keys": state.keys() - own.keys(),
        "mismatched keys": {k for k in own.keys() & state.keys() if own[k].shape != state[k].shape},
    }
    if any(faults.values()):
        listed = "; ".join(f"{kind}: {', '.join(sorted(keys))}" for kind, keys in faults.items() if keys)
        raise BadCheckpoint(f"{path} does not fit SAM 2: {listed}")
    check_finite(state, path)
    model.load_state_dict(state)
    return model.eval()
