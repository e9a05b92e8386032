"""From pivots to tracks: what belongs together is found out by tracking it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from refervid.core.track import Track
from refervid.core.types import Hook, Mask, Pivot, TextReference, no_hook
from refervid.media.array import ArrayClip
from refervid.media.clip import Clip
from refervid.pipelines.pivot.selection import Selection
from refervid.pipelines.pivot.track import track_objects
from refervid.pipelines.stages import Stages

FRAMES, HEIGHT, WIDTH = 120, 40, 200
SIZE = 12


def box_of(thing: int, frame: int) -> np.ndarray:
    """Thing number n runs to the right at n px per frame, from row to row; none leaves the frame."""
    left, top = 2 + thing * frame // 2, thing * 13
    return np.array([left, top, left + SIZE, top + SIZE], np.float32)


def mask_of(thing: int, frame: int) -> Mask:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    x0, y0, x1, y1 = box_of(thing, frame).astype(int)
    mask[y0:y1, x0:x1] = True
    return mask


class KnowingTracker:
    """Knows where things are: an object is every thing that one of its pivots lies on, from `since` on."""

    name, version = "knowing", "1"

    def __init__(self, since: Sequence[int] = (0, 0, 0)) -> None:
        self.since = since
        self.passes: list[int] = []

    def track(self, clip: Clip, objects: Sequence[Sequence[Pivot]], hook: Hook) -> list[Track]:
        self.passes.append(len(objects))
        return [self._track(pivots) for pivots in objects]

    def correct(self, clip: Clip, pivots: Sequence[Pivot], track: Track, mark: Pivot, hook: Hook) -> Track:
        return self._track([*pivots, mark])

    def _track(self, pivots: Sequence[Pivot]) -> Track:
        track = Track(FRAMES, HEIGHT, WIDTH)
        things = {int(pivot.box_xyxy[1] // 13) for pivot in pivots if pivot.box_xyxy is not None}
        for frame in range(FRAMES):
            shown = [mask_of(thing, frame) for thing in things if frame >= self.since[thing]]
            track[frame] = np.logical_or.reduce([np.zeros((HEIGHT, WIDTH), bool), *shown])
        return track


def pivot(thing: int, frame: int, shift: float = 0.0) -> Pivot:
    return Pivot(frame, box_of(thing, frame) + np.float32(shift))


def selected(objects: Sequence[Sequence[Pivot]] = (), others: Sequence[Pivot] = ()) -> Selection:
    return Selection(TextReference("it"), tuple(map(tuple, objects)), tuple(others))


def run(selection: Selection, tracker: KnowingTracker, *, agreement: bool = False) -> Selection:
    clip = ArrayClip(np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8))
    [done] = track_objects(clip, [selection], tracker, Stages(no_hook), agreement=agreement)
    return done


def frames(selection: Selection) -> list[list[int]]:
    assert [one.pivots for one in selection.tracked] == list(selection.objects)
    return [[pivot.frame_index for pivot in pivots] for pivots in selection.objects]


def test_what_a_track_covers_is_not_tracked_again() -> None:
    """Far from where it was 50 frames before, but the detector's box differs a little from the mask's."""
    tracker = KnowingTracker()
    given = selected([[pivot(1, 0)], [pivot(2, 0)]], [pivot(2, 50, 1.5), pivot(1, 60, -1.5)])
    assert frames(run(given, tracker)) == [[0], [0]]
    assert tracker.passes == [2]
    assert given.tracked == ()  # a stage returns another selection, and leaves the one it was given


def test_of_a_box_that_sticks_out_the_part_in_the_frame_counts() -> None:
    tracker = KnowingTracker()
    given = selected([[pivot(0, 0)], [pivot(1, 0)]], [Pivot(50, np.float32([-14, 0, 14, 12]))])
    assert frames(run(given, tracker)) == [[0], [0]]
    assert tracker.passes == [2]


def test_a_thing_that_only_another_section_shows_is_tracked_too() -> None:
    tracker = KnowingTracker(since=(0, 0, 70))
    done = run(selected([[pivot(0, 0)], [pivot(1, 0)]], [pivot(0, 70), pivot(2, 80)]), tracker)
    assert tracker.passes == [2, 1]
    assert frames(done) == [[0], [0], [80]]
    np.testing.assert_array_equal(done.tracked[2].track[100], mask_of(2, 100))


def test_pivots_that_agree_stay_together() -> None:
    tracker = KnowingTracker()
    done = run(selected([[pivot(1, 0), pivot(1, 50), pivot(1, 100)]]), tracker, agreement=True)
    assert frames(done) == [[0, 50, 100]]
    assert tracker.passes == [3, 1]
    assert done.notes == ()


def test_a_pivot_on_something_else_is_left_out() -> None:
    given = selected([[pivot(0, 0), pivot(1, 50), pivot(1, 100)]])
    done = run(given, KnowingTracker(), agreement=True)
    assert frames(done) == [[50, 100]]
    assert "frame 0" in done.notes[0]
    np.testing.assert_array_equal(done.tracked[0].track[10], mask_of(1, 10))
    mixed = run(given, KnowingTracker())  # as published: the tracker is given both
    np.testing.assert_array_equal(mixed.tracked[0].track[10], mask_of(0, 10) | mask_of(1, 10))


def test_single_pivots_need_no_vote_and_nothing_needs_no_tracker() -> None:
    tracker = KnowingTracker()
    done = run(selected([[pivot(1, 0)]]), tracker, agreement=True)
    assert tracker.passes == [1]
    assert run(done, tracker, agreement=True) == done  # what is tracked is not tracked again
    assert run(selected(), tracker, agreement=True).tracked == ()
    assert tracker.passes == [1]


def test_sentences_that_start_from_the_same_masks_share_a_track() -> None:
    def masked(thing: int) -> Selection:
        return selected([[Pivot(0, box_of(1, 0), mask_of(thing, 0))]])

    tracker = KnowingTracker()
    clip = ArrayClip(np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8))
    chosen = [masked(1), masked(1), masked(2)]
    done = track_objects(clip, chosen, tracker, Stages(no_hook), agreement=False)
    assert tracker.passes == [2]
    assert [len(one.tracked) for one in done] == [1, 1, 1]
