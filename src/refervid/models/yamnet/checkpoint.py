"""Loading Google's `yamnet.h5`, a file of Keras weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from refervid.core.errors import BadCheckpoint, MissingExtra
from refervid.models.state import load_exactly, unfilled
from refervid.models.yamnet.model import CLASSES, LAYERS, Yamnet

_CONV, _DEPTHWISE = (3, 2, 0, 1), (2, 3, 0, 1)
"""Axes that take Keras' (height, width, in, out) and (height, width, channels, 1) to torch's order."""


def load_yamnet(path: Path) -> Yamnet:
    """The network in evaluation mode. Raises `BadCheckpoint`, or `MissingExtra` without h5py."""
    try:
        import h5py
    except ImportError as error:
        raise MissingExtra(
            f"{path} is an HDF5 file and needs h5py: pip install 'refervid[datasets]'"
        ) from error
    found: dict[str, Any] = {}
    try:
        with h5py.File(path, "r") as file:
            # Follows no links into other files, and lists data by the path where it lies.
            file.visititems(
                lambda name, item: found.__setitem__(name, item) if isinstance(item, h5py.Dataset) else None
            )
            state = {key: _read(found, end, axes, path) for key, (end, axes) in _keras_names().items()}
    except (OSError, RuntimeError) as error:
        raise BadCheckpoint(f"{path} is no readable HDF5 file ({error}): download it again") from error
    with unfilled():
        model = Yamnet()
    load_exactly(model, state, path)
    return model.eval()


def _keras_names() -> dict[str, tuple[str, tuple[int, ...]]]:
    """Our name to the end of Keras' path and the order of axes."""
    convolutions = {"layer1.conv": ("layer1/conv", "kernel:0", _CONV)}
    for number in range(2, len(LAYERS) + 1):
        for part, kernel, axes in (
            ("depthwise_conv", "depthwise_kernel:0", _DEPTHWISE),
            ("pointwise_conv", "kernel:0", _CONV),
        ):
            convolutions[f"layer{number}.{part}"] = (f"layer{number}/{part}", kernel, axes)
    names: dict[str, tuple[str, tuple[int, ...]]] = {}
    for ours, (theirs, kernel, axes) in convolutions.items():
        names[f"{ours}.weight"] = (f"{theirs}/{kernel}", axes)
        names[f"{ours}_bn.bias"] = (f"{theirs}/bn/beta:0", (0,))
        names[f"{ours}_bn.running_mean"] = (f"{theirs}/bn/moving_mean:0", (0,))
        names[f"{ours}_bn.running_var"] = (f"{theirs}/bn/moving_variance:0", (0,))
    return names | {"dense.weight": ("kernel:0", (1, 0)), "dense.bias": ("bias:0", (0,))}


def _read(found: dict[str, Any], end: str, axes: tuple[int, ...], path: Path) -> Tensor:
    """The data set whose path ends so; the last layer's name is not fixed, but its number of classes is."""
    matches = [
        item
        for name, item in found.items()
        if f"/{name}".endswith(f"/{end}")
        and len(item.shape) == len(axes)
        and ("/" in end or item.shape[-1] == CLASSES)
    ]
    if len(matches) != 1:
        raise BadCheckpoint(f"{path} has {len(matches)} tensors {end!r} of YAMNet: expected one")
    [item] = matches
    if item.external or item.is_virtual or item.dtype.kind != "f" or item.size > 1 << 22:
        raise BadCheckpoint(f"{path}: {item.name} is no plain array of YAMNet")
    return torch.from_numpy(item[()]).float().permute(axes).contiguous()
