"""Nouns and what the detector and the classifier answer with when they see them."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files

import pytest

from refervid.engines.lite.language.vocabulary import COCO_CLASSES, FAINT, concept, singulars

NOUNS = [
    line.split("\t")[4].split(", ")
    for name in ("everyday.tsv", "wordnet.tsv")
    for line in (files("refervid.engines.lite.language") / "data" / name).read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize("name", COCO_CLASSES)
def test_each_class_of_the_detector_is_itself(name: str) -> None:
    found = concept(name)
    assert found is not None
    assert found.known is (name not in FAINT)
    assert found.detector[name] == 1


def test_every_line_of_the_tables_can_be_read() -> None:
    for nouns in NOUNS:
        found = concept(nouns[0])
        assert found is not None
        assert found.detector.keys() <= set(COCO_CLASSES)
        assert set(found.uses) <= set(COCO_CLASSES)
        assert all(0 < weight <= 1 for weight in found.detector.values())
        assert all(0 <= index < 1000 for index in found.classifier)
    assert sum(map(len, NOUNS)) > 20_000


def test_a_noun_stands_once_in_the_table_written_by_hand_and_as_sentences_are_read() -> None:
    text = (files("refervid.engines.lite.language") / "data" / "everyday.tsv").read_text("utf-8")
    lines = [line.split("\t")[4] for line in text.splitlines() if line and not line.startswith("#")]
    times = Counter(", ".join(lines).split(", "))
    assert not [noun for noun, count in times.items() if count > 1]
    assert not [noun for noun in times if " " in noun and "-" in noun]  # "ping-pong ball" is three words


@pytest.mark.parametrize(
    ("noun", "classes", "indices"),
    [
        ("puppy", {"dog"}, {151, 263}),
        ("automobile", {"car"}, {817}),
        ("lorry", {"truck"}, {867}),
        ("guy", {"person"}, set()),
        ("cop", {"person"}, set()),
        ("swan", {"bird"}, {100}),
        ("poodle", {"dog"}, {265, 266, 267}),
        ("tumbler", {"cup"}, set()),
        ("mobile phone", {"cell phone"}, {487}),
        ("aeroplane", {"airplane"}, {404}),
        ("sofa", {"couch"}, {831}),
        ("teddy", {"teddy bear"}, {850}),
        ("race car", {"car"}, {751}),
        ("race-car", {"car"}, {751}),
        ("racecar", {"car"}, {751}),
        ("vehicle", {"car", "bus", "truck", "train", "motorcycle", "bicycle", "boat", "airplane"}, {817}),
        ("furniture", {"chair", "couch", "bed", "dining table"}, {831}),
        ("bike", {"bicycle", "motorcycle"}, {444, 670}),
        ("t-shirt", set(), {610}),
        ("coffee cup", {"cup"}, {968}),
        ("living thing", {"person", "dog", "bird", "cow"}, {151}),
    ],
)
def test_synonyms_kinds_and_general_words(noun: str, classes: set[str], indices: set[int]) -> None:
    found = concept(noun)
    assert found is not None
    assert {name for name in classes if found.detector.get(name) == 1} == classes
    assert indices <= found.classifier.keys()


def test_the_animal_does_not_stand_for_the_person_nor_the_reverse() -> None:
    animal, man = concept("animal"), concept("man")
    assert animal is not None
    assert "person" not in animal.detector
    assert man is not None
    assert set(man.detector) == {"person"}


@pytest.mark.parametrize(("noun", "neighbour"), [("camel", "horse"), ("deer", "cow"), ("van", "truck")])
def test_neighbours_weigh_less_than_the_thing_itself(noun: str, neighbour: str) -> None:
    found = concept(noun)
    assert found is not None
    assert 0 < found.detector[neighbour] < 1


@pytest.mark.parametrize(
    ("noun", "known"),
    [
        ("dog", True),
        ("zebra", True),
        ("camel", True),  # by the classifier
        ("fox", True),
        ("woman", True),
        ("deer", False),
        ("sky", False),
        ("thing", False),
        ("kettle", False),
        ("football", False),  # too small to be seen for sure
        ("cutlery", False),
        ("shoelace", False),
        ("trolley", False),  # a tram or a shopping cart
        ("tiger", True),  # at least as a cat
        ("fish", False),  # the detector sees nothing of these
        ("guitar", False),
        ("spider", False),
        ("traffic light", False),  # far ones are hardly ever seen
        ("squirrel", False),
        ("piano", False),  # a table at best
        ("carriage", False),  # of a train or behind a horse
        ("speaker", False),  # who speaks, or a box
        ("screen", False),
    ],
)
def test_what_would_be_seen_if_it_were_there(noun: str, known: bool) -> None:
    found = concept(noun)
    assert found is not None
    assert found.known is known


@pytest.mark.parametrize(
    "noun", ["sky", "road", "grass", "water", "wall", "table top", "floor", "snow", "sand", "sun", "street"]
)
def test_stuff(noun: str) -> None:
    found = concept(noun)
    assert found is not None
    assert found.stuff


@pytest.mark.parametrize(
    ("noun", "kind", "classes", "indices"),
    [
        ("screen", "furniture", {"tv"}, {664}),
        ("phone screen", "furniture", set(), {487}),
        ("whiteboard", "place", set(), set()),
        ("blanket", "furniture", set(), {750}),
        ("organ", "instrument", set(), {687}),
        ("brownie", "food", set(), set()),
        ("box cutter", "object", set(), set()),
        ("garden hose", "object", set(), set()),  # in WordNet's first sense tights
        ("outlet", "object", set(), set()),  # a shop
        ("lever", "object", set(), set()),  # not scissors
        ("wing mirror", "part", set(), {475}),
        ("apron", "garment", set(), {411}),  # no glasses
        ("shovel", "object", set(), {792}),
        ("ping-pong ball", "ball", {"sports ball"}, {722}),
    ],
)
def test_what_people_mean_by_a_word(noun: str, kind: str, classes: set[str], indices: set[int]) -> None:
    found = concept(noun)
    assert found is not None
    assert found.kind == kind
    assert {name for name, weight in found.detector.items() if weight == 1} == classes
    assert indices <= found.classifier.keys()
    assert bool(found.classifier) is bool(indices)


@pytest.mark.parametrize(
    ("noun", "unchecked", "uses"),
    [
        ("girl", {"female", "young"}, set()),
        ("person", set(), set()),
        ("dancer", {"dancer"}, set()),
        ("waitress", {"female", "waitress"}, set()),
        ("snowboarder", {"snowboarder"}, {"snowboard"}),
        ("cyclist", {"cyclist"}, {"bicycle"}),
        ("jockey", {"jockey"}, {"horse"}),
    ],
)
def test_persons(noun: str, unchecked: set[str], uses: set[str]) -> None:
    found = concept(noun)
    assert found is not None
    assert found.detector == {"person": 1}
    assert unchecked <= set(found.unchecked)
    assert bool(found.unchecked) is bool(unchecked)
    assert set(found.uses) == uses


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("dogs", "dog"),
        ("women", "woman"),
        ("firemen", "fireman"),
        ("people", "person"),
        ("puppies", "puppy"),
        ("buses", "bus"),
        ("geese", "goose"),
        ("mice", "mouse"),
        ("wolves", "wolf"),
        ("sheep", "sheep"),
        ("race cars", "race car"),
        ("tomatoes", "tomato"),
        ("glasses", "glasses"),
        ("trousers", "trousers"),
        ("bus", "bus"),
        ("tyres", "tyre"),
    ],
)
def test_plurals(plural: str, singular: str) -> None:
    found = concept(plural)
    assert found is not None
    assert found.noun == singular


@pytest.mark.parametrize(("noun", "head"), [("biscuit box", "box"), ("rusty brown mastiff puppy", "puppy")])
def test_a_compound_that_is_not_known_is_a_kind_of_its_last_word(noun: str, head: str) -> None:
    found = concept(noun)
    assert found is not None
    assert found.noun == head


@pytest.mark.parametrize("noun", ["", " ", "frobnicator", "'", "-", "\n", "zorbling quux", "s", "犬"])
def test_what_is_no_noun_has_no_concept(noun: str) -> None:
    assert concept(noun) is None


def test_singulars_of_a_word_without_plural_ending() -> None:
    assert list(singulars("dog")) == []


def test_wordnet_fills_in_what_is_written_by_hand_without_classes_of_imagenet() -> None:
    bridge, person = concept("bridge"), concept("person")
    assert bridge is not None
    assert {821, 839} <= bridge.classifier.keys()
    assert person is not None
    assert not person.classifier
