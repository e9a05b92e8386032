"""What the tracker remembers of one object: its pivots for good, tracked frames for a while.

Which memories a frame sees follows facebookresearch/sam2 (`_prepare_memory_conditioned_features`):
spatial memories of the pivots (all of them as published; a limit takes the nearest) and of the last
`spatial_window` (6) tracked frames, pointers of those pivots that lie behind in the direction of travel and
of the last `pointer_window` (15) tracked frames.
The backward pass still sees what the forward pass left behind the start, so that is kept too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor


@dataclass(frozen=True)
class Memory:
    """One frame as remembered: `pointer` (C,), and `spatial` (tokens, M) while it is still seen."""

    pointer: Tensor
    spatial: Tensor | None


@dataclass(frozen=True)
class Recall:
    """What one frame sees: `(distance in frames, tensor)`; distance 0 marks a pivot's spatial memory."""

    spatial: list[tuple[int, Tensor]]
    pointers: list[tuple[int, Tensor]]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.spatial), len(self.pointers)

    @property
    def distances(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return tuple(distance for distance, _ in self.spatial), tuple(
            distance for distance, _ in self.pointers
        )


class ObjectMemory:
    """The bounded memory of one object.

    `start` is where its passes begin (None: it is only ever tracked forward). `pivot_limit` is the
    number of pivots that one frame sees, the nearest first; None: all. A pivot that is passed over counts
    as a tracked frame where one that near would be seen.
    """

    def __init__(
        self, start: int | None, spatial_window: int, pointer_window: int, pivot_limit: int | None
    ) -> None:
        self.start = start
        self.pivots: dict[int, Memory] = {}
        self.tracked: dict[int, Memory] = {}
        self._spatial_window = spatial_window
        self._pointer_window = pointer_window
        self._pivot_limit = pivot_limit

    def recall(self, index: int, pointer_window: int, *, reverse: bool) -> Recall:
        """What frame `index` sees; `pointer_window` is smaller than usual in very short clips."""
        back = 1 if reverse else -1
        seen = nearest(self.pivots, index, self._pivot_limit)
        passed_over = {frame: memory for frame, memory in self.pivots.items() if frame not in seen}
        remembered = self.tracked | passed_over
        spatial = [(0, memory.spatial) for memory in seen.values()]
        spatial += [
            (distance, remembered[index + back * distance].spatial)
            for distance in range(self._spatial_window, 0, -1)
            if index + back * distance in remembered
        ]
        pointers = [
            (abs(index - frame), memory.pointer)
            for frame, memory in seen.items()
            if (frame >= index if reverse else frame <= index)
        ]
        pointers += [
            (distance, remembered[index + back * distance].pointer)
            for distance in range(1, pointer_window + 1)
            if index + back * distance in remembered
        ]
        return Recall([(d, tensor) for d, tensor in spatial if tensor is not None], pointers)

    def remember(self, index: int, memory: Memory, *, reverse: bool) -> None:
        """Store a tracked frame and let go of what no later frame of the pass, or the next pass, sees."""
        self.tracked[index] = memory

        def distance_to_next_reader(frame: int) -> int:
            travelled = frame - index if reverse else index - frame
            if reverse or self.start is None:
                return travelled
            return min(travelled, frame - self.start)

        for frame in list(self.tracked):
            distance = distance_to_next_reader(frame)
            if distance >= self._pointer_window:
                del self.tracked[frame]
            elif distance >= self._spatial_window:
                self.tracked[frame] = replace(self.tracked[frame], spatial=None)

    def state(self) -> dict[str, Tensor]:
        """All memories by name."""
        return {
            f"{kind}.{frame}.{part}": tensor
            for kind, memories in (("pivots", self.pivots), ("tracked", self.tracked))
            for frame, memory in memories.items()
            for part, tensor in (("pointer", memory.pointer), ("spatial", memory.spatial))
            if tensor is not None
        }

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Inverse of `state`."""
        for kind, memories in (("pivots", self.pivots), ("tracked", self.tracked)):
            memories.clear()
            frames = {int(name.split(".")[1]) for name in tensors if name.startswith(kind)}
            for frame in sorted(frames):
                spatial = tensors.get(f"{kind}.{frame}.spatial")
                memories[frame] = Memory(tensors[f"{kind}.{frame}.pointer"], spatial)


def nearest(pivots: Mapping[int, Memory], index: int, limit: int | None) -> dict[int, Memory]:
    """Up to `limit` pivots: the nearest before `index`, the nearest from it on, then others by distance.

    facebookresearch/sam2, `select_closest_cond_frames`.
    """
    if limit is None or len(pivots) <= limit:
        return dict(pivots)
    before = max((frame for frame in pivots if frame < index), default=None)
    after = min((frame for frame in pivots if frame >= index), default=None)
    first = [frame for frame in (before, after) if frame is not None]
    others = sorted((frame for frame in pivots if frame not in first), key=lambda frame: abs(frame - index))
    return {frame: pivots[frame] for frame in (first + others)[:limit]}
