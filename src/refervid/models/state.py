"""Reading checkpoint files without running what is in them, and loading them with every key in its place."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from refervid.core.errors import BadCheckpoint, MissingWeights

FindWeights = Callable[[str], Path]
"""From a hub id, or a path, to the file or folder on this machine. Raises `MissingWeights`."""

_SHOWN = 20


def read_file(path: Path) -> dict[str, Any]:
    """What a `.safetensors` file or a `torch.save` file of tensors and plain containers holds.

    Raises `MissingWeights`, and `BadCheckpoint` for files that are damaged, or hold anything that would
    have to be run.
    """
    if not path.is_file():
        raise MissingWeights(f"there is no checkpoint at {path}: download it first, or name another file")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        refuse_compressed(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except BadCheckpoint:
        raise
    except SafetensorError as error:
        raise BadCheckpoint(f"{path} is damaged ({error}): download it again") from error
    except Exception as error:  # the unpickler raises whatever a damaged or hostile file provokes
        raise BadCheckpoint(
            f"{path} is no checkpoint, is damaged, or holds what would have to be run "
            f"({type(error).__name__}): name another file, or download it again from where it was published"
        ) from error
    if not isinstance(content, dict):
        raise BadCheckpoint(f"{path} holds a {type(content).__name__} and not named tensors")
    return content


def refuse_compressed(path: Path) -> None:
    """Raises `BadCheckpoint` for an archive that holds more bytes than the file has: PyTorch compresses
    nothing, and who else does may let a small file fill the memory.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            claimed = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        return  # of an older form, or damaged: its reader will say
    if claimed > path.stat().st_size:
        raise BadCheckpoint(
            f"{path} unpacks to {claimed} bytes, more than it has: PyTorch wrote no such file"
        )


def named_tensors(content: Any, source: str | Path) -> Mapping[str, Tensor]:
    """`content` as it is, if it maps names to tensors. Raises `BadCheckpoint`."""
    if not isinstance(content, Mapping):
        raise BadCheckpoint(f"{source} holds a {type(content).__name__} and not named tensors")
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise BadCheckpoint(f"{source}: {key!r} is a {type(value).__name__} and no tensor with a name")
    return content


class _NoRandomNumbers(TorchFunctionMode):
    """On the meta device these alone import PyTorch's compiler, which takes seconds."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        return given["tensor"] if func is nn.init.normal_ else func(*args, **given)


@contextmanager
def unfilled() -> Iterator[None]:
    """Modules built within hold nothing and take no memory; `load_exactly` gives them their weights."""
    with torch.device("meta"), _NoRandomNumbers():
        yield


def load_exactly(
    module: nn.Module, state: Mapping[str, Any], source: str | Path, problems: Sequence[str] = ()
) -> None:
    """Put `state` into `module`, which may be `unfilled`.

    Float32 tensors are not copied: `module` shares memory with a `state` that is kept.
    Raises `BadCheckpoint` with the keys that are missing, unknown or of another shape, after the
    `problems` that are known already, and for weights that are not finite.
    """
    expected = module.state_dict()
    problems = [*problems, *(f"{key}: missing" for key in expected if key not in state)]
    for key, value in state.items():
        if key not in expected:
            problems.append(f"{key}: unknown")
        elif not isinstance(value, Tensor) or value.shape != expected[key].shape:
            found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            problems.append(f"{key}: {found}, expected {tuple(expected[key].shape)}")
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise BadCheckpoint(f"{source} does not fit the network: {'; '.join(problems[:_SHOWN])}{more}")
    check_finite(state, source)
    module.load_state_dict({key: value.float() for key, value in state.items()}, assign=True)


def check_finite(state: Mapping[str, Tensor], source: str | Path) -> None:
    """Raises `BadCheckpoint` for weights that are NaN or infinite: every answer would be so too."""
    broken = [key for key, value in state.items() if value.is_floating_point() and not value.isfinite().all()]
    if broken:
        more = f" and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
        raise BadCheckpoint(
            f"{source} holds numbers that are not finite, in {', '.join(broken[:_SHOWN])}{more}: it is "
            "damaged, or its training went astray; take an earlier one"
        )
