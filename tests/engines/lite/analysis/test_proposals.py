"""What is proposed on clips with known objects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from refervid.engines.lite.analysis import ClipAnalysis, Scene
from refervid.engines.lite.analysis.foreground import foreground
from refervid.engines.lite.analysis.proposals import (
    Proposal,
    candidates_of,
    clues_on,
    colour_proposals,
    name_proposals,
    object_proposals,
)
from refervid.media.array import ArrayClip
from tests.engines.made_clips import BLUE, GREEN, GREY, RED, Made, Thing, iou, made_clip


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A grey thing on grey ground walks, rests on frames 8 to 13, and walks on, while the camera pans."""
    place = lambda i: (60 + 4 * (min(i, 8) + max(i - 13, 0)) - 2 * i, 70)  # noqa: E731
    thing = Thing(GREY, place, (24, 18))
    return made_clip(tmp_path_factory.mktemp("walk") / "frames", [thing], 22, pan=2)


def test_motion_alone_finds_a_camouflaged_thing(walk: Made) -> None:
    best = max(object_proposals(clues_on(ClipAnalysis(Scene(walk.clip)), 5)), key=lambda each: each.score)
    assert iou(best.mask, walk.masks[0][5]) > 0.6
    assert best.phrase.startswith("moving")


def test_a_short_rest_does_not_hide(walk: Made) -> None:
    evidence = ClipAnalysis(Scene(walk.clip)).evidence()[10]
    mask = walk.masks[0][10][::2, ::2]
    assert evidence[mask].mean() > 2 * np.median(evidence[~mask])


def test_the_moving_and_the_still_are_both_proposed(tmp_path: Path) -> None:
    things = [Thing(RED, lambda i: (50 + 4 * i, 40)), Thing(BLUE, lambda i: (150, 105))]
    made = made_clip(tmp_path / "frames", things, 14)
    clues = clues_on(ClipAnalysis(Scene(made.clip)), 7)
    ranked = sorted([*object_proposals(clues), *colour_proposals(clues, ())], key=lambda each: -each.score)
    red, blue = (own[7] for own in made.masks)
    assert iou(ranked[0].mask, red) > 0.7
    assert max(iou(each.mask, blue) for each in ranked[:8]) > 0.7


def test_named_colours_come_first_among_the_still(tmp_path: Path) -> None:
    things = [Thing(BLUE, lambda i: (60, 60)), Thing(GREEN, lambda i: (150, 90), (14, 14))]
    made = made_clip(tmp_path / "frames", things, 4)
    clues = clues_on(ClipAnalysis(Scene(made.clip)), 2)
    best = max(colour_proposals(clues, ("green",)), key=lambda each: each.score)
    assert best.phrase == "green"
    assert iou(best.mask, made.masks[1][2]) > 0.7


def test_what_is_called_so_is_proposed_by_its_name(walk: Made) -> None:
    clues = clues_on(ClipAnalysis(Scene(walk.clip)), 5)
    coarse = np.zeros((9, 12), bool)
    coarse[3:6, 4:8] = True
    [surely, hardly] = name_proposals(clues, "crate", [(coarse, 0.64), (coarse, 0.04), (coarse, 0.001)])
    assert surely.phrase == hardly.phrase == "crate"
    assert surely.mask.shape == clues.frame.shape[:2]
    assert abs(surely.mask.mean() - coarse.mean()) < 0.02
    assert surely.score == pytest.approx(4 * hardly.score)


def test_maps_are_probabilities_on_half_the_grid(walk: Made) -> None:
    scene = Scene(walk.clip)
    maps = foreground(ClipAnalysis(scene), 0)
    for each in (maps.moving, maps.standing_out):
        assert each.shape == tuple((side + 1) // 2 for side in scene.size)
        assert each.min() >= 0
        assert each.max() <= 1


def test_what_is_named_comes_first_and_counts_among_the_limit(walk: Made) -> None:
    scene = Scene(walk.clip)
    [one, *_] = object_proposals(clues_on(ClipAnalysis(scene), 5))
    named = [replace(one, phrase="pen"), replace(one, phrase="cup")]
    assert [each.phrase for each in candidates_of(scene, [one], limit=1, named=named)] == ["pen"]


def test_what_is_thinner_than_a_pixel_of_the_clip_is_left_out() -> None:
    scene = Scene(ArrayClip(np.zeros((1, 2, 200, 3), np.uint8)))
    thin, thick = np.zeros((2, *scene.size), bool)
    thin[6:8, 20:24] = thick[:, 100:140] = True
    proposals = [Proposal(thin, 0.9, "thin"), Proposal(thick, 0.5, "thick")]
    assert [each.phrase for each in candidates_of(scene, proposals)] == ["thick"]
