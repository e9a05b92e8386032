"""What the stages of a run came to, as files: a JSON document per stage, and pictures that were looked at."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from refervid.core.arguments import need_path
from refervid.core.files import inside, slug, write_text
from refervid.core.rle import encode_mask
from refervid.core.track import Track, Underway
from refervid.core.types import Hook, no_hook
from refervid.media.clip import Clip
from refervid.media.sections import Section


class IntermediateFiles:
    """A hook that writes every artefact under `folder` as it arrives, and passes all on to another hook.

    `01-choose-frames.json`, ... in the order of the stages; a picture that was looked at becomes
    `01-choose-frames-1.jpg`, ... and its document holds the name. Masks are run-length coded as in COCO.
    Frames that are drawn for the overlay are no artefacts of this kind, nor are tracks that are still made.

    >>> hook = refervid.IntermediateFiles(out / "steps")
    >>> results = pipeline(clip, text=["the red disc"], hook=hook)
    >>> any((out / "steps").glob("01-*.json"))
    True
    """

    def __init__(self, folder: str | Path, hook: Hook = no_hook) -> None:
        self._folder = need_path("folder", folder)
        self._hook = hook
        self._count = 0

    def __call__(self, stage: str, artefact: object, completed: int, total: int) -> None:
        if artefact is not None and not isinstance(artefact, np.ndarray | Underway):
            self._count += 1
            _Document(self._folder, f"{self._count:02d}-{slug(stage)}").write(artefact)
        self._hook(stage, artefact, completed, total)


class _Document:
    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._pictures = 0

    def write(self, artefact: object) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self._plain(artefact), indent=1, ensure_ascii=False)
        write_text(inside(self._folder, f"{self._name}.json"), text)

    def _plain(self, value: Any) -> Any:
        """Ready for JSON."""
        match value:
            case None | bool() | int() | str():
                return value
            case float():
                return value if math.isfinite(value) else None
            case bytes():
                return self._picture(value)
            case np.generic():
                return self._plain(value.item())
            case np.ndarray() if value.dtype == bool and value.ndim == 2:
                return {"size": list(value.shape), "counts": encode_mask(value).decode("ascii")}
            case np.ndarray():
                return self._plain(value.tolist())
            case Track():
                masks = [value.rle(index) if area else None for index, area in enumerate(value.areas())]
                return {"segmentations": masks, "presence": self._plain(value.presence)}
            case Section():
                return {"section": value.index, "frames": list(value.frame_indices)}
            case Clip():
                return value.name
            case Mapping():
                return {str(key): self._plain(each) for key, each in value.items()}
            case Sequence() | Set():
                return [self._plain(each) for each in value]
            case _ if is_dataclass(value):
                return {one.name: self._plain(getattr(value, one.name)) for one in fields(value)}
            case _:
                return str(value)

    def _picture(self, jpeg: bytes) -> str:
        self._pictures += 1
        name = f"{self._name}-{self._pictures}.jpg"
        inside(self._folder, name).write_bytes(jpeg)
        return name
