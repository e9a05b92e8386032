"""What people wear, asked of somebody of known colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refervid.engines.inventory import Inventory
from refervid.engines.lite.chooser import RulesChooser, RulesSettings
from refervid.media.array import ArrayClip
from tests.engines.lite.chooser.known import FRAMES, HEIGHT, INVENTORY, PERSON, WIDTH, ask, start


def dressed() -> tuple[ArrayClip, Inventory]:
    """A person in a red shirt and blue trousers, whole."""
    ground = np.random.default_rng(0).integers(90, 160, (HEIGHT, WIDTH, 1), np.uint8).repeat(3, 2)
    ground[10:45, 60:84], ground[45:80, 60:84] = (220, 20, 20), (20, 40, 220)
    person = replace(PERSON, boxes_xyxy=np.tile(np.float32([60, 10, 84, 80]), (6, 1)))
    return ArrayClip(np.stack([ground] * FRAMES), fps=6), Inventory((person,), INVENTORY.frame_indices)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("the person in the red shirt", True),
        ("the person in blue trousers", True),
        ("the person in the blue shirt", False),
        ("the person without a red shirt", False),
    ],
)
def test_a_garment_has_its_colour_where_it_is_worn(text: str, holds: bool) -> None:
    clip, inventory = dressed()
    answer = ask(clip, text, inventory)
    assert (bool(answer.objects) and not answer.guess) == holds


@pytest.mark.parametrize(
    ("text", "rows"),
    [("the red shirt", (19, 45)), ("the trousers", (43, 76)), ("the person's shoes", (73, 80))],
)
def test_a_garment_is_guessed_where_somebody_wears_it(text: str, rows: tuple[int, int]) -> None:
    clip, inventory = dressed()
    answer = ask(clip, text, inventory)
    [[pivot, *_]] = answer.objects
    assert pivot.box_xyxy is not None
    assert pivot.box_xyxy[[1, 3]].round().tolist() == list(rows)
    assert answer.guess


def test_what_is_worn_on_one_side_is_that_of_who_is_there() -> None:
    clip, inventory = dressed()
    left = replace(PERSON, number=1, boxes_xyxy=np.tile(np.float32([10, 10, 34, 80]), (6, 1)))
    for text, at in (("the shoes on the left", 10), ("the shoes in the middle", 60)):
        answer = ask(clip, text, replace(inventory, tracks=(left, *inventory.tracks)))
        assert start(answer) == [at]
        assert not any("not checked" in note for note in answer.notes)


def test_hats_are_those_of_all_who_wear_one_and_shoes_may_be_one_person_s() -> None:
    clip, inventory = dressed()
    left = replace(PERSON, number=1, boxes_xyxy=np.tile(np.float32([10, 10, 34, 80]), (6, 1)))
    two = replace(inventory, tracks=(left, *inventory.tracks))
    assert len(ask(clip, "the hats", two).objects) == 2
    assert len(ask(clip, "the shoes", two).objects) == 1


def test_that_nobody_wears_a_garment_does_not_say_that_there_is_none() -> None:
    clip, inventory = dressed()
    assert RulesChooser(RulesSettings()).eliminate(clip, inventory, ["the green shirt"]) == [None]
    assert "but not: green shirt" in ask(clip, "the green shirt of the person", inventory).notes[0]
