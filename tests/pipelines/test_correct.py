"""Corrections by hand: a mark on one frame, and what becomes of the answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from refervid import Result, load
from refervid.core.errors import SettingsError
from refervid.core.track import Track
from refervid.core.types import Candidate, Decision, Pivot, SoundReference, TextReference, no_hook
from refervid.engines.lite.tracker import EmbeddedTracker
from refervid.pipelines.base import Pipeline
from refervid.pipelines.correct import candidate_pivot, correct
from refervid.report.objects import TrackedObject, union_of
from tests.engines.made_clips import Made, box_of, iou, red_and_blue
from tests.engines.sam2 import tiny

FRAMES = 9


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return red_and_blue(tmp_path_factory.mktemp("two") / "frames", FRAMES)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return load("lite", device="cpu")


@pytest.fixture(scope="module")
def red(made: Made, pipeline: Pipeline) -> Result:
    [result] = pipeline.run(made.clip, [TextReference("the red one")])
    assert overlap(result, made, 0) > 0.7
    return result


def overlap(result: Result, made: Made, thing: int) -> float:
    return float(np.mean([iou(a, b) for a, b in zip(result.track, made.masks[thing], strict=True)]))


def at(made: Made, thing: int, frame: int) -> np.ndarray:
    return np.argwhere(made.masks[thing][frame]).mean(axis=0)[::-1].astype(np.float32)


def test_another_thing_by_a_box(made: Made, pipeline: Pipeline, red: Result) -> None:
    box = Pivot(6, box_xyxy=box_of(made.masks[1][6]))
    other = pipeline.correct(red, box, afresh=True)
    assert overlap(other, made, 1) > 0.7
    assert other.pivots == [box]
    assert other.reference == red.reference
    assert (other.decisions[-1].source, other.decisions[-1].frame_index) == ("user", 6)
    assert overlap(red, made, 0) > 0.7  # the former result is untouched


def test_another_thing_by_its_candidate(made: Made, pipeline: Pipeline, red: Result) -> None:
    boxes = [box_of(own[6]) for own in made.masks]
    candidates = [Candidate(box, 0.5) for box in boxes]
    decision = Decision("box", 1, "model", frame_index=6, candidates=candidates)
    truth = made.masks[1][decision.frame_index]
    overlaps = [iou(mask_of(one.box_xyxy, truth.shape), truth) for one in decision.candidates]
    mark = candidate_pivot(decision, int(np.argmax(overlaps)) + 1)
    assert overlap(pipeline.correct(red, mark, afresh=True), made, 1) > 0.6
    for number in (0, len(decision.candidates) + 1):
        with pytest.raises(SettingsError, match=f"candidate {number}"):
            candidate_pivot(decision, number)


def mask_of(box: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    x0, y0, x1, y1 = box.astype(int)
    mask[y0:y1, x0:x1] = True
    return mask


def test_points_take_away_what_does_not_belong(made: Made, red: Result) -> None:
    tracker, middle = EmbeddedTracker(), FRAMES // 2
    both = made.masks[0][middle] | made.masks[1][middle]
    [track] = tracker.track(made.clip, [[Pivot(middle, mask=both)]], no_hook)
    tracked = [TrackedObject(1, (Pivot(middle, mask=both),), track)]
    wrong = Result(made.clip, TextReference("it"), "it", "ok", track, "lite", objects=tracked)
    points = np.stack([at(made, 0, middle), at(made, 1, middle)])
    mark = Pivot(middle, points_xy=points, point_labels=np.array([True, False]))
    better = correct(tracker, wrong, mark)
    assert overlap(better, made, 0) > 0.7
    assert better.decisions[-1].answer == "points: 1 on it, 1 beside it"
    # Later corrections elsewhere keep what the points made of this frame.
    again = correct(tracker, better, Pivot(0, mask=made.masks[0][0]))
    assert [pivot.frame_index for pivot in again.pivots] == [0, middle]
    assert (again.track[middle] == better.track[middle]).all()


def test_of_several_objects_the_marked_one_is_corrected(made: Made) -> None:
    tracker = EmbeddedTracker()
    starts = [[Pivot(0, mask=made.masks[0][0])], [Pivot(0, mask=made.masks[1][0])]]
    tracks = tracker.track(made.clip, starts, no_hook)
    pairs = enumerate(zip(starts, tracks, strict=True), 1)
    tracked = [TrackedObject(number, tuple(start), track) for number, (start, track) in pairs]
    union = union_of(tracked, made.clip)
    both = Result(made.clip, TextReference("both"), "both", "ok", union, "lite", objects=tracked)
    gone = Pivot(FRAMES - 1, points_xy=at(made, 1, FRAMES - 1)[None], point_labels=np.array([False]))
    corrected = correct(tracker, both, gone)
    assert corrected.objects[0] is tracked[0]
    assert corrected.objects[1].track.areas()[-1] < tracks[1].areas()[-1]


def test_what_counts_only_while_heard_stays_so(made: Made) -> None:
    tracker = EmbeddedTracker()
    start = Pivot(0, mask=made.masks[0][0])
    [track] = tracker.track(made.clip, [[start]], no_hook)
    heard = np.arange(FRAMES) < 4
    one = TrackedObject(1, (start,), track, "drum", heard)
    result = Result(made.clip, SoundReference(), "sound", "ok", one.track, "lite", objects=[one])
    for afresh in (False, True):
        mark = Pivot(6, box_xyxy=box_of(made.masks[1][6]))
        corrected = correct(tracker, result, mark, afresh=afresh)
        assert ((corrected.areas > 0) == heard).all()
        assert [thing.name for thing in corrected.objects] == ["drum"]


def test_something_that_was_not_found_is_pointed_out(made: Made) -> None:
    empty = Track(FRAMES, made.clip.height, made.clip.width)
    missed = Result(made.clip, TextReference("it"), "it", "not_found", empty, "lite")
    found = correct(EmbeddedTracker(), missed, Pivot(3, box_xyxy=box_of(made.masks[0][3])))
    assert found.status == "ok"
    assert overlap(found, made, 0) > 0.7


def test_an_answer_without_tracker_is_corrected_from_its_surest_mask(made: Made) -> None:
    track = Track(FRAMES, made.clip.height, made.clip.width)
    track[2] = made.masks[0][2]
    track.presence[2] = 1
    one = TrackedObject(1, (), track)
    result = Result(made.clip, TextReference("it"), "it", "ok", track, "soc", objects=[one])
    corrected = correct(EmbeddedTracker(), result, Pivot(7, mask=made.masks[0][7]))
    assert [pivot.frame_index for pivot in corrected.pivots] == [2, 7]
    # What lies beyond the neighbouring pivot stays as it was.
    for index in range(2, FRAMES):
        assert iou(corrected.track[index], made.masks[0][index]) > 0.9
    assert not corrected.track.areas()[:2].any()


def test_sam2_corrects_by_points(tmp_path: Path) -> None:
    tiny.sam2_model().save_pretrained(tmp_path / "weights")
    changes = ["tracker.kind=sam2", f"tracker.weights={tmp_path / 'weights'}"]
    sam2 = load("lite", device="cpu", settings=changes)
    clip = tiny.clip(12)
    empty = Track(12, clip.height, clip.width)
    missed = Result(clip, TextReference("it"), "it", "not_found", empty, "lite")
    by_box = sam2.correct(missed, Pivot(2, box_xyxy=np.array([10, 10, 40, 30], np.float32)))
    assert by_box.track.areas().all()
    points = Pivot(9, points_xy=np.array([[30, 20]], np.float32), point_labels=np.array([False]))
    by_points = sam2.correct(by_box, points)
    assert (by_points.track.stack()[:3] == by_box.track.stack()[:3]).all()
    assert (by_points.track[9] != by_box.track[9]).any()
    assert by_points.engines["tracker"].startswith("sam2")


@pytest.mark.parametrize("frame", [-1, FRAMES])
def test_a_frame_that_is_not_there(made: Made, red: Result, frame: int) -> None:
    with pytest.raises(SettingsError, match="frames 0 to 8"):
        correct(EmbeddedTracker(), red, Pivot(frame, mask=made.masks[0][0]))


def test_decisions_of_other_kinds_have_no_candidates() -> None:
    with pytest.raises(SettingsError):
        candidate_pivot(Decision("frame", 1, "rules", frame_index=3), 1)
