"""What fills an area, on made-up pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refervid.engines.inventory import Inventory
from refervid.engines.lite.chooser import RulesChooser, RulesSettings
from refervid.media.array import ArrayClip
from tests.engines.lite.chooser.known import DOG, HEIGHT, WIDTH, ask


@pytest.mark.parametrize(
    ("text", "rows", "columns"),
    [
        ("the sky", slice(0, 45), slice(0, WIDTH)),
        ("the grass", slice(45, 90), slice(0, WIDTH)),
        ("the hill", slice(45, 90), slice(0, WIDTH)),
        ("the sky on the right", slice(0, 45), slice(WIDTH // 2, WIDTH)),
        ("the hill on the left", slice(45, 90), slice(0, WIDTH // 2)),
        ("the leaves", slice(45, 90), slice(0, WIDTH)),
    ],
)
def test_what_fills_an_area_is_guessed_by_colour_and_place(text: str, rows: slice, columns: slice) -> None:
    frames = np.full((6, HEIGHT, WIDTH, 3), (40, 150, 50), np.uint8)
    frames[:, : HEIGHT // 2] = (110, 160, 230)
    frames[:, 60:80, 20:50] = (220, 20, 20)
    clip = ArrayClip(frames, fps=6)
    box = np.tile(np.array([20, 60, 50, 80], np.float32), (6, 1))
    thing = replace(DOG, frame_indices=np.arange(6), boxes_xyxy=box, scores=np.full(6, 0.9, np.float32))
    inventory = Inventory((thing,), tuple(range(6)))
    # Also where no thing was found at all.
    empty = ask(clip, text, Inventory((), tuple(range(6))))
    assert empty.objects[0][0].mask is not None
    answer = ask(clip, text, inventory)
    assert answer.guess
    mask = answer.objects[0][0].mask
    assert mask is not None
    true = np.zeros((HEIGHT, WIDTH), bool)
    true[rows, columns] = True
    true[60:80, 20:50] = False
    assert (mask & true).sum() / (mask | true).sum() > 0.8


def test_an_area_of_other_colours_is_not_it() -> None:
    clip = ArrayClip(np.full((6, HEIGHT, WIDTH, 3), (40, 150, 50), np.uint8), fps=6)
    nothing = Inventory((), tuple(range(6)))
    assert RulesChooser(RulesSettings()).eliminate(clip, nothing, ["the fire"]) == [None]


def test_where_nothing_has_its_colours_it_is_looked_for_in_its_place_and_hardly_believed() -> None:
    frames = np.full((6, HEIGHT, WIDTH, 3), (150, 110, 60), np.uint8)
    frames[:, : HEIGHT // 2] = (200, 200, 200)
    clip = ArrayClip(frames, fps=6)
    nothing = Inventory((), tuple(range(6)))
    dry = ask(clip, "the grass", nothing)
    mask = dry.objects[0][0].mask
    assert mask is not None
    assert mask[HEIGHT // 2 + 5 :].mean() > 0.95
    assert mask[: HEIGHT // 2 - 5].mean() < 0.05
    assert dry.guess
    assert dry.confidence < ask(clip, "the soil", nothing).confidence
    assert RulesChooser(RulesSettings()).eliminate(clip, nothing, ["the green grass"]) == [None]
