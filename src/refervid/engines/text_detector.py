"""What detectors share that look for texts with a network of transformers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar
from weakref import ref

import torch

from refervid.core.types import Candidate
from refervid.engines.base import DetectorRequest, Dtype, Runtime
from refervid.engines.hub.engine import HubEngine, HubSettings
from refervid.engines.hub.parts import load_part
from refervid.engines.hub.weights import load_pretrained
from refervid.media.clip import Clip

S = TypeVar("S", bound=HubSettings)
FrameAndText = tuple[int, str]


@dataclass(frozen=True)
class Seen:
    """Candidates above the thresholds, best first, and the best guess however weak (or none)."""

    candidates: list[Candidate]
    guess: list[Candidate]


class Memory:
    """Remembers the clip that was asked about last."""

    def __init__(self) -> None:
        self._clip: Callable[[], Clip | None] = lambda: None
        self._seen: dict[FrameAndText, Seen] = {}

    def is_of(self, clip: Clip) -> bool:
        """Whether `clip` was asked about last."""
        return self._clip() is clip

    def answer(
        self,
        clip: Clip,
        requests: Sequence[DetectorRequest],
        look: Callable[[list[FrameAndText]], list[Seen]],
    ) -> list[list[Candidate]]:
        """One list per request; `look` is called once, with what is not known yet, in order of frames."""
        if not self.is_of(clip):
            self._clip, self._seen = ref(clip), {}
        asked = [(request.frame_index, request.text) for request in requests]
        new = sorted(set(asked) - self._seen.keys(), key=lambda pair: (pair[0], asked.index(pair)))
        self._seen |= zip(new, look(new) if new else (), strict=True)
        found = [self._seen[pair] for pair in asked]
        return [
            seen.guess if request.last_resort else seen.candidates
            for request, seen in zip(requests, found, strict=True)
        ]


class TextDetector(HubEngine, ABC, Generic[S]):
    """No text is looked for twice on a frame. `architecture` is the network's class in transformers."""

    architecture: ClassVar[str]

    def __init__(self, model: Any, tokenizer: Any, settings: S, device: str) -> None:
        self.version = settings.weights
        self._settings = settings
        self._tokenizer = tokenizer
        self._device = device
        self._model = model.to(device)
        self._dtype = next(model.parameters()).dtype
        self._memory = Memory()

    @classmethod
    def build(cls, settings: S, runtime: Runtime) -> Self:
        """Raises `MissingWeights`, `BadCheckpoint`."""
        import transformers

        folder = settings.path()
        network = getattr(transformers, cls.architecture)
        model = load_pretrained(network, folder, dtype=box_dtype(runtime.dtype))
        return cls(model, load_part(transformers.AutoTokenizer, folder), settings, runtime.device)

    def detect(self, clip: Clip, requests: Sequence[DetectorRequest]) -> list[list[Candidate]]:
        """One list per request, highest score first. Raises `OutOfMemory`."""
        return self._memory.answer(clip, requests, lambda pairs: self._look(clip, pairs))

    @abstractmethod
    def _look(self, clip: Clip, pairs: Sequence[FrameAndText]) -> list[Seen]:
        """What is on frames for texts; `pairs` are in order of frames."""


def box_dtype(dtype: Dtype) -> torch.dtype:
    """What a detector computes in; `auto` is float32 on every device.

    Boxes are shares of the frame, and the 8 significant bits of bfloat16 would put their centres on a grid
    of 1/256: 5 pixels of a frame 1280 wide. A detector sees few frames of a clip, so this costs little time.
    """
    chosen: torch.dtype = getattr(torch, "float32" if dtype == "auto" else dtype)
    return chosen
