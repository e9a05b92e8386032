"""Garments and parts of the body on a figure whose joints are known."""

from __future__ import annotations

import numpy as np
import pytest

from refervid.core.boxes import box_iou
from refervid.engines.lite.chooser.body import part_box
from refervid.engines.lite.chooser.joints import SURE, Joints, box_by_joints, shows_body, uprightness
from refervid.engines.lite.pose import KEYPOINTS

HEAD = 20.0
PLACES = {  # in heads, of the figure's left side; it faces us, so that is on our right
    "nose": (0.0, 0.1),
    "eye": (0.14, 0.0),
    "ear": (0.32, 0.05),
    "shoulder": (0.75, 1.2),
    "elbow": (0.9, 2.4),
    "wrist": (1.0, 3.4),
    "hip": (0.5, 3.4),
    "knee": (0.5, 5.2),
    "ankle": (0.5, 6.8),
}


@pytest.fixture
def figure() -> Joints:
    """Standing, its eyes in the middle at (100, 50)."""
    rows = []
    for name in KEYPOINTS:
        x, y = PLACES[name.split(" ")[-1]]
        side = 1 if name.startswith("left") else -1
        rows.append((100 + side * HEAD * x, 50 + HEAD * y, 0.9))
    return np.array(rows, np.float32)


@pytest.mark.parametrize(
    ("noun", "box"),
    [
        ("hat", (90, 35, 110, 50)),
        ("hard hat", (90, 35, 110, 50)),
        ("glasses", (92, 47, 108, 53)),
        ("face", (92, 44, 108, 61)),
        ("shirt", (79, 70, 121, 122)),
        ("trousers", (84, 116, 116, 188)),
        ("shoe", (83, 183, 117, 194)),
    ],
)
def test_where_things_are(figure: Joints, noun: str, box: tuple[float, ...]) -> None:
    found = box_by_joints(figure, noun)
    assert found is not None
    assert box_iou(found, np.array(box, float)) > 0.8


def test_a_hand_is_beyond_its_wrist_and_the_one_that_is_seen_best_is_meant(figure: Joints) -> None:
    figure[KEYPOINTS.index("left wrist"), 2] = 0.5
    one, both = (box_by_joints(figure, "hand", both=both) for both in (False, True))
    assert one is not None
    assert both is not None
    wrist, elbow = (figure[KEYPOINTS.index(f"right {joint}"), :2] for joint in ("wrist", "elbow"))
    middle = (one[:2] + one[2:]) / 2
    assert np.linalg.norm(middle - elbow) > np.linalg.norm(wrist - elbow)
    assert both[0] == one[0]
    assert both[2] > 100 > one[2]


def test_from_behind_the_head_is_above_the_shoulders(figure: Joints) -> None:
    seen = box_by_joints(figure, "head")
    for name in ("nose", "left eye", "right eye", "left ear", "right ear"):
        figure[KEYPOINTS.index(name), 2] = SURE / 2
    assert seen is not None
    assert box_iou(box_by_joints(figure, "head"), seen) > 0.5


def test_what_is_hidden_has_no_place_by_joints(figure: Joints) -> None:
    for side in ("left", "right"):
        for joint in ("ankle", "knee"):
            figure[KEYPOINTS.index(f"{side} {joint}"), 2] = SURE / 2
    assert box_by_joints(figure, "shoe") is None
    assert box_by_joints(figure, "trousers") is None
    assert box_by_joints(figure, "wheel") is None
    figure[:, 2] = 0
    assert box_by_joints(figure, "hat") is None


def test_without_joints_the_rule_of_thumb_is_left(figure: Joints) -> None:
    person = np.array([80, 30, 120, 194], float)
    by_thumb = part_box(person, "shirt", None)
    assert by_thumb is not None
    figure[:, 2] = 0
    assert np.array_equal(part_box(person, "shirt", figure), by_thumb)
    assert part_box(person, "hand", None) is None
    for known, like_it in (
        ("shirt", "jersey"),
        ("hat", "bandana"),
        ("glasses", "spectacles"),
        ("beard", "chin"),
    ):
        assert np.array_equal(part_box(person, like_it, None), part_box(person, known, None))


def test_a_hand_alone_shows_no_body(figure: Joints) -> None:
    assert shows_body(figure)
    figure[3:, 2] = 0
    assert not shows_body(figure)
    assert shows_body(None)  # without the network nobody can tell


def test_who_sits_is_not_upright(figure: Joints) -> None:
    assert uprightness(figure) == 1
    knees = [name.endswith("knee") for name in KEYPOINTS]
    figure[knees, 1] = figure[[name.endswith("hip") for name in KEYPOINTS], 1] + HEAD / 3
    assert uprightness(figure) == 0
    figure[knees, 2] = 0
    assert uprightness(figure) is None
