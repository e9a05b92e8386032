"""The embedded tracker on clips with known truth: hiding, crossing, corrections, odd pivots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from refervid.core.errors import SettingsError
from refervid.core.track import Track, Underway
from refervid.core.types import Pivot, no_hook
from refervid.engines.lite.tracker import EmbeddedTracker
from tests.engines.made_clips import BLUE, GREEN, HEIGHT, RED, WIDTH, Made, Thing, box_of, iou, made_clip


def follow(made: Made, *pivots: Pivot) -> Track:
    return EmbeddedTracker().track(made.clip, [list(pivots)], no_hook)[0]


def ious(track: Track, truth: list[np.ndarray]) -> np.ndarray:
    return np.array([iou(found, real) for found, real in zip(track, truth, strict=True)])


@pytest.fixture(scope="module")
def passing(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A red thing passes behind a pillar that hides it whole."""
    thing = Thing(RED, lambda i: (40 + 6 * i, 70), (18, 18))
    return made_clip(tmp_path_factory.mktemp("pillar") / "frames", [thing], 24, pillar=(80, 128))


def test_moving_thing_under_a_moving_camera(tmp_path: Path) -> None:
    made = made_clip(tmp_path / "frames", [Thing(BLUE, lambda i: (60 + 5 * i, 60 + 2 * i))], pan=3)
    assert ious(follow(made, Pivot(8, mask=made.masks[0][8])), made.masks[0]).min() > 0.85


@pytest.mark.parametrize("start", [0, 23])
def test_comes_back_from_behind_a_pillar(passing: Made, start: int) -> None:
    truth = passing.masks[0]
    track = follow(passing, Pivot(start, mask=truth[start]))
    whole = truth[0].sum()
    hidden = [not mask.any() for mask in truth]
    open_ = [mask.sum() > 0.9 * whole for mask in truth]
    assert sum(hidden) >= 2
    assert track.areas()[hidden].max() < 0.05 * whole
    assert track.presence[hidden].max() == 0
    assert np.mean(ious(track, truth)[open_]) > 0.8


def test_what_takes_its_very_place_is_not_it(tmp_path: Path) -> None:
    """It leaves on the right just as another comes in there, and comes back on the left."""
    away = (-500.0, 70.0)
    thing = Thing(RED, lambda i: (116 + 14 * i, 70) if i < 8 else away if i < 14 else (14 * (i - 13), 70))
    other = Thing(BLUE, lambda i: (214 - 14 * (i - 8), 70) if 8 <= i < 14 else away)
    made = made_clip(tmp_path / "frames", [thing, other], 20)
    truth = made.masks[0]
    track = follow(made, Pivot(0, mask=truth[0]))
    assert not track.areas()[8:14].any()
    assert ious(track, truth)[:6].mean() > 0.85
    assert ious(track, truth)[-4:].mean() > 0.85


def test_what_comes_back_is_shown_from_its_first_sliver_on(tmp_path: Path) -> None:
    """Found when it is in sight for the most part, it is followed back; what was said to be done stays."""
    thing = Thing(BLUE, lambda i: (WIDTH - 32 + 9 * min(i, 18 - i), 70))
    made = made_clip(tmp_path / "frames", [thing], 19)
    truth = made.masks[0]
    said: dict[int, object] = {}

    def hook(stage: str, artefact: object, completed: int, total: int) -> None:
        if isinstance(artefact, Underway):
            [track] = artefact.tracks
            done = {*np.flatnonzero(track.written).tolist()}
            said.update({index: track.rle(index) for index in done - said.keys()})

    [track] = EmbeddedTracker().track(made.clip, [[Pivot(0, mask=truth[0])]], hook)
    away = [not mask.any() for mask in truth]
    assert sum(away) >= 3
    assert not track.areas()[away].any()
    assert ious(track, truth).min() > 0.9
    assert all(track.rle(index) == code for index, code in said.items())


def test_nothing_is_left_at_the_edge_that_it_went_over(tmp_path: Path) -> None:
    """The camera moves, so that the edge never looks as it did."""
    thing = Thing(GREEN, lambda i: (WIDTH - 37 + 5 * min(i, 24 - i), 70), (16, 22), skin=2)
    made = made_clip(tmp_path / "frames", [thing], 25, pan=2)
    truth = made.masks[0]
    away = [not mask.any() for mask in truth]
    track = follow(made, Pivot(0, mask=truth[0]))
    assert sum(away) == 3
    assert not track.areas()[away].any()
    assert ious(track, truth)[-9:].min() > 0.85


