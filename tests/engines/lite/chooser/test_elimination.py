"""Whole tracks against sentences: an inventory of known truth on a made-up clip."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import refervid
from refervid.core.types import Hook
from refervid.engines.inventory import Inventory
from refervid.engines.lite.chooser import RulesChooser, RulesSettings
from refervid.engines.lite.chooser.things import WeighedTrack, chosen_groups
from refervid.engines.lite.language import parse
from refervid.media.array import ArrayClip
from refervid.media.clip import Clip
from refervid.report.result import Result
from tests.engines.lite.chooser.known import (
    DOG,
    FRAMES,
    HEIGHT,
    INVENTORY,
    PERSON,
    WIDTH,
    ask,
    box,
    start,
    track,
)


@pytest.fixture(scope="module")
def clip() -> ArrayClip:
    """A red thing that moves to the right, and a blue one that stands, on a textured ground."""
    ground = np.random.default_rng(0).integers(90, 160, (HEIGHT, WIDTH, 1), np.uint8).repeat(3, 2)
    frames = np.stack([ground] * FRAMES)
    for index, frame in enumerate(frames):
        for left, speed, colour in ((10, 3, (220, 20, 20)), (120, 0, (20, 40, 220))):
            x0, y0, x1, y1 = box(index, left, speed)
            frame[y0:y1, x0:x1] = colour
    return ArrayClip(frames, fps=6)


@pytest.mark.parametrize(
    ("text", "left"),
    [("the dog", 10), ("the animal", 10), ("the puppy", 10), ("the person", 120), ("the blue person", 120)],
)
def test_what_a_noun_names_is_taken(clip: ArrayClip, text: str, left: int) -> None:
    assert start(ask(clip, text)) == [left]


def test_what_was_recognised_is_no_guess(clip: ArrayClip) -> None:
    sure = ask(clip, "the dog")
    assert not sure.guess
    assert sure.confidence > ask(clip, "the woman").confidence
    assert ask(clip, "the woman").guess  # no network tells women from men


@pytest.mark.parametrize(
    ("text", "said"),
    [("the zebra", "there is no zebra"), ("the blue dog", "there is a dog, but not: blue")],
)
def test_what_is_not_there_is_said(clip: ArrayClip, text: str, said: str) -> None:
    answer = ask(clip, text)
    assert (len(answer.objects), answer.guess) == (0, False)
    assert said in answer.notes[0]
    assert answer.confidence <= 0.9  # networks overlook things


def test_another_thing_s_weaker_name_is_doubted(clip: ArrayClip) -> None:
    answer = ask(clip, "the cat")
    assert not answer.objects or answer.guess


def test_what_may_be_something_else_says_nothing_of_what_the_thing_lacks(clip: ArrayClip) -> None:
    perhaps = Inventory((track(1, 10, 3, True, cat=0.5, dog=0.3), PERSON), INVENTORY.frame_indices)
    assert RulesChooser(RulesSettings()).eliminate(clip, perhaps, ["the blue dog"]) == [None]


def test_what_the_detector_would_call_so_is_it_however_little_is_seen(clip: ArrayClip) -> None:
    seen = Inventory((track(1, 10, 3, True, backpack=0.3), PERSON), INVENTORY.frame_indices)
    rather = Inventory((track(1, 10, 3, True, chair=0.4, backpack=0.3), PERSON), INVENTORY.frame_indices)
    answer = ask(clip, "the rucksack", seen)
    assert (start(answer), answer.guess) == ([10], True)
    assert RulesChooser(RulesSettings()).eliminate(clip, rather, ["the rucksack"]) == [None]


def test_an_unknown_noun_is_not_decided_here(clip: ArrayClip) -> None:
    assert RulesChooser(RulesSettings()).eliminate(clip, INVENTORY, ["the zorblax"]) == [None]


def test_two_things_said_let_an_unseen_noun_be_searched_for(clip: ArrayClip) -> None:
    assert "there is no zebra" in " ".join(ask(clip, "the red zebra").notes)
    assert RulesChooser(RulesSettings()).eliminate(
        clip, INVENTORY, ["the red zebra moving to the right"]
    ) == [None]


def test_one_thing_at_two_times_is_one_object(clip: ArrayClip) -> None:
    halves = [
        replace(
            DOG,
            number=number,
            frame_indices=DOG.frame_indices[rows],
            boxes_xyxy=DOG.boxes_xyxy[rows],
            scores=DOG.scores[rows],
        )
        for number, rows in ((1, slice(0, 3)), (3, slice(3, 6)))
    ]
    answer = ask(clip, "the dog", Inventory((*halves, PERSON), INVENTORY.frame_indices))
    [pivots] = answer.objects
    assert [pivot.frame_index for pivot in pivots] == DOG.frame_indices.tolist()


def test_what_comes_back_is_away_in_between(clip: ArrayClip) -> None:
    first, last = (
        replace(
            DOG,
            number=number,
            frame_indices=np.array([frame]),
            boxes_xyxy=DOG.boxes_xyxy[:1],
            scores=DOG.scores[:1],
        )
        for number, frame in ((1, 0), (3, 10))
    )
    [pivots] = ask(clip, "the dog", Inventory((first, last, PERSON), tuple(range(0, FRAMES, 2)))).objects
    marked = {pivot.frame_index: bool(np.any(pivot.box_xyxy)) for pivot in pivots}
    assert marked == {0: True, 4: False, 6: False, 10: True}


def test_several_are_asked_for(clip: ArrayClip) -> None:
    other = track(4, 120, 0, False, dog=0.8)
    assert start(ask(clip, "the dogs", Inventory((DOG, other), INVENTORY.frame_indices))) == [10, 120]
    one = ask(clip, "the dog", Inventory((DOG, other), INVENTORY.frame_indices))
    assert len(one.objects) == 1
    assert one.guess


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the two dogs", "2 are asked for, 1 seen"),
        ("the dog next to the car", "fits only in part: next to car"),
        ("the dog on the right", "fits only in part: on the right"),
        ("the person without a backpack", "not checked: without"),
        ("the person without a hat", "cannot be measured: 'without hat'"),
        ("the sitting dog", "not checked: sitting"),  # it moves, as on a sledge
        ("the person who is not sitting", "not checked: sitting"),
        ("the walking dog", "not checked: walking"),
        ("the part of the dog", "cannot be measured: 'part'"),
        ("the swinging dog", "not checked: swinging"),  # it may swing a limb
        ("the dog that is not a zorblax", "cannot be measured: 'not zorblax'"),
        ("the person who is not a woman", "cannot be measured: 'not woman'"),
        ("the dog left of the woman", "not checked: female, adult"),
        ("the dog coming towards the camera", "fits only in part: towards"),  # from afar it hardly grows
        ("the dog that runs past the person", "not checked: past"),
        ("the person standing up", "not checked: standing up"),
    ],
)
def test_what_was_not_seen_makes_a_guess_that_says_so(clip: ArrayClip, text: str, said: str) -> None:
    answer = ask(clip, text)
    assert answer.guess
    assert said in "; ".join(answer.notes)


def test_of_several_each_is_as_is_said() -> None:
    fits = {("named", "dog"): 0.9, ("colour", "brown"): 0.6}
    brown, browner, black = (
        WeighedTrack(track(number, 30 * number, 0, True, dog=0.9), 1.0, {**fits, ("colour", "brown"): share})
        for number, share in ((1, 0.6), (2, 0.8), (3, 0.4))
    )
    groups, _ = chosen_groups([brown, browner, black], parse("the brown dogs"))
    assert groups == [[brown], [browner]]
    groups, _ = chosen_groups([black, replace(black, track=browner.track)], parse("the brown dogs"))
    assert len(groups) == 2  # none of them is: they may all look so


@pytest.mark.parametrize(("shade", "guess"), [(30, False), (150, True)])
def test_what_may_be_white_in_the_shade_does_not_surely_lack_it(shade: int, guess: bool) -> None:
    frames = np.full((FRAMES, HEIGHT, WIDTH, 3), (60, 120, 50), np.uint8)
    frames[:, 30:60, 120:144] = shade
    sheep = track(1, 120, 0, False, sheep=0.9)
    answer = ask(
        ArrayClip(frames, fps=6), "the sheep that is not white", Inventory((sheep,), INVENTORY.frame_indices)
    )
    assert start(answer) == [120]
    assert answer.guess == guess


def real_camel(shared_dir: Path, **names: float) -> tuple[ArrayClip, Inventory]:
    folder = shared_dir / "data/davis16"
    clip = ArrayClip(np.stack([cv2.imread(folder / "JPEGImages/camel/00000.jpg")[..., ::-1]] * FRAMES), fps=6)
    rows, columns = np.nonzero(cv2.imread(folder / "Annotations/camel/00000.png", cv2.IMREAD_GRAYSCALE))
    around = np.float32([columns.min(), rows.min(), columns.max(), rows.max()])
    camel = replace(DOG, names=names, boxes_xyxy=np.tile(around, (6, 1)))
    return clip, Inventory((camel,), INVENTORY.frame_indices)


def test_what_imagenet_sees_as_another_animal_is_a_guess(shared_dir: Path) -> None:
    clip, inventory = real_camel(shared_dir, horse=0.95)
    answer = ask(clip, "the horse", inventory)
    assert len(answer.objects) == 1
    assert answer.notes == ["what was recognised may be another animal"]


def test_an_answer_does_not_hang_on_what_else_is_asked(shared_dir: Path) -> None:
    clip, inventory = real_camel(shared_dir, horse=0.6)
    chooser = RulesChooser(RulesSettings())
    [alone] = chooser.eliminate(clip, inventory, ["the horse"])
    camel, after = chooser.eliminate(clip, inventory, ["the camel", "the horse"])
    assert alone is not None
    assert camel is not None
    assert after is not None
    assert camel.confidence > 0.5
    assert (after.confidence, after.guess, after.notes) == (alone.confidence, alone.guess, alone.notes)


def test_what_two_names_fit_is_a_guess(clip: ArrayClip) -> None:
    either = track(1, 10, 3, True, person=0.8, dog=0.6)
    answer = ask(clip, "the person", Inventory((either,), INVENTORY.frame_indices))
    assert answer.guess
    assert "may be a dog" in answer.notes[0]
    assert answer.decisions[0].reason.startswith("how well it fits, 0 to 1: person 0.")


def test_only_what_fits_all_that_is_said_of_it_is_excepted(clip: ArrayClip) -> None:
    other = track(4, 120, 0, False, dog=0.8)
    dogs = Inventory((DOG, other), INVENTORY.frame_indices)
    assert start(ask(clip, "everything except the blue dog", dogs)) == [10]


@pytest.fixture(scope="module")
def swaying() -> tuple[ArrayClip, Inventory]:
    """A red thing that sways where it is, by 8 of 160 pixels and 3 times a second."""
    ground = np.random.default_rng(0).integers(90, 160, (HEIGHT, WIDTH, 1), np.uint8).repeat(3, 2)
    frames = np.stack([ground] * FRAMES)
    for index, frame in enumerate(frames):
        x0, y0, x1, y1 = box(0, 40 + 8 * (index % 2), 0)
        frame[y0:y1, x0:x1] = (220, 20, 20)
    return ArrayClip(frames, fps=6), Inventory((track(1, 40, 0, True, dog=0.9),), INVENTORY.frame_indices)


@pytest.mark.parametrize("text", ["the dog standing", "the dog that waits", "the dog that stays there"])
def test_who_stands_may_stir(swaying: tuple[ArrayClip, Inventory], text: str) -> None:
    answer = ask(swaying[0], text, swaying[1])
    assert start(answer) == [40]
    assert not any("fits only in part" in note for note in answer.notes)


@pytest.mark.parametrize("text", ["the motionless dog", "the dog standing still", "the parked dog"])
def test_what_is_still_does_not_stir(swaying: tuple[ArrayClip, Inventory], text: str) -> None:
    answer = ask(swaying[0], text, swaying[1])
    assert not answer.objects
    assert "there is a dog, but not: " in answer.notes[0]


def test_who_goes_away_hardly_stands(clip: ArrayClip) -> None:
    answer = ask(clip, "the dog standing")
    assert (start(answer), answer.guess) == ([10], True)
    assert "fits only in part: standing" in answer.notes


def test_what_something_stands_on_is_below_it(clip: ArrayClip) -> None:
    below, above = (
        replace(
            track(number, 10, 3, True, skateboard=0.9), boxes_xyxy=DOG.boxes_xyxy + np.array([0, shift] * 2)
        )
        for number, shift in ((3, 28), (4, -28))
    )
    for boards in ((below, above), (above, below)):
        answer = ask(clip, "the board the dog stands on", Inventory((DOG, *boards), INVENTORY.frame_indices))
        assert [pivots[0].box_xyxy[1] for pivots in answer.objects if pivots[0].box_xyxy is not None] == [58]


def test_what_is_between_has_one_on_either_side(clip: ArrayClip) -> None:
    row = [track(number, left, 0, True, bottle=0.9) for number, left in enumerate((10, 60, 110), 1)]
    inventory = Inventory(tuple(row), INVENTORY.frame_indices)
    assert start(ask(clip, "the bottle between the two others", inventory)) == [60]


def test_the_greenest_jacket_is_meant_though_it_is_hardly_green() -> None:
    frames = np.full((FRAMES, HEIGHT, WIDTH, 3), 128, np.uint8)
    frames[:, 10:80, 20:44], frames[:, 10:80, 100:124] = (75, 50, 40), (66, 70, 48)
    people = tuple(
        replace(PERSON, number=number, boxes_xyxy=np.tile(np.float32([left, 10, left + 24, 80]), (6, 1)))
        for number, left in ((1, 20), (2, 100))
    )
    inventory = Inventory(people, INVENTORY.frame_indices)
    answer = ask(ArrayClip(frames, fps=6), "the man in the green jacket", inventory)
    assert start(answer) == [100]
    assert "fits only in part: green jacket" in answer.notes


@pytest.mark.parametrize(("black", "guess"), [(0.2, True), (0.7, False)])
def test_shadow_makes_nothing_black(black: float, guess: bool) -> None:
    frames = np.full((FRAMES, HEIGHT, WIDTH, 3), 190, np.uint8)
    frames[:, 10:80, 40:100] = (140, 110, 80)
    frames[:, 10:80, 40 : 40 + round(60 * black)] = 15
    cat = replace(DOG, names={"cat": 0.9}, boxes_xyxy=np.tile(np.float32([40, 10, 100, 80]), (6, 1)))
    inventory = Inventory((cat,), INVENTORY.frame_indices)
    answer = ask(ArrayClip(frames, fps=6), "the black cat", inventory)
    assert answer.guess == guess or not answer.objects


def test_the_car_beside_the_van_is_not_the_van(clip: ArrayClip) -> None:
    van, car = track(1, 60, 0, True, bus=0.8, car=0.7), track(2, 90, 0, False, car=0.6)
    answer = ask(clip, "the car next to the bus", Inventory((van, car), INVENTORY.frame_indices))
    assert start(answer) == [90]


@pytest.mark.parametrize("text", ["the hand", "the arm on the right", "the person's hand", "the fingers"])
def test_where_nobody_s_body_is_seen_what_looks_like_somebody_is_a_hand(clip: ArrayClip, text: str) -> None:
    answer = ask(clip, text)
    assert start(answer) == start(ask(clip, "the person"))
    assert answer.guess
    assert any("nobody's body is seen" in note for note in answer.notes)


def test_a_finder_of_one_s_own_names_things_for_the_whole_chain(clip: ArrayClip) -> None:
    class Known:
        Settings = RulesSettings
        name, version = "known", "1"

        @classmethod
        def missing(cls, settings: object) -> list[str]:
            return []

        @classmethod
        def build(cls, settings: object, runtime: object) -> Known:
            return cls()

        def find(self, clip: Clip, hook: Hook) -> Inventory:
            return INVENTORY

    pipeline = refervid.load("lite", device="cpu", finder=Known())
    dog, zebra = pipeline(clip, text=["the dog", "the zebra"])
    assert isinstance(dog, Result)
    assert isinstance(zebra, Result)
    assert (dog.status, zebra.status) == ("ok", "not_found")
    true = np.zeros((FRAMES, HEIGHT, WIDTH), bool)
    for index in range(FRAMES):
        x0, y0, x1, y1 = box(index, 10, 3)
        true[index, y0:y1, x0:x1] = True
    assert (true & dog.masks).sum() / (true | dog.masks).sum() > 0.7
    assert not zebra.masks.any()
