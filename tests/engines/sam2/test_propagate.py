"""One pass for many objects gives what transformers gives for each alone."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from refervid.core.track import Underway
from refervid.core.types import Pivot, no_hook
from tests.engines.sam2 import reference, tiny
from tests.engines.sam2.outcome import propagate, tracker

TOLERANCE = 5e-3
"""Memories are bfloat16, so rounding in another order shows."""

COUNT = 20
POINTS = Pivot(
    9, points_xy=np.array([[40.0, 25.0], [5.0, 5.0]], np.float32), point_labels=np.array([True, False])
)
ONE_POINT = Pivot(4, points_xy=np.array([[40.0, 25.0]], np.float32), point_labels=np.array([True]))
MANY = [(1, 0), (6, 5), (11, 0), (15, 9), (20, 0), (27, 3)]
"""Frames of pivots, and of how much later a frame the mask on each is: objects that disagree."""

OBJECTS = [
    [Pivot(0, mask=tiny.mask(0))],
    [Pivot(7, mask=tiny.mask(7))],
    [Pivot(3, mask=tiny.mask(3)), Pivot(15, mask=tiny.mask(14))],
    [Pivot(19, mask=tiny.mask(19))],
    [Pivot(2, mask=tiny.mask(2)), Pivot(5, mask=tiny.mask(8)), Pivot(11, mask=tiny.mask(11))],
    [POINTS],
    [ONE_POINT],
    [Pivot(6, mask=np.zeros((tiny.HEIGHT, tiny.WIDTH), bool))],
]


@cache
def together(kind: str = "sam2") -> NDArray[np.float32]:
    """All objects in one pass."""
    return propagate(tiny.clip(COUNT), OBJECTS, kind)


@pytest.mark.parametrize("kind", ["sam2", "edgetam"])
def test_batched_objects_match_transformers_one_by_one(kind: str) -> None:
    ours = together(kind)
    model = reference.corrected(tiny.MODELS[kind]())
    for row, pivots in enumerate(OBJECTS):
        theirs = reference.track(model, tiny.frames(COUNT), pivots)
        np.testing.assert_allclose(ours[:, row], theirs, rtol=0, atol=TOLERANCE, err_msg=f"object {row}")


@pytest.mark.parametrize("seen", [2, 3, None])
def test_frames_see_the_nearest_pivots_as_transformers_does(seen: int | None) -> None:
    pivots = [Pivot(index, mask=tiny.mask(index + shift)) for index, shift in MANY]
    ours = propagate(tiny.clip(30), [pivots], pivots_seen=seen)
    model = tiny.sam2_model()
    model.config.max_cond_frame_num = -1 if seen is None else seen
    theirs = reference.track(reference.corrected(model), tiny.frames(30), pivots)
    np.testing.assert_allclose(ours[:, 0], theirs, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("box_pixels", ["video", "picture"])
def test_the_first_given_pivot_may_be_the_start(box_pixels: str) -> None:
    def visited(frames: list[int], **settings: object) -> list[int]:
        boxes = [Pivot(index, box_xyxy=np.array([20, 10, 40, 30], np.float32)) for index in frames]
        run = tracker(box_pixels=box_pixels, **settings).propagation(tiny.clip(6), [boxes]).run()
        return [result.index for result in run]

    assert visited([3, 1, 2]) == [1, 2, 3, 4, 5, 0]  # from the middle one, 2
    assert visited([3, 1, 2], start="first_given") == [1, 2, 3, 4, 5, 0]
    assert visited([5, 1], start="first_given") == [1, 5, 4, 3, 2, 0]
    assert visited([1, 5], start="first_given") == [1, 5, 2, 3, 4, 0]
    assert visited([5, 1]) == visited([1, 5]) == [1, 5, 4, 3, 2, 0]


def test_the_limit_on_pivots_matters_where_there_are_more() -> None:
    pivots = [Pivot(index, mask=tiny.mask(index + shift)) for index, shift in MANY]
    few, more, unlimited = (propagate(tiny.clip(30), [pivots], pivots_seen=n) for n in (2, 8, None))
    assert np.abs(few - unlimited).max() > 20 * TOLERANCE
    assert (more == unlimited).all()  # there are six


def test_what_a_frame_attends_to_does_not_grow_with_the_number_of_pivots() -> None:
    def most_seen(count: int, **settings: object) -> int:
        pivots = [Pivot(index, mask=tiny.mask(index)) for index in range(0, 3 * count, 3)]
        propagation = tracker(**settings).propagation(tiny.clip(3 * count), [pivots])
        propagation.prompt()
        [memory] = propagation._memories
        recalls = [memory.recall(index, 15, reverse=False) for index in range(3 * count)]
        return max(len(recall.spatial) for recall in recalls)

    assert most_seen(16) == most_seen(24)
    assert most_seen(24, pivots_seen=None) == 24


def test_the_models_masks_depend_on_prompts_and_memory() -> None:
    """Otherwise nothing else in this file proves anything."""
    ours = together()
    assert np.abs(ours[12, 0] - ours[12, 1]).max() > 20 * TOLERANCE
    assert 0.02 < (ours[12, 0] > 0).mean() < 0.98


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_short_clips_match_transformers(frames: int) -> None:
    pivots = [Pivot(frames // 2, mask=tiny.mask(0))]
    ours = propagate(tiny.clip(frames), [pivots])
    theirs = reference.track(reference.corrected(tiny.sam2_model()), tiny.frames(frames), pivots)
    np.testing.assert_allclose(ours[:, 0], theirs, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("kind", ["sam2", "edgetam"])
@pytest.mark.parametrize("object_batch", [1, 3])
def test_smaller_batches_change_nothing(kind: str, object_batch: int) -> None:
    pieces = propagate(tiny.clip(COUNT), OBJECTS, kind, object_batch=object_batch)
    np.testing.assert_allclose(pieces, together(kind), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    "settings",
    [
        {"feature_cache_mb": 0},
        {"feature_cache": "disk"},
        {"feature_cache": "device"},
        {"encode_batch": 1},
        {"encode_batch": 7},
    ],
)
def test_where_features_are_kept_changes_nothing(settings: dict[str, object]) -> None:
    other = propagate(tiny.clip(COUNT), OBJECTS, **settings)
    np.testing.assert_allclose(other, together(), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("references", [1, 4, 8])
def test_every_frame_is_encoded_once(references: int) -> None:
    clip = tiny.clip(COUNT)
    propagation = tracker().propagation(clip, OBJECTS[:references])
    answered = sum(len(result.objects) for result in propagation.run())
    assert propagation.source.encoded == COUNT
    assert answered == COUNT * references


def test_without_a_cache_frames_are_encoded_once_per_direction() -> None:
    propagation = tracker(feature_cache_mb=0).propagation(tiny.clip(COUNT), OBJECTS)
    list(propagation.run())
    pivot_frames = len({pivot.frame_index for pivots in OBJECTS for pivot in pivots})
    assert propagation.source.encoded <= 2 * COUNT + pivot_frames


def test_the_count_of_results_is_known_before() -> None:
    propagation = tracker().propagation(tiny.clip(COUNT), OBJECTS)
    assert len(propagation) == len(list(propagation.run())) == propagation.done


def test_a_correction_equals_tracking_with_that_pivot_from_the_start() -> None:
    first, correction = Pivot(0, mask=tiny.mask(0)), Pivot(8, mask=tiny.mask(12))
    sam2, counted = tracker(keep_logits=True), []
    [track] = sam2.track(tiny.clip(COUNT), [[first]], no_hook)
    corrected = sam2.correct(
        tiny.clip(COUNT), [first], track, correction, lambda *call: counted.append(call[2:])
    )
    assert counted == [(done, COUNT) for done in range(1, COUNT)]
    fresh = propagate(tiny.clip(COUNT), [[first, correction]])
    np.testing.assert_allclose(corrected.logits, fresh[:, 0], rtol=0, atol=2 * TOLERANCE)


def test_a_correction_stops_at_the_neighbouring_pivots() -> None:
    pivots = [Pivot(index, mask=tiny.mask(index)) for index in (2, 12, 17)]
    [track] = tracker().track(tiny.clip(COUNT), [pivots], no_hook)
    before, written = track.stack(), set()

    def watch(stage: str, artefact: object, completed: int, total: int) -> None:
        assert isinstance(artefact, Underway)
        written.add(tuple(np.flatnonzero(~artefact.tracks[0].written)))

    corrected = tracker().correct(tiny.clip(COUNT), pivots, track, ONE_POINT, watch)
    assert set().union(*written) == set(range(3, 12)) - {ONE_POINT.frame_index}
    outside = [index for index in range(COUNT) if index not in range(3, 12)]
    assert (corrected.stack()[outside] == before[outside]).all()
    assert (track.stack() == before).all()