def test_what_left_over_an_edge_is_not_its_double_at_the_other(tmp_path: Path) -> None:
    thing = Thing(RED, lambda i: (WIDTH - 50 + 10 * i, 70))
    double = Thing(RED, lambda i: (30, 70))
    made = made_clip(tmp_path / "frames", [double, thing], 18)
    truth = made.masks[1]
    away = [not mask.any() for mask in truth]
    track = follow(made, Pivot(0, mask=truth[0]))
    assert sum(away) >= 8
    assert not track.areas()[away].any()


def test_two_that_cross_keep_apart(tmp_path: Path) -> None:
    things = [Thing(RED, lambda i: (50 + 7 * i, 66)), Thing(BLUE, lambda i: (166 - 7 * i, 74))]
    made = made_clip(tmp_path / "frames", things, 17)
    pivots = [[Pivot(0, mask=own[0])] for own in made.masks]
    tracks = EmbeddedTracker().track(made.clip, pivots, no_hook)
    for number, track in enumerate(tracks):
        assert ious(track, made.masks[number])[-3:].mean() > 0.7
        assert max(iou(track[16], tracks[1 - number][16]), 0) < 0.1


def test_nothing_is_found_where_the_object_never_was(passing: Made) -> None:
    track = follow(passing, Pivot(3, mask=np.zeros((HEIGHT, WIDTH), bool)))
    assert not track.areas().any()
    assert not track.presence.any()


def test_empty_mask_beside_a_real_one_says_away(passing: Made) -> None:
    truth = passing.masks[0]
    track = follow(passing, Pivot(0, mask=truth[0]), Pivot(3, mask=np.zeros((HEIGHT, WIDTH), bool)))
    assert not track[3].any()
    assert track.presence[3] == 0
    assert iou(track[2], truth[2]) > 0.8


@pytest.mark.parametrize("box", [(300, 10, 340, 50), (20, 20, 20, 60), (50, 60, 20, 20)])
def test_box_without_area_in_the_frame_starts_nothing(passing: Made, box: tuple[int, ...]) -> None:
    assert not follow(passing, Pivot(0, box_xyxy=np.array(box, np.float32))).areas().any()


def test_box_partly_outside(tmp_path: Path) -> None:
    made = made_clip(tmp_path / "frames", [Thing(RED, lambda i: (8 + 5 * i, 70))], 8)
    box = box_of(made.masks[0][0]) - np.float32([30, 0, 0, 0])
    assert ious(follow(made, Pivot(0, box_xyxy=box)), made.masks[0]).mean() > 0.7


def test_given_masks_come_back_exactly(passing: Made) -> None:
    rough = passing.masks[0][2].copy()
    rough[:60] = False
    track = follow(passing, Pivot(0, mask=passing.masks[0][0]), Pivot(2, mask=rough))
    assert np.array_equal(track[2], rough)


def test_points_correct_a_carried_mask(tmp_path: Path) -> None:
    things = [Thing(RED, lambda i: (60 + 3 * i, 70)), Thing(BLUE, lambda i: (90 + 3 * i, 70))]
    made = made_clip(tmp_path / "frames", things, 9)
    both = made.masks[0][0] | made.masks[1][0]
    wrong = Pivot(0, mask=both)
    points = Pivot(
        5,
        points_xy=np.float32([[68, 70], [110, 70], [104, 64]]),
        point_labels=np.array([True, False, False]),
    )
    before, after = follow(made, wrong), follow(made, wrong, points)
    assert not after[5][70, 110]
    assert after[5][70, 68]
    assert iou(after[8], made.masks[0][8]) > iou(before[8], made.masks[0][8]) + 0.15


def test_mask_of_another_shape_is_an_error(passing: Made) -> None:
    with pytest.raises(SettingsError, match="mask of shape"):
        follow(passing, Pivot(0, mask=np.ones((10, 10), bool)))


def test_finds_the_object_in_the_next_shot(tmp_path: Path) -> None:
    """Two shots: the object jumps across the picture while the camera jumps to another place."""
    thing = Thing(RED, lambda i: (60 + 2 * i, 50) if i < 8 else (150 + 2 * (i - 8), 100))
    made = made_clip(tmp_path / "frames", [thing], pan=0, cut_at=8)
    track = follow(made, Pivot(0, mask=made.masks[0][0]))
    assert ious(track, made.masks[0])[:8].min() > 0.85
    assert ious(track, made.masks[0])[10:].min() > 0.7


def test_object_at_the_lower_right_edge_of_an_odd_frame(tmp_path: Path) -> None:
    made = made_clip(tmp_path / "frames", [Thing(RED, lambda i: (205, 140))], 3, crop=1)
    track = follow(made, Pivot(0, mask=made.masks[0][0]))
    assert track[2].shape == (HEIGHT - 1, WIDTH - 1)
    assert track[2][-1, 200]
    assert track[2][138, -1]
