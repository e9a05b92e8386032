"""The joints of a person by the network that comes as a package."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from refervid.core.types import Frame
from refervid.engines.lite import pose
from refervid.media.pictures import decode_jpeg

WHOLE = np.array([19.2, 19.2, 172.8, 172.8])
"""With its margin, just a picture of 192 x 192."""
JOINTS = ("nose", "shoulder", "hip", "ankle")


PLACES = {
    "nose": (96, 40),
    "left shoulder": (114, 64),
    "right shoulder": (78, 64),
    "left wrist": (127, 112),
    "right wrist": (65, 112),
    "left hip": (105, 108),
    "right hip": (87, 108),
    "left knee": (107, 140),
    "right knee": (85, 140),
    "left ankle": (108, 172),
    "right ankle": (84, 172),
}


def _figure() -> Frame:
    """Somebody who looks at us, in a red shirt and blue trousers, with the joints at `PLACES`."""
    picture = np.random.default_rng(0).integers(54, 67, (192, 192, 3)).astype(np.uint8)
    skin, shirt, trousers, dark = (214, 160, 125), (150, 30, 40), (40, 50, 90), (20, 20, 20)
    limbs = [((96, 48), (96, 56), 6, skin)]
    for side in (-1, 1):
        limbs += [
            ((96 + side * x0, y0), (96 + side * x1, y1), radius, colour)
            for x0, y0, x1, y1, radius, colour in (
                (18, 64, 28, 90, 6, shirt),
                (28, 90, 31, 112, 5, skin),
                (9, 108, 11, 140, 9, trousers),
                (11, 140, 12, 172, 7, trousers),
                (12, 174, 17, 175, 4, dark),
                (8, 68, 8, 104, 12, shirt),
            )
        ]
    limbs += [((96, 34), (96, 39), 11, skin), ((90, 26), (102, 26), 7, (60, 40, 30))]
    limbs += [((x, 35), (x, 35), 1, dark) for x in (92, 100)] + [((93, 44), (99, 44), 1, (120, 40, 40))]
    y, x = np.mgrid[:192, :192]
    for (x0, y0), (x1, y1), radius, colour in limbs:
        dx, dy = x1 - x0, y1 - y0
        along = np.clip(((x - x0) * dx + (y - y0) * dy) / max(1, dx**2 + dy**2), 0, 1)
        picture[np.hypot(x - x0 - along * dx, y - y0 - along * dy) <= radius] = colour
    return picture


def test_finds_the_joints_of_a_drawn_person() -> None:
    found = dict(zip(pose.KEYPOINTS, pose.keypoints(_figure(), WHOLE), strict=True))
    for name, place in PLACES.items():
        assert np.hypot(*(found[name][:2] - place)) < 8, name
        assert 0.3 < found[name][2] <= 1, name


def test_finds_what_the_published_graph_finds() -> None:
    """The numbers are those of another interpreter of the file, which runs its operations one by one."""
    expected = np.array(json.loads(Path(__file__).with_name("movenet.json").read_text("utf-8")))
    found = pose.keypoints(_figure(), WHOLE)
    assert found.dtype == np.float32
    assert np.abs(found[:, :2] - expected[:, :2]).max() < 1e-2
    assert np.abs(found[:, 2] - expected[:, 2]).max() < 1e-3


@pytest.mark.parametrize("clip", ["parkour", "dance-twirl"])
def test_the_joints_lie_in_a_person(shared_dir: Path, clip: str) -> None:
    frames = shared_dir / "data/davis16"
    picture = decode_jpeg((frames / f"JPEGImages/{clip}/00000.jpg").read_bytes())
    ys, xs = np.nonzero(np.asarray(Image.open(frames / f"Annotations/{clip}/00000.png")))
    box = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
    found = pose.keypoints(picture, box)
    places = {name: found[[name in keypoint for keypoint in pose.KEYPOINTS], :2] for name in JOINTS}
    assert [len(own) for own in places.values()] == [1, 2, 2, 2]
    for name, own in places.items():
        assert ((box[:2] <= own) & (own <= box[2:])).all(), name
    nose, _, hips, ankles = (own[:, 1].mean() for own in places.values())
    assert nose < hips < ankles


def test_the_joints_move_and_grow_with_the_person() -> None:
    picture = np.zeros((500, 600, 3), np.uint8)
    picture[60:444, 150:534] = _figure().repeat(2, axis=0).repeat(2, axis=1)
    there = pose.keypoints(picture, 2 * WHOLE + [150, 60, 150, 60])
    assert np.abs(there - pose.keypoints(_figure(), WHOLE) * [2, 2, 1] - [150, 60, 0]).max() < 1e-3


def test_beyond_the_picture_all_is_black() -> None:
    black = _figure()
    black[:45] = black[:, :80] = black[150:] = 0
    cut = pose.keypoints(black[45:150, 80:], WHOLE - [80, 45, 80, 45])
    assert np.abs(pose.keypoints(black, WHOLE) - cut - [80, 45, 0]).max() < 1e-3
