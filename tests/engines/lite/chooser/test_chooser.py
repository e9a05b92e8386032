"""The rules pick what a sentence says among known shapes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from refervid.core.types import Candidate
from refervid.engines.inventory import ObjectTrack
from refervid.engines.lite.chooser import RulesChooser, RulesSettings
from refervid.engines.lite.chooser.chooser import MOST_SECTIONS
from refervid.engines.lite.chooser.naming import surely_not
from refervid.engines.lite.language import parse
from refervid.engines.lite.language.words import MOST_WORDS
from refervid.engines.questions import FrameQuestion
from refervid.media.sections import Section
from tests.engines.lite.chooser.shapes import Shape, ShapesClip, go, stay

CHOOSER = RulesChooser(RulesSettings())
"""Each clip is analysed once, for all sentences."""


def chosen(clip: ShapesClip, text: str, masks: bool = True) -> list[str]:
    [choice] = CHOOSER.pick_boxes([clip.question(text, masks=masks)])
    return sorted(clip.shapes[pick].name for pick in choice.picks)


@pytest.fixture(scope="module")
def table() -> ShapesClip:
    """Three red cups, a yellow ball, a big blue box: nothing moves."""
    return ShapesClip(
        [
            Shape("left cup", "red", stay(60, 120), 26, 34),
            Shape("middle cup", "red", stay(190, 115), 26, 34),
            Shape("right cup", "red", stay(320, 125), 26, 34),
            Shape("ball", "yellow", stay(120, 150), 22, 22, round=True),
            Shape("box", "blue", stay(255, 60), 90, 50),
        ],
        seconds=0.6,
    )


@pytest.mark.parametrize("masks", [True, False])
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("the yellow ball", ["ball"]),
        ("the blue one", ["box"]),
        ("the left red cup", ["left cup"]),
        ("the red cup on the right", ["right cup"]),
        ("the cup in the middle that is red", ["middle cup"]),
        ("the second red cup from the left", ["middle cup"]),
        ("third red thing from the right", ["left cup"]),
        ("the first red cup from the right", ["right cup"]),
        ("the leftmost thing", ["left cup"]),
        ("the biggest thing", ["box"]),
        ("the smallest object", ["ball"]),
        ("the round thing", ["ball"]),
        ("all red cups", ["left cup", "middle cup", "right cup"]),
        ("the two red cups on the right", ["middle cup", "right cup"]),
        ("the red cup next to the yellow ball", ["left cup"]),
        ("the red cup right of the blue box", ["right cup"]),
        ("the red cup closest to the yellow ball", ["left cup"]),
        ("the red cup between the yellow ball and the blue box", ["middle cup"]),
        ("the thing that is not red and small", ["ball"]),
        ("the big thing that is neither red nor yellow", ["box"]),
        ("the red or yellow thing on the far right", ["right cup"]),
        ("the wide object", ["box"]),
        ("the red thing smaller than the blue box on the far left", ["left cup"]),
        ("the yellow ball and the blue box", ["ball", "box"]),
        ("the purple elephant", []),
        ("the green cup", []),
        ("the moving thing", []),
        ("the fifth red cup from the left", []),
        ("the ball behind the purple elephant", []),
        ("", []),
        ("the", []),
    ],
)
def test_what_stands_on_the_table(table: ShapesClip, text: str, names: list[str], masks: bool) -> None:
    assert chosen(table, text, masks) == names


@pytest.fixture(scope="module")
def street() -> ShapesClip:
    """Two persons, two cars and a hopping dog, while the camera pans."""
    return ShapesClip(
        [
            Shape("walker", "white", go(60, 100, 130, 100), 24, 60, trousers="black"),
            Shape("stander", "green", stay(300, 100), 24, 60, trousers="blue"),
            Shape("red car", "red", go(340, 180, 60, 180), 60, 26),
            Shape("parked car", "blue", stay(200, 40), 60, 26),
            Shape("dog", "brown", lambda time: (200, 130 - 30 * abs(math.sin(3.2 * time))), 26, 20),
        ],
        seconds=2.0,
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("the person in white", ["walker"]),
        ("a man in a green shirt and blue trousers", ["stander"]),
        ("the person in black trousers", ["walker"]),
        ("the thing moving to the left", ["red car"]),
        ("the fastest thing", ["red car"]),
        ("the one that moves most", ["red car"]),
        ("the thing moving right", ["walker"]),
        ("the parked blue car", ["parked car"]),
        ("the jumping dog", ["dog"]),
        ("the tall person who is standing still", ["stander"]),
        ("the person not wearing green who is tall", ["walker"]),
        ("the car that isn't moving and is blue", ["parked car"]),
        ("the man left of the dog in white", ["walker"]),
    ],
)
def test_what_happens_on_the_street(street: ShapesClip, text: str, names: list[str]) -> None:
    assert chosen(street, text) == names


@pytest.fixture(scope="module")
def race() -> ShapesClip:
    """Four equal red boxes that differ in nothing but their motion."""

    def late(time: float) -> tuple[float, float]:
        return 40 + 120 * max(time - 1.5, 0), 30

    def there_and_stop(time: float) -> tuple[float, float]:
        return 340 - 120 * min(time, 1.2), 80

    def back_later(time: float) -> tuple[float, float]:
        return 200 - 90 * max(time - 1.4, 0), 130

    return ShapesClip(
        [
            Shape("late", "red", late),
            Shape("stopper", "red", there_and_stop),
            Shape("second", "red", back_later),
            Shape("growing", "red", stay(100, 180), growth=1.8),
        ],
        seconds=2.6,
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("the box that moves left and then stops", ["stopper"]),
        ("the box that stands still and then moves left", ["second"]),
        ("the box that moves first", ["stopper"]),
        ("the box coming towards the camera", ["growing"]),
        ("the box moving to the right", ["late"]),
        ("the box that stops", ["stopper"]),
    ],
)
def test_motion_in_time(race: ShapesClip, text: str, names: list[str]) -> None:
    assert chosen(race, text) == names


def test_a_sequence_of_many_steps() -> None:
    def shuttle(time: float) -> float:
        """Nine times a third of a second: 25 pixels to one side, or back."""
        step, share = divmod(3 * time, 1)
        return 25 * (share if step % 2 == 0 else 1 - share)

    clip = ShapesClip(
        [
            Shape("left first", "red", lambda time: (100 - shuttle(time), 60)),
            Shape("right first", "red", lambda time: (250 + shuttle(time), 150)),
            Shape("goes left", "red", go(300, 60, 200, 60, until=3)),
        ],
        seconds=3.0,
    )
    assert chosen(clip, "the box that moves left" + " then right then left" * 4) == ["left first"]
    assert chosen(clip, "the box that moves right" + " then left then right" * 4) == ["right first"]


def test_what_was_not_read_of_a_sentence_is_said(table: ShapesClip) -> None:
    text = "the yellow ball " + "and the red cup " * 1000
    [choice] = CHOOSER.pick_boxes([table.question(text)])
    assert 3 in choice.picks
    assert f"its last {3 + 4 * 1000 - MOST_WORDS} words were not read" in " ".join(choice.notes)


def test_a_panning_camera_does_not_make_things_move() -> None:
    clip = ShapesClip(
        [Shape("walker", "red", go(60, 100, 160, 100)), Shape("fixed", "red", go(330, 150, 250, 150))],
        pan=40.0,
    )
    assert chosen(clip, "the red thing moving to the right") == ["walker"]
    assert chosen(clip, "the red thing that isn't moving") == ["fixed"]


def test_one_wrong_word_does_not_cost_the_dominant_thing() -> None:
    clip = ShapesClip(
        [
            Shape("man", "black", go(150, 110, 220, 110), 40, 90, score=0.9),
            Shape("speck", "white", stay(20, 20), 10, 10, score=0.05),
        ],
        seconds=1.0,
    )
    assert chosen(clip, "a man in a white shirt dancing") == ["man"]


def test_without_attributes_the_most_salient_thing() -> None:
    clip = ShapesClip(
        [Shape("a", "red", stay(60, 100), score=0.3), Shape("b", "blue", stay(300, 100), score=0.8)],
        seconds=0.4,
    )
    [choice] = CHOOSER.pick_boxes([clip.question("the camel")])
    assert list(choice.picks) == [1]
    assert any("camel" in note and "only a guess" in note for note in choice.notes)


@pytest.mark.parametrize(("text", "together"), [("the car", False), ("the cars", True)])
def test_one_thing_is_not_in_pieces_far_apart(text: str, together: bool) -> None:
    clip = ShapesClip(
        [
            Shape("first", "red", go(60, 60, 130, 60), score=0.5),
            Shape("second", "red", go(280, 170, 350, 170), score=0.4),
        ],
        seconds=1.0,
    )
    question = clip.question(text)
    first, second = question.candidates
    assert first.mask is not None
    assert second.mask is not None
    box = np.concatenate((first.box_xyxy[:2], second.box_xyxy[2:]))
    both = Candidate(box, 0.8, mask=first.mask | second.mask)
    [choice] = CHOOSER.pick_boxes([replace(question, candidates=[first, second, both])])
    assert (2 in choice.picks) is together


def test_detector_phrases_name_the_noun() -> None:
    clip = ShapesClip([Shape("a", "red", stay(60, 100)), Shape("b", "red", stay(300, 100))], seconds=0.4)
    question = clip.question("the dog on the left")
    cat, dog = question.candidates
    named = [replace(cat, phrase="cat"), replace(dog, phrase="dog")]
    [choice] = CHOOSER.pick_boxes([replace(question, candidates=named)])
    assert list(choice.picks) == [1]


def test_sentences_do_not_share_the_names_of_their_candidates() -> None:
    clip = ShapesClip([Shape("a", "red", stay(60, 100)), Shape("b", "red", stay(300, 100))], seconds=0.4)
    questions = []
    for noun in ("pan", "skillet"):
        question = clip.question(f"the {noun}")
        first, second = question.candidates
        questions.append(replace(question, candidates=[first, replace(second, phrase=noun)]))
    assert [list(choice.picks) for choice in CHOOSER.pick_boxes(questions)] == [[1], [1]]


def recognised(clip: ShapesClip, frame: int, **names: str) -> list[ObjectTrack]:
    """Some of the shapes, as a finder saw them on a frame: shape's name -> class of COCO."""
    boxes = {shape.name: one.box_xyxy for shape, one in zip(clip.shapes, clip.candidates(frame), strict=True)}
    return [
        ObjectTrack(number, np.array([frame]), boxes[shape][None], np.ones(1, np.float32), {name: 0.9})
        for number, (shape, name) in enumerate(names.items(), 1)
    ]


