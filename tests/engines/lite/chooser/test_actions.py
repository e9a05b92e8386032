"""What things do to each other, and whose they are, judged on whole tracks of known truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from refervid.engines.base import Elimination
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.engines.lite.chooser import RulesChooser, RulesSettings
from refervid.media.array import ArrayClip
from refervid.media.clip import Clip

FRAMES, HEIGHT, WIDTH = 24, 120, 200
Path = Callable[[int], tuple[float, float]]


@pytest.fixture(scope="module")
def clip() -> Clip:
    ground = np.random.default_rng(0).integers(60, 200, (HEIGHT, WIDTH, 3), np.uint8)
    return ArrayClip(np.stack([ground] * FRAMES), fps=8)


def track(number: int, name: str, path: Path, width: int, height: int) -> ObjectTrack:
    frames = np.arange(0, FRAMES, 2)
    corners = np.array([path(int(frame)) for frame in frames])
    boxes = np.hstack([corners, np.add(corners, (width, height))]).astype(np.float32)
    shares = np.full(22, 1 / 22, np.float32)
    return ObjectTrack(number, frames, boxes, np.full(len(frames), 0.9, np.float32), {name: 0.9}, shares)


def ask(clip: Clip, text: str, *tracks: ObjectTrack) -> Elimination:
    [answer] = RulesChooser(RulesSettings()).eliminate(clip, Inventory(tracks, range(0, FRAMES, 2)), [text])
    assert answer is not None
    return answer


def chosen(answer: Elimination) -> str:
    return str(answer.decisions[0].answer)


def at(x: float, y: float, speed: float = 0.0) -> Path:
    return lambda frame: (x + speed * frame, y)


BALLS = (
    track(1, "person", at(10, 20), 30, 90),
    track(2, "sports ball", lambda frame: (38 + 6 * max(frame - 8, 0), 40), 14, 14),
    track(3, "sports ball", at(160, 100), 14, 14),
)
CARS = (
    track(1, "car", at(10, 60, 5), 30, 20),
    track(2, "truck", at(50, 35, 1), 40, 24),
    track(3, "car", at(100, 90, 1), 30, 20),
)


def test_what_is_thrown_was_held_and_goes_away(clip: Clip) -> None:
    answer = ask(clip, "the ball that the person throws", *BALLS)
    assert (chosen(answer), answer.guess) == ("2", False)
    assert chosen(ask(clip, "the person who throws the ball", *BALLS)) == "1"


def test_what_nobody_throws_is_a_guess(clip: Clip) -> None:
    answer = ask(clip, "the ball that the person throws", BALLS[0], BALLS[2])
    assert answer.guess
    assert any("fits only in part: throws person" in note for note in answer.notes)


def test_who_overtakes_was_behind_and_is_ahead(clip: Clip) -> None:
    answer = ask(clip, "the car that overtakes the truck", *CARS)
    assert (chosen(answer), answer.guess) == ("1", False)
    assert ask(clip, "the truck that overtakes the car", *CARS).guess


def test_the_camera_s_own_way_is_no_way_of_things() -> None:
    """The camera goes to the left past two cars that stand: nothing follows anything."""
    wide = np.random.default_rng(1).integers(60, 200, (HEIGHT, WIDTH + 4 * FRAMES, 3), np.uint8)
    panned = ArrayClip(
        np.stack([wide[:, 4 * (FRAMES - i) : 4 * (FRAMES - i) + WIDTH] for i in range(FRAMES)]), fps=8
    )
    cars = [track(number, "car", at(x, 60, 4), 20, 15) for number, x in ((1, 10), (2, 60))]
    assert ask(panned, "the car that follows the car", *cars).guess


@pytest.mark.parametrize("text", ["the man's backpack", "the backpack of the man"])
def test_whose_it_is(clip: Clip, text: str) -> None:
    man = track(1, "person", at(100, 10), 40, 100)
    other, own = (track(n, "backpack", at(x, 30), 20, 25) for n, x in ((2, 20), (3, 115)))
    answer = ask(clip, text, man, other, own)
    assert chosen(answer) == "3"
    assert not any("cannot be measured" in note for note in answer.notes)


def test_what_cannot_be_measured_is_a_guess(clip: Clip) -> None:
    answer = ask(clip, "the person who films the ball", *BALLS)
    assert answer.guess
    assert any("not checked: films" in note for note in answer.notes)


@pytest.mark.parametrize(
    ("text", "top", "bottom"),
    [
        ("the man's hat", 0.0, 0.2),
        ("the hat on the man's head", 0.0, 0.2),
        ("the man's shirt", 0.1, 0.55),
        ("the shoes of the man", 0.85, 1.01),
    ],
)
def test_a_garment_is_looked_for_where_it_usually_is(
    clip: Clip, text: str, top: float, bottom: float
) -> None:
    man, dog = track(1, "person", at(100, 10), 40, 100), track(2, "dog", at(20, 80), 40, 30)
    answer = ask(clip, text, man, dog)
    assert answer.guess
    assert any("no network here knows it" in note for note in answer.notes)
    for pivot in answer.objects[0]:
        assert pivot.box_xyxy is not None
        x0, y0, x1, y1 = pivot.box_xyxy
        assert 100 <= x0 < x1 <= 140
        assert 10 + 100 * top <= y0 < y1 <= 10 + 100 * bottom


def test_nobody_s_hat_is_not_there(clip: Clip) -> None:
    answer = ask(clip, "the man's hat", track(1, "dog", at(20, 80), 40, 30))
    assert not answer.objects
    assert "there is no man" in answer.notes[0]


def test_a_garment_of_another_colour_is_not_there(clip: Clip) -> None:
    answer = ask(clip, "the man's red shirt", track(1, "person", at(100, 10), 40, 100))
    assert not answer.objects
    assert "there is a man, but not: red shirt" in answer.notes[0]


def test_shoes_of_half_a_person_are_out_of_sight(clip: Clip) -> None:
    man = track(1, "person", at(60, 20), 90, 100)
    texts = ["the man's shoes"]
    inventory = Inventory((man,), range(0, FRAMES, 2))
    assert RulesChooser(RulesSettings()).eliminate(clip, inventory, texts) == [None]
