"""Features of frames that are needed again, up to a number of megabytes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Literal, Protocol

import torch
from safetensors.torch import load_file, save

from refervid.core.files import storing_in
from refervid.engines.sam2.network import FrameFeatures

Place = Literal["device", "host", "disk"]

MIB = 2**20


class _Shelf(Protocol):
    """Where features lie until they are taken again."""

    def put(self, index: int, features: FrameFeatures) -> None: ...

    def get(self, index: int) -> FrameFeatures: ...

    def drop(self, index: int) -> None: ...


class _Memory:
    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._features: dict[int, FrameFeatures] = {}

    def put(self, index: int, features: FrameFeatures) -> None:
        self._features[index] = features.to(self._device)

    def get(self, index: int) -> FrameFeatures:
        return self._features[index]

    def drop(self, index: int) -> None:
        del self._features[index]


class _Disk:
    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="refervid-features-")

    def _path(self, index: int) -> Path:
        return Path(self._folder.name) / f"{index}.safetensors"

    def put(self, index: int, features: FrameFeatures) -> None:
        tensors = {str(i): level.cpu().contiguous() for i, level in enumerate(features.levels)}
        with storing_in(Path(gettempdir()), "TMPDIR"):
            self._path(index).write_bytes(save(tensors))

    def get(self, index: int) -> FrameFeatures:
        tensors = load_file(self._path(index))
        return FrameFeatures(*(tensors[str(i)] for i in range(len(tensors))))

    def drop(self, index: int) -> None:
        self._path(index).unlink()


class FeatureCache:
    """Holds features of up to `megabytes` on the model's `device`, on the `host` or on `disk`.

    When full, the frame that came first goes first, but never one that `hold` named and nobody has taken
    since. After a forward pass the frames left are thus the ones that a backward pass needs soonest.
    """

    def __init__(self, megabytes: int, place: Place, device: torch.device) -> None:
        self._capacity = megabytes * MIB
        self._device = device
        self._sizes: dict[int, int] = {}
        self._used = 0
        self._held: set[int] = set()
        self._shelf: _Shelf = (
            _Disk() if place == "disk" else _Memory(device if place == "device" else torch.device("cpu"))
        )

    def __contains__(self, index: int) -> bool:
        return index in self._sizes

    def hold(self, indices: Iterable[int]) -> set[int]:
        """Keep what is here of `indices` until it is taken; returns which are."""
        self._held = {index for index in indices if index in self}
        return set(self._held)

    def take(self, index: int) -> FrameFeatures:
        """A stored frame, on the model's device."""
        self._held.discard(index)
        return self._shelf.get(index).to(self._device)

    def put(self, index: int, features: FrameFeatures) -> None:
        """Store a frame if it fits beside those held; older ones make room."""
        if index in self or features.nbytes > self._capacity:
            return
        while self._used + features.nbytes > self._capacity:
            oldest = next((old for old in self._sizes if old not in self._held), None)
            if oldest is None:
                return
            self.drop(oldest)
        self._shelf.put(index, features)
        self._sizes[index] = features.nbytes
        self._used += features.nbytes

    def drop(self, index: int) -> None:
        """Let a frame go; it is no fault if it is not here."""
        if index in self:
            self._used -= self._sizes.pop(index)
            self._shelf.drop(index)
            self._held.discard(index)
