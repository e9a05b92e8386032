"""Frames of a clip as encoder features: decoded as a stream, encoded once, kept while needed again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import torch
from torch import Tensor

from refervid.core.ahead import working_ahead
from refervid.engines.sam2.cache import FeatureCache
from refervid.engines.sam2.network import FrameFeatures, Network
from refervid.engines.sam2.pixels import video_pixels
from refervid.media.clip import Clip
from refervid.models.adaptive_batch import AdaptiveBatch

READ_BLOCK = 32
"""Frames that a backward pass decodes at a time, forward, because videos cannot be decoded backward."""


class FeatureSource:
    """Features of one clip for every object, reference and direction.

    `encoded` counts the pictures that went through the image encoder.
    """

    def __init__(self, network: Network, clip: Clip, cache: FeatureCache, batch: AdaptiveBatch) -> None:
        self.encoded = 0
        self._network = network
        self._clip = clip
        self._cache = cache
        self._batch = batch

    def stream(
        self, indices: Sequence[int], needed_again: Callable[[int], bool], *, reverse: bool = False
    ) -> Iterator[tuple[int, FrameFeatures]]:
        """`(index, features)` for increasing `indices`, or decreasing ones with `reverse`.

        Frames that are `needed_again` later stay in the cache as far as it reaches; others leave it.
        """
        cached = self._cache.hold(indices)
        missing = [index for index in indices if index not in cached]
        fresh = self._encode(self._read_backward(missing) if reverse else self._read(missing))
        for index in indices:
            if index in cached:
                features = self._cache.take(index)
            else:
                _, features = next(fresh)
            if needed_again(index):
                self._cache.put(index, features)
            else:
                self._cache.drop(index)
            yield index, features

    def _read(self, indices: Sequence[int]) -> Iterator[tuple[int, Tensor]]:
        size = self._network.image_size
        return ((index, video_pixels(frame, size)) for index, frame in self._clip.frames(indices))

    def _read_backward(self, indices: Sequence[int]) -> Iterator[tuple[int, Tensor]]:
        for start in range(0, len(indices), READ_BLOCK):
            block = indices[start : start + READ_BLOCK]
            yield from reversed(list(self._read(block[::-1])))

    def _encode(self, frames: Iterable[tuple[int, Tensor]]) -> Iterator[tuple[int, FrameFeatures]]:
        with working_ahead(iter(frames), 2 * self._batch.size) as ahead:
            while block := list(islice(ahead, self._batch.size)):
                indices, pictures = zip(*block, strict=True)
                yield from zip(indices, self._features(list(pictures)), strict=True)

    def _features(self, pictures: list[Tensor]) -> list[FrameFeatures]:
        def encode(piece: slice) -> list[FrameFeatures]:
            pixels = torch.stack(pictures[piece]).to(self._network.device)
            return self._network.encode(pixels.float() / 255)

        self.encoded += len(pictures)
        return self._batch.run(encode, len(pictures))
