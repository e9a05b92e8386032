"""A section: a run of sampled frames shown to the chooser as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from refervid.media.clip import Clip
from refervid.types import Candidate, Frame


@dataclass(frozen=True, eq=False)
class Section:
    """Sampled frames `frame_indices` of `clip`; `index` is the section's number in the clip."""

    clip: Clip
    index: int
    frame_indices: tuple[int, ...]

    @property
    def picture(self) -> Frame:
        """The frames below one another with their numbers 1, 2, ... (drawn once)."""
        raise NotImplementedError

    def marked_picture(self, frame_index: int, candidates: Sequence[Candidate]) -> Frame:
        """The picture with numbered boxes on one of its frames."""
        raise NotImplementedError
