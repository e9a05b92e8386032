"""Tracking while frames arrive: each is answered at once, none is looked at before it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from refervid.core.errors import SettingsError
from refervid.core.types import Frame, Pivot
from refervid.engines.base import LiveFrame
from refervid.engines.sam2.memory import ObjectMemory
from refervid.engines.sam2.network import Decoded, FrameFeatures, Network
from refervid.engines.sam2.pivots import check_pivot, usable
from refervid.engines.sam2.pixels import video_pixels
from refervid.engines.sam2.propagate import Stepper
from refervid.engines.sam2.results import masks_of, presence_of
from refervid.models.adaptive_batch import memory_checked


class LiveTracking:
    """Objects in an endless run of frames of one size; memory does not grow with their number."""

    def __init__(self, network: Network, stepper: Stepper, height: int, width: int) -> None:
        self._network = network
        self._stepper = stepper
        self._size = height, width
        self._memories: dict[int, ObjectMemory] = {}
        self._next = 0

    def push(self, frame: Frame, pivots: Mapping[int, Sequence[Pivot]] | None = None) -> LiveFrame:
        """Masks of all objects on the next frame, uint8 RGB (H, W, 3).

        `pivots` by object id introduce objects or correct them on this frame; ids are the caller's own.
        Raises `SettingsError` for a frame of another size and for pivots of another frame, `OutOfMemory`.
        """
        index = self._next
        if frame.shape != (*self._size, 3):
            raise SettingsError(f"frame {index} has shape {frame.shape}: this stream has {(*self._size, 3)}")
        given = {number: self._checked(own, index) for number, own in (pivots or {}).items()}
        prompted = {number: own for number, own in given.items() if own}
        self._next += 1
        features = self._features(frame)
        answers = {
            **self._track(features, index, [n for n in self._memories if n not in prompted]),
            **self._prompt(features, index, prompted),
        }
        masks = {number: masks_of(decoded, *self._size)[0] for number, decoded in answers.items()}
        presence = {number: presence_of(decoded)[0] for number, decoded in answers.items()}
        return LiveFrame(index, masks, presence)

    def drop(self, number: int) -> None:
        """Stop tracking an object."""
        del self._memories[number]

    def _features(self, frame: Frame) -> FrameFeatures:
        pixels = video_pixels(frame, self._network.image_size)[None]
        with memory_checked(self._network.device):
            return self._network.encode(pixels.float() / 255)[0]

    def _track(self, features: FrameFeatures, index: int, numbers: Sequence[int]) -> dict[int, Decoded]:
        if not numbers:
            return {}
        memories = [self._memories[number] for number in numbers]
        decoded = self._stepper.track(features, index, memories, reverse=False)
        return {number: decoded.pick(row) for row, number in enumerate(numbers)}

    def _prompt(
        self, features: FrameFeatures, index: int, pivots: Mapping[int, Sequence[Pivot]]
    ) -> dict[int, Decoded]:
        if not pivots:
            return {}
        for number in pivots:
            self._memories.setdefault(number, self._stepper.new_memory(None))
        memories = [self._memories[number] for number in pivots]
        decoded = self._stepper.prompt(features, index, list(pivots.values()), memories)
        return {number: decoded.pick(row) for row, number in enumerate(pivots)}

    def _checked(self, pivots: Sequence[Pivot], index: int) -> list[Pivot]:
        for pivot in pivots:
            check_pivot(pivot, None, *self._size)
            if pivot.frame_index != index:
                raise SettingsError(f"pivot on frame {pivot.frame_index}: the frame that arrives is {index}")
        return usable(pivots, *self._size)
