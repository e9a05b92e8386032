"""Sentences and the structure that they must give."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refervid.engines.lite.language import Attribute, Expression, colour_names_in, parse
from refervid.engines.lite.language.words import MOST_LETTERS, MOST_WORDS

VOCABULARY = """
    the a two all first last not without and or , then of 's whose in on to from left right top back red dark
    light bright blonde big tallest round moving stops jumps fastest still dog cup top shirt hair hand camera
    girl throws walked held by nobody what who whoever no neither nor to for couple herd row shirtless leaves
    w/ others wheel race far away chasing overtakes being looking two-legged frame that is wearing riding
    behind between than most least bigger before after except but one one-eyed
""".split()  # noqa: SIM905


def said(attribute: Attribute) -> str:
    """A one-line form of an attribute: "not colour red@shirt", "motion left#1", "rank right 3"."""
    text = f"{attribute.kind} {'/'.join(attribute.values)}"
    if attribute.shade:
        text = text.replace(" ", f" {attribute.shade}-", 1)
    text += f"@{attribute.part}" if attribute.part else ""
    text += {"plain": "", "comparative": "+", "superlative": "++"}[attribute.degree]
    text += f" {attribute.rank}" if attribute.rank else ""
    text += f" {attribute.event}" if attribute.event else ""
    text += f"#{attribute.phase}" if attribute.phase else ""
    return f"not {text}" if attribute.negated else text


def attributes(text: str) -> list[str]:
    return [said(attribute) for attribute in parse(text).attributes]


def relations(expression: Expression) -> list[str]:
    lines = []
    for relation in expression.relations:
        targets = " & ".join(
            " ".join([*(said(attribute) for attribute in target.attributes), target.noun or "?"])
            for target in relation.targets
        )
        sign = "not " if relation.negated else ""
        lines.append(f"{sign}{relation.kind}{'++' if relation.superlative else ''} {targets}")
    return lines


@pytest.mark.parametrize(
    ("text", "noun", "expected"),
    [
        # colours
        ("a black swan", "swan", ["colour black"]),
        ("a person in a greyish blue shirt", "person", ["colour grey/blue@shirt"]),
        ("the gray elephant", "elephant", ["colour grey"]),
        ("the grey elephant", "elephant", ["colour grey"]),
        ("the silver car", "car", ["colour light-grey/white"]),
        ("the steel kettle", "kettle", []),  # polished metal shows the colours around it
        ("the metallic blue car", "car", ["colour blue"]),
        ("the dark green car", "car", ["colour dark-green"]),
        ("a light blue shirt", "shirt", ["colour light-blue"]),
        ("the blue-green parrot", "parrot", ["colour green/blue"]),
        ("the brownish dog", "dog", ["colour brown"]),
        ("a black and white dog", "dog", ["colour black@partly", "colour white@partly"]),
        ("the red or blue car", "car", ["colour red/blue"]),
        ("red", None, ["colour red"]),
        ("the reddest cup", "cup", ["colour red++"]),
        ("the darker cup", "cup", ["colour black+"]),
        ("the yelow ball", "ball", ["colour yellow"]),
        ("a sliver car going fast", "car", ["colour light-grey/white", "motion moving", "motion fast"]),
        # clothes and parts
        ("the person in red", "person", ["colour red@clothes"]),
        ("a man in a white top", "man", ["colour white@top"]),
        ("a girl in a blue dress twirling", "girl", ["colour blue@dress", "motion spinning"]),
        (
            "a person wearing a black shirt and white pants",
            "person",
            ["colour black@shirt", "colour white@pants"],
        ),
        (
            "a girl with blonde hair dressed in blue",
            "girl",
            ["colour light-yellow/brown/white@hair", "colour blue@clothes"],
        ),
        (
            "a blonde haired girl dancing in a blue dress",
            "girl",
            ["colour light-yellow/brown/white@hair", "motion dancing", "colour blue@dress"],
        ),
        ("the man whose shirt is red", "man", ["colour red@shirt"]),
        ("a lady wearing blue jeans and a pink top", "lady", ["colour blue@jeans", "colour pink@top"]),
        # size and shape
        ("the tiny dog", "dog", ["size small"]),
        ("the larger of the two cups", "cup", ["size big+"]),
        ("the tallest of the three men", "man", ["shape tall++"]),
        ("the second largest cup", "cup", ["size big++ 2"]),
        ("the round thing", "thing", ["shape round"]),
        # position
        ("the left red cup", "cup", ["position left", "colour red"]),
        ("the red cup on the right", "cup", ["colour red", "position right"]),
        ("a brown camel in the front", "camel", ["colour brown", "position front"]),
        ("the dog on the far left", "dog", ["position left++"]),
        ("the leftmost cup", "cup", ["position left++"]),
        ("the left-most red cup", "cup", ["position left++", "colour red"]),
        ("the cup in the middle of the picture", "cup", ["position centre"]),
        ("the big cup in the top left corner", "cup", "size big|position top|position left|position corner"),
        ("the person near the right side of the image", "person", ["position right"]),
        ("the dog in the background", "dog", ["position back"]),
        ("the dog closest to the camera", "dog", ["position front++"]),
        ("the farthest person from the camera", "person", ["position back++"]),
        ("the person closest to the left edge", "person", ["position left++", "position edge++"]),
        ("second from the left", None, ["rank left 2"]),
        ("third person from the right", "person", ["rank right 3"]),
        ("the 2nd car from the right", "car", ["rank right 2"]),
        ("the second leftmost dog", "dog", ["rank left 2"]),
        ("the second dog on the left", "dog", ["rank left 2"]),
        ("the last person on the right", "person", ["rank right 1"]),
        ("the left", None, ["position left"]),
        # motion
        ("a camel moving", "camel", ["motion moving"]),
        ("the parked car", "car", ["motion still"]),
        ("the woman waiting on the left", "woman", ["motion standing", "position left"]),
        ("the bus standing still", "bus", ["motion standing", "motion still"]),
        ("the fastest car", "car", ["motion fast++"]),
        ("the slow-moving truck", "truck", ["motion slow"]),
        ("the one that moves most", "one", ["motion moving++"]),
        ("the least moving cup", "cup", ["not motion moving++"]),
        ("the jumping dog", "dog", ["motion jumping"]),
        ("the ball moving towards the camera", "ball", ["motion moving", "motion towards"]),
        ("the man walking away from the camera", "man", ["motion walking", "motion away"]),
        ("a dog running from left to right", "dog", ["motion running", "motion right"]),
        ("the one moving slowly to the left", "one", ["motion moving", "motion slow", "motion left"]),
        ("the car turning left", "car", ["motion moving", "motion left"]),
        ("the man going out of the frame", "man", ["motion moving", "motion leaves"]),
        ("the person who left", "person", ["motion leaves"]),
        ("two cows on the right walking to the left", "cow", "position right|motion walking|motion left"),
        # order in time
        ("the dog that jumps first", "dog", ["motion jumping", "order first 1 jumping"]),
        ("the last one to leave the scene", "one", ["motion leaves", "order first -1 leaves"]),
        ("the car that moves left and then stops", "car", "motion moving#1|motion left#1|motion stops#2"),
        ("the animal that moves before stopping", "animal", ["motion moving#1", "motion stops#2"]),
        # negation
        ("the dog not moving", "dog", ["not motion moving"]),
        ("the dog which doesn't move", "dog", ["not motion moving"]),
        ("a person without red", "person", ["not colour red"]),
        ("the cup that isn't red", "cup", ["not colour red"]),
        ("neither red nor blue", None, ["not colour red", "not colour blue"]),
        ("all cups except the yellow one", "cup", ["not colour yellow"]),
        ("the man wearing no red", "man", ["not colour red@clothes"]),
        ("the dog that isn't on the left", "dog", ["not position left"]),
    ],
)
def test_attributes(text: str, noun: str | None, expected: list[str] | str) -> None:
    expression = parse(text)
    assert expression.noun == noun
    assert [said(each) for each in expression.attributes] == (
        expected.split("|") if isinstance(expected, str) else expected
    )
    assert expression.unknown == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the cup left of the ball", ["left_of ball"]),
        ("the cup to the left of the ball", ["left_of ball"]),
        ("the cup to the right of the left cup", ["right_of position left cup"]),
        ("the dog next to the person", ["near person"]),
        ("the man behind the red car", ["behind colour red car"]),
        ("the man behind the woman in red", ["behind colour red@clothes woman"]),
        ("the man in front of the car", ["in_front_of car"]),
        ("the girl on the bike", ["on bike"]),
        ("the man riding a horse", ["on horse"]),
        ("the man in the red car", ["inside colour red car"]),
        ("the cup between the ball and the plate", ["between ball & plate"]),
        ("the cup closest to the ball", ["near++ ball"]),
        ("the kid holding a yellow ball", ["with colour yellow ball"]),
        ("the cup bigger than the ball", ["compared ball"]),
        ("the person not on the bike", ["not on bike"]),
    ],
)
def test_relations(text: str, expected: list[str]) -> None:
    assert relations(parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "plural", "count"),
    [
        ("the two dogs", True, 2),
        ("both cups", True, 2),
        ("all red cups", True, None),
        ("a group of people on the left", True, None),
        ("the dog", False, None),
        ("the man in blue jeans", False, None),
        ("the tallest of the three men", False, None),
    ],
)
def test_number(text: str, plural: bool, count: int | None) -> None:
    expression = parse(text)
    assert (expression.plural, expression.count) == (plural, count)


def test_two_things_joined_by_and() -> None:
    expression = parse("the red cup and the yellow ball on the left")
    assert (expression.noun, attributes("the red cup and the yellow ball")) == ("cup", ["colour red"])
    (ball,) = expression.others
    assert ball.noun == "ball"
    assert [said(each) for each in ball.attributes] == ["colour yellow", "position left"]


def test_words_that_cannot_be_used_are_named() -> None:
    expression = parse("the red frobnicator zorbling near the quux on the road eating grass")
    assert expression.noun == "frobnicator"
    named = " ".join([*expression.unknown, *expression.unchecked])
    for word in ("zorbling", "quux", "road", "eating"):
        assert word in named
    assert parse("the sliver car").respelled == (("sliver", "silver"),)


@pytest.mark.parametrize("text", ["", "   ", "???", "the", "of of of", "not", "and and", "no", "'s", "1 2 3"])
def test_odd_sentences_do_no_harm(text: str) -> None:
    parse(text)


@pytest.mark.parametrize(
    "word",
    ["the dog and the cat and", "group of", "most", "except the dog", "from who", "dark", "then", ",", "not"],
)
def test_overlong_sentences_are_read_from_their_beginning(word: str) -> None:
    expression = parse(f"the red cup {word} " + f"{word} " * 5000)
    assert Attribute("colour", ("red",), "red") in expression.attributes
    assert expression.noun == "cup"
    assert expression.unread == 3 + 5001 * len(word.split()) - MOST_WORDS


def test_overlong_words_are_read_from_their_beginning() -> None:
    expression = parse("the red cup " + "ab" * 100_000)
    assert Attribute("colour", ("red",), "red") in expression.attributes
    assert expression.unknown == ("ab" * (MOST_LETTERS // 2),)
    (excluded,) = parse("it isn't the dog's " + "x" * 100_000 + "n't").excluded
    assert excluded.owner is not None
    assert excluded.owner.noun == "dog"


@given(st.lists(st.sampled_from(VOCABULARY), max_size=12).map(" ".join))
def test_any_word_order_is_read(text: str) -> None:
    def check(expression: Expression) -> None:
        for attribute in expression.attributes:
            assert attribute.values
            assert attribute.words
        for relation in expression.relations:
            assert relation.targets
            for target in relation.targets:
                check(target)
        for other in expression.others:
            check(other)

    check(parse(text))


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    parse(text)


def test_colour_names_for_the_detector() -> None:
    assert colour_names_in("the man in a dark red shirt behind the blue car") == ("red", "blue")
    assert colour_names_in("the cup that is not red") == ()
    assert colour_names_in("the dog") == ()
