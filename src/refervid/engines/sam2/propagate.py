"""From pivots to masks on every frame: one pass forward and one backward for all objects of a clip.

Each object starts at the middle one of its pivots (published), or at the first that was given; in a pass it
joins when its start is reached, so every frame is visited at most once per direction, whatever the number of
objects.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from itertools import islice
from typing import Literal

import torch
from torch import Tensor

from refervid.core.types import Pivot
from refervid.engines.sam2.features import FeatureSource
from refervid.engines.sam2.memory import Memory, ObjectMemory
from refervid.engines.sam2.network import Decoded, FrameFeatures, Network
from refervid.engines.sam2.prompts import answer
from refervid.models.adaptive_batch import AdaptiveBatch

Start = Literal["middle", "first_given"]


class Stage(IntEnum):
    PROMPT = 0
    ONWARD = 1
    BACK = 2


@dataclass(frozen=True)
class FrameResult:
    """What came out for some objects on one frame; rows of `decoded` belong to `objects`."""

    index: int
    objects: tuple[int, ...]
    decoded: Decoded


class Stepper:
    """Takes objects through single frames: prompts them where they have pivots, tracks them elsewhere."""

    def __init__(
        self,
        network: Network,
        batch: AdaptiveBatch,
        height: int,
        width: int,
        frames: int | None,
        *,
        pivots_seen: int | None,
    ) -> None:
        """`frames`: length of the clip, which very short clips' pointers depend on; None: endless.

        `pivots_seen`: how many pivots a frame sees; None: as the model is configured.
        """
        longest = network.pointer_window if frames is None else frames - 1
        self._pointer_window = min(network.pointer_window, longest)
        self._pivot_limit = network.pivot_limit if pivots_seen is None else pivots_seen
        self._network = network
        self._batch = batch
        self._size = height, width

    def new_memory(self, start: int | None) -> ObjectMemory:
        network = self._network
        return ObjectMemory(start, network.spatial_window, network.pointer_window, self._pivot_limit)

    def prompt(
        self,
        features: FrameFeatures,
        index: int,
        pivots: Sequence[Sequence[Pivot]],
        memories: Sequence[ObjectMemory],
    ) -> Decoded:
        """Answer and remember the pivots that each object has on frame `index`."""

        def work(piece: slice) -> list[tuple[Decoded, Tensor]]:
            decoded = answer(self._network, features, pivots[piece], *self._size)
            spatial = self._network.encode_memory(features, decoded.logits, decoded.scores, prompted=True)
            return _rows(decoded, spatial)

        results = self._batch.run(work, len(pivots))
        for memory, (decoded, tokens) in zip(memories, results, strict=True):
            memory.pivots[index] = Memory(decoded.pointers[0], tokens)
        return Decoded.join([decoded for decoded, _ in results])

    def track(
        self, features: FrameFeatures, index: int, memories: Sequence[ObjectMemory], *, reverse: bool
    ) -> Decoded:
        """Track objects into frame `index`."""
        recalls = [memory.recall(index, self._pointer_window, reverse=reverse) for memory in memories]

        def work(piece: slice) -> list[tuple[Decoded, Tensor]]:
            image = self._network.attend(features, recalls[piece], self._pointer_window)
            decoded = self._network.decode(features, image, multimask=self._network.wants_multimask(0))
            spatial = self._network.encode_memory(features, decoded.logits, decoded.scores, prompted=False)
            return _rows(decoded, spatial)

        results = self._batch.run(work, len(recalls))
        for memory, (decoded, tokens) in zip(memories, results, strict=True):
            memory.remember(index, Memory(decoded.pointers[0], tokens), reverse=reverse)
        return Decoded.join([decoded for decoded, _ in results])


def _rows(decoded: Decoded, spatial: Tensor) -> list[tuple[Decoded, Tensor]]:
    """Batch results per object; memories as copies, so that one kept does not keep its whole batch alive."""
    return [(decoded.pick(row), tokens.clone()) for row, tokens in enumerate(spatial)]


class Propagation:
    """The passes over one clip of `frames` frames. Boxes among the pivots have become masks before.

    Objects start at the middle pivot, or at the `first_given`.
    `done` counts the results handed out; an object without pivots is on none of them.
    """

    def __init__(
        self,
        stepper: Stepper,
        source: FeatureSource,
        objects: Sequence[Sequence[Pivot]],
        frames: int,
        *,
        start: Start = "middle",
    ) -> None:
        self._stepper = stepper
        self.source = source
        self._frames = frames
        self._pivots = [_by_frame(pivots) for pivots in objects]
        self._starts = [_start(list(pivots), start) if pivots else 0 for pivots in self._pivots]
        self._memories = [stepper.new_memory(start) for start in self._starts]
        self.done = 0

    def __len__(self) -> int:
        """Number of results that `run` yields in all."""
        return sum(len(self._frames_of(stage)) for stage in Stage)

    def run(self) -> Iterator[FrameResult]:
        """Every object once on every frame: first the pivot frames, then onward, then back.

        After `load_state` only what was still to come.
        """
        skipped = self.done
        for stage in Stage:
            frames = self._frames_of(stage)
            ahead, skipped = frames[skipped:], max(0, skipped - len(frames))
            needed_again = partial(self._needed_after, stage)
            for index, features in self.source.stream(ahead, needed_again, reverse=stage is Stage.BACK):
                rows = self._involved(stage, index)
                decoded = self._visit(stage, features, index, rows)
                self.done += 1
                yield FrameResult(index, rows, decoded)

    def prompt(self) -> None:
        """The pivot frames alone: enough for `correct`."""
        deque(islice(self.run(), len(self._frames_of(Stage.PROMPT))), maxlen=0)

    def correct(self, pivot: Pivot) -> Iterator[FrameResult]:
        """The one object anew, from a further pivot onward and back as far as its neighbouring pivots."""
        [memory], center = self._memories, pivot.frame_index
        memory.start = center
        reach = self.reach(center)
        onward, back = range(center, reach.stop), range(center - 1, reach.start - 1, -1)
        for frames, reverse in ((onward, False), (back, True)):
            for index, features in self.source.stream(frames, lambda _: False, reverse=reverse):
                if index == center:
                    decoded = self._stepper.prompt(features, index, [[pivot]], [memory])
                else:
                    decoded = self._stepper.track(features, index, [memory], reverse=reverse)
                yield FrameResult(index, (0,), decoded)

    def reach(self, frame: int) -> range:
        """What a correction of the one object on this frame makes anew."""
        [pivots] = self._pivots
        others = [other for other in pivots if other != frame]
        before = max((other for other in others if other < frame), default=-1)
        return range(before + 1, min((other for other in others if other > frame), default=self._frames))

    def state(self) -> dict[str, Tensor]:
        """How far `run` is and what the objects remember, to go on from in another process."""
        tensors = {"done": torch.tensor(self.done)}
        for row, memory in enumerate(self._memories):
            tensors |= {f"{row}.{name}": tensor for name, tensor in memory.state().items()}
        return tensors

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        self.done = int(tensors["done"])
        for row, memory in enumerate(self._memories):
            prefix = f"{row}."
            memory.load_state({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})

    def _visit(self, stage: Stage, features: FrameFeatures, index: int, rows: Sequence[int]) -> Decoded:
        memories = [self._memories[row] for row in rows]
        if stage is Stage.PROMPT:
            return self._stepper.prompt(features, index, [self._pivots[row][index] for row in rows], memories)
        return self._stepper.track(features, index, memories, reverse=stage is Stage.BACK)

    def _involved(self, stage: Stage, index: int) -> tuple[int, ...]:
        """The objects that have a pivot on a frame, or that a pass tracks into it."""
        rows = [row for row, pivots in enumerate(self._pivots) if pivots]
        if stage is Stage.PROMPT:
            return tuple(row for row in rows if index in self._pivots[row])
        behind = -1 if stage is Stage.ONWARD else 1
        return tuple(
            row for row in rows if (self._starts[row] - index) * behind > 0 and index not in self._pivots[row]
        )

    def _frames_of(self, stage: Stage) -> list[int]:
        frames = reversed(range(self._frames)) if stage is Stage.BACK else range(self._frames)
        return [index for index in frames if self._involved(stage, index)]

    def _needed_after(self, stage: Stage, index: int) -> bool:
        return any(self._involved(later, index) for later in Stage if later > stage)


def _start(frames: Sequence[int], start: Start) -> int:
    """Of the frames with pivots, in the order in which they were given, the one to start at."""
    return frames[0] if start == "first_given" else sorted(frames)[len(frames) // 2]


def _by_frame(pivots: Sequence[Pivot]) -> dict[int, list[Pivot]]:
    frames: dict[int, list[Pivot]] = defaultdict(list)
    for pivot in pivots:
        frames[pivot.frame_index].append(pivot)
    return dict(frames)
