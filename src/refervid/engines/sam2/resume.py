"""How far tracking a long clip got, in one file, so that another run goes on from there."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from refervid.config.environment import Environment
from refervid.core.digests import digests_in, objects_digest
from refervid.core.files import atomic_file, slug
from refervid.core.outputs import writing_to
from refervid.core.track import Track
from refervid.core.types import Pivot
from refervid.engines.sam2.propagate import Propagation
from refervid.media.clip import Clip, clip_digest

log = logging.getLogger(__name__)


class ResumeFile:
    """The state of one piece of work: the same clip, pivots and `settings` find the same file again."""

    def __init__(self, folder: Path, clip: Clip, objects: Sequence[Sequence[Pivot]], settings: str) -> None:
        digests = digests_in(Environment().cache)
        work = digests.of([clip_digest(clip, digests), objects_digest(objects), settings])
        self._path = folder / f"{slug(clip.name)}-{work}.safetensors"

    def save(self, propagation: Propagation, tracks: Sequence[Track]) -> None:
        """Replace what was saved before, or leave it whole if this is cut off."""
        tensors = {f"propagation.{name}": tensor.cpu() for name, tensor in propagation.state().items()}
        for row, track in enumerate(tracks):
            tensors[f"presence.{row}"] = torch.from_numpy(track.presence)
            tensors[f"written.{row}"] = torch.from_numpy(track.written)
            if track.logits is not None:
                tensors[f"logits.{row}"] = torch.from_numpy(track.logits)
        counts = [[track.rle(index)["counts"] for index in range(len(track))] for track in tracks]
        with writing_to(self._path.parent), atomic_file(self._path) as part:
            part.write_bytes(save(tensors, metadata={"counts": json.dumps(counts)}))

    def load(self, propagation: Propagation, tracks: Sequence[Track], device: torch.device) -> None:
        """Bring both to where the last run saved them; a damaged file counts as none."""
        if not self._path.exists():
            return
        try:
            with safe_open(self._path, "pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                counts = json.loads((file.metadata() or {})["counts"])
        except (SafetensorError, KeyError, ValueError) as error:  # no such file, no counts, no JSON
            log.warning("%s is damaged (%s): tracking starts anew", self._path, error)
            return
        prefix = "propagation."
        own = {name: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        propagation.load_state({name.removeprefix(prefix): t.to(device) for name, t in own.items()})
        for row, (track, codes) in enumerate(zip(tracks, counts, strict=True)):
            for index, code in enumerate(codes):
                track.put_rle(index, code)
            track.presence[:] = tensors[f"presence.{row}"].numpy()
            track.written[:] = tensors[f"written.{row}"].numpy()
            if f"logits.{row}" in tensors:
                track.logits = tensors[f"logits.{row}"].numpy()

    def remove(self) -> None:
        """The work is done."""
        self._path.unlink(missing_ok=True)