@pytest.fixture(scope="module")
def pets() -> ShapesClip:
    return ShapesClip(
        [
            Shape("left", "red", stay(60, 150)),
            Shape("cat", "brown", stay(110, 150), 50, 40, score=0.7),
            Shape("dog", "brown", stay(270, 150), 70, 60, score=0.7),
            Shape("right", "red", stay(340, 150)),
            Shape("tail", "black", stay(285, 140), 24, 24, score=0.2),
        ],
        seconds=0.4,
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("the gizmo next to the dog", "right"),
        ("the gizmo next to the cat", "left"),
        ("the thing that is neither a dog nor a cat and on the left", "left"),
        ("the thing next to the dog that is not a cat", "right"),
        ("the tail of the dog", "tail"),
    ],
)
def test_what_was_recognised_tells_what_is_said_of_something_else(
    pets: ShapesClip, text: str, name: str
) -> None:
    question = pets.question(text)
    tracks = recognised(pets, question.frame_index, cat="cat", dog="dog")
    [choice] = CHOOSER.pick_boxes([replace(question, recognised=tracks)])
    assert [pets.shapes[pick].name for pick in choice.picks] == [name]
    assert not any("recognised:" in note or "cannot be measured" in note for note in choice.notes)


def test_what_names_alone_do_not_exclude_is_said(pets: ShapesClip) -> None:
    question = pets.question("the red thing that is not the black cat")
    tracks = recognised(pets, question.frame_index, cat="cat", dog="dog")
    [choice] = CHOOSER.pick_boxes([replace(question, recognised=tracks)])
    assert "cannot be measured: 'not cat'" in choice.notes


