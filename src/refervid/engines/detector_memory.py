"""What a detector has said about a clip, so that no sentence is looked for on a frame twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import ref

from refervid.core.types import Candidate
from refervid.engines.base import DetectorRequest
from refervid.media.clip import Clip

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
