"""What an object remembers, and for how long."""

from __future__ import annotations

import torch

from refervid.engines.sam2.cache import FeatureCache
from refervid.engines.sam2.memory import Memory, ObjectMemory, nearest
from refervid.engines.sam2.network import FrameFeatures

SPATIAL, POINTERS = 6, 15


def entry(frame: int) -> Memory:
    return Memory(torch.full((1,), float(frame)), torch.full((1, 1), float(frame)))


def walk(memory: ObjectMemory, frames: range) -> list[tuple[set[int], set[int]]]:
    """Per frame which frames are seen spatially and as pointers."""
    seen = []
    reverse = frames.step < 0
    for index in frames:
        recall = memory.recall(index, POINTERS, reverse=reverse)
        seen.append(({int(t.item()) for _, t in recall.spatial}, {int(t.item()) for _, t in recall.pointers}))
        memory.remember(index, entry(index), reverse=reverse)
    return seen


def test_what_a_frame_sees_is_never_forgotten_too_early() -> None:
    start, last = 30, 80
    memory = ObjectMemory(start, SPATIAL, POINTERS, None)
    memory.pivots = {10: entry(10), start: entry(start), 60: entry(60)}
    pivots = set(memory.pivots)
    for index, (spatial, pointers) in zip(
        range(start + 1, last), walk(memory, range(start + 1, last)), strict=True
    ):
        tracked = set(range(start + 1, index))
        assert spatial == pivots | {f for f in tracked if index - f <= SPATIAL}
        assert pointers == {p for p in pivots if p <= index} | {f for f in tracked if index - f <= POINTERS}
    onward = set(range(start + 1, last))
    for index, (spatial, pointers) in zip(
        range(start - 1, 15, -1), walk(memory, range(start - 1, 15, -1)), strict=True
    ):
        tracked = onward | set(range(index + 1, start))
        assert spatial == pivots | {f for f in tracked if f - index <= SPATIAL and f > index}
        assert pointers == {p for p in pivots if p >= index} | {
            f for f in tracked if 0 < f - index <= POINTERS
        }


def test_memory_stays_bounded_in_both_directions() -> None:
    memory = ObjectMemory(500, SPATIAL, POINTERS, None)
    memory.pivots = {500: entry(500)}
    sizes = []
    for frames in (range(501, 1000), range(499, -1, -1)):
        for index in frames:
            memory.remember(index, entry(index), reverse=frames.step < 0)
            sizes.append(len(memory.tracked))
    assert max(sizes) <= 2 * POINTERS


def test_the_nearest_pivots_are_one_before_one_after_then_by_distance() -> None:
    pivots = {frame: entry(frame) for frame in (0, 10, 20, 30, 40)}
    assert list(nearest(pivots, 22, None)) == [0, 10, 20, 30, 40]
    assert list(nearest(pivots, 22, 2)) == [20, 30]
    assert list(nearest(pivots, 22, 3)) == [20, 30, 10]
    assert list(nearest(pivots, 45, 2)) == [40, 30]


def test_state_goes_through_tensors_unchanged() -> None:
    memory = ObjectMemory(4, SPATIAL, POINTERS, None)
    memory.pivots = {4: entry(4)}
    walk(memory, range(5, 30))
    copy = ObjectMemory(4, SPATIAL, POINTERS, None)
    copy.load_state(memory.state())
    assert copy.state().keys() == memory.state().keys()
    assert all(torch.equal(copy.state()[name], tensor) for name, tensor in memory.state().items())


def features(value: int) -> FrameFeatures:
    level = torch.full((1, 1, 256, 256), float(value))
    return FrameFeatures(level, level, level)


def test_the_cache_keeps_to_its_size_and_spares_what_is_held() -> None:
    cache = FeatureCache(2, "host", torch.device("cpu"))
    cache.put(0, features(0))
    cache.put(1, features(1))
    assert 0 in cache
    assert 1 in cache
    assert cache.hold([0]) == {0}
    cache.put(2, features(2))
    assert [index for index in range(3) if index in cache] == [0, 2]
    assert float(cache.take(0).stride4[0, 0, 0, 0]) == 0
    cache.put(3, features(3))
    assert [index for index in range(4) if index in cache] == [2, 3]


def test_the_disk_gives_back_what_it_was_given() -> None:
    cache = FeatureCache(100, "disk", torch.device("cpu"))
    stored = FrameFeatures(*(torch.randn(1, 4, 8, 8).to(torch.bfloat16) for _ in range(3)))
    cache.put(5, stored)
    taken = cache.take(5)
    assert all(torch.equal(a, b) for a, b in zip(taken.levels, stored.levels, strict=True))
    cache.drop(5)
    assert 5 not in cache