def test_names_tell_what_is_not_meant() -> None:
    cup = parse("the cup that is not a person")
    assert surely_not(cup, {"cup": 0.9}) == 0
    assert surely_not(cup, {"cat": 0.9, "person": 0.2}) == 0.9
    assert surely_not(parse("the thing that is not a cat"), {"cat": 0.75}) == 0.75
    assert surely_not(parse("the thing that is not a woman"), {"person": 0.9}) == 0


def test_what_was_proposed_by_name_on_one_frame_is_meant_on_all() -> None:
    clip = ShapesClip(
        [Shape("pen", "red", stay(60, 100), 20, 10), Shape("box", "blue", stay(280, 100), 90, 60)]
    )
    first, second = clip.question("the pen", 5), clip.question("the pen", 20)
    pen, box = first.candidates
    named = [replace(pen, phrase="pen", score=0.3), replace(box, score=0.5)]
    choices = CHOOSER.pick_boxes([replace(first, candidates=named), replace(second, candidates=[box])])
    assert list(choices[0].picks) == [0]
    assert not choices[1].picks


def test_the_reason_says_what_fits_and_what_was_not_checked(table: ShapesClip) -> None:
    [choice] = CHOOSER.pick_boxes([table.question("the left red zorbling cup")])
    assert "of 2 attributes fit" in choice.decision.reason
    assert "not checked" in choice.decision.reason
    assert choice.decision.source == "rules"
    assert any("zorbling" in note for note in choice.notes)


def test_all_sections_mean_the_same_thing() -> None:
    """Two equal things cross; the one that was left at first must be chosen in both sections, or neither."""
    clip = ShapesClip(
        [Shape("a", "red", go(60, 60, 320, 60)), Shape("b", "red", go(320, 160, 60, 160))], seconds=2.0
    )
    questions = [clip.question("the red thing moving to the right", frame) for frame in (3, 26)]
    choices = CHOOSER.pick_boxes(questions)
    assert [list(choice.picks) for choice in choices] == [[0], [0]]


def test_frames_show_the_colour_asked_for() -> None:
    clip = ShapesClip([Shape("ball", "yellow", go(-40, 100, 300, 100))], seconds=1.0)
    section = Section(clip, 0, (0, 7, 14))
    [choice] = CHOOSER.pick_frames([FrameQuestion(section, "the yellow ball")])
    assert choice.frame_index in (7, 14)
    assert choice.decision.answer == choice.frame_index


def test_no_frame_shows_what_names_nothing() -> None:
    """Nobody looked: that it is not there is not known."""
    clip = ShapesClip([Shape("a", "red", stay(60, 100))], seconds=0.4)
    [choice] = CHOOSER.pick_frames([FrameQuestion(Section(clip, 0, (0,)), "the")])
    assert choice.frame_index is None
    assert choice.decision.source == "fallback"
    assert "names nothing" in choice.notes[0]


def test_of_a_long_clip_some_sections_are_looked_at() -> None:
    clip = ShapesClip([Shape("a", "red", stay(60, 100))], seconds=6.0)
    questions = [
        FrameQuestion(Section(clip, i, (i,)), text) for text in ("a cup", "a box") for i in range(len(clip))
    ]
    choices = CHOOSER.pick_frames(questions)
    looked_at = [
        [choice.frame_index for choice in part] for part in (choices[: len(clip)], choices[len(clip) :])
    ]
    assert looked_at[0] == looked_at[1]
    frames = [frame for frame in looked_at[0] if frame is not None]
    assert len(frames) == MOST_SECTIONS
    assert (frames[0], frames[-1]) == (0, len(clip) - 1)
    assert "long clip" in choices[1].decision.reason
