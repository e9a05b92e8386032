"""The finder of things: its network on a real picture, and what it says without its package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from refervid.core.boxes import box_iou
from refervid.core.errors import BadCheckpoint, MissingWeights
from refervid.core.types import no_hook
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.engines.linking import Detections, Linker, joined
from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.objects import finder, looks
from refervid.engines.lite.objects.carrying import carry
from refervid.engines.lite.objects.colours import colours_of
from refervid.engines.lite.objects.finder import ObjectFinder, ObjectsSettings
from refervid.engines.lite.objects.kept_inventory import to_bytes
from refervid.engines.lite.objects.looks import distinct, sizes_of
from refervid.engines.lite.objects.network import GRAPH, LAYOUT, ObjectNetwork
from refervid.media.array import ArrayClip
from refervid.media.opening import open_clip
from refervid.media.part import PartClip
from tests.clips import disc_and_square
from tests.engines.made_clips import BLUE, RED, Thing, made_clip

HEIGHT, WIDTH = 60, 100
DOG, CAT = 16, 15
"""Columns of `COCO_CLASSES`."""


def names(**columns: float) -> np.ndarray:
    row = np.zeros(80, np.float32)
    for column, value in columns.items():
        row[int(column.removeprefix("c"))] = value
    return row


def found(*rows: tuple[list[float], np.ndarray]) -> Detections:
    boxes = np.array([box for box, _ in rows], np.float32).reshape(-1, 4)
    return Detections(boxes, np.array([each for _, each in rows], np.float32).reshape(-1, 80))


def test_a_dog_is_found_on_a_picture_of_one(shared_dir: Path) -> None:
    picture = open_clip(shared_dir / "data" / "media" / "dog_image.jpg").frame(0)
    clip = ArrayClip(np.stack([picture, picture]), fps=5)
    inventory = ObjectFinder(ObjectsSettings()).find(clip, no_hook)
    best = max(inventory.tracks, key=lambda track: float(track.scores.mean()))
    assert next(iter(best.names)) == "dog"
    assert best.names["dog"] > 0.5


@pytest.mark.parametrize(("height", "width"), [(480, 854), (1024, 576), (400, 400), (3, 2000), (1, 1)])
def test_looks_keep_the_shape_and_fit_the_network(height: int, width: int) -> None:
    sizes = sizes_of(height, width, fine=True)
    assert sizes[0] == (300, 300)
    for h, w in sizes[1:]:
        assert h % 64 == w % 64 == 300 % 64
        assert min(h, w) >= 300
        assert max(h, w) <= 3.2 * min(h, w)
        if max(height, width) < 3 * min(height, width):
            assert w / h == pytest.approx(width / height, rel=0.08)


def test_in_a_larger_picture_the_same_is_seen_at_its_place(shared_dir: Path) -> None:
    picture = open_clip(shared_dir / "data" / "media" / "dog_image.jpg").frame(0)
    alone, larger = (np.full((*size, 3), 127, np.uint8) for size in ((300, 300), (492, 556)))
    alone[64:236, 64:236] = cv2.resize(picture, (172, 172), interpolation=cv2.INTER_AREA)
    larger[128:428, 192:492] = alone
    network = ObjectNetwork()
    boxes = []
    for frame in (alone, larger):
        seen = network(frame, (frame.shape[0], frame.shape[1]))
        best = int(seen.names[:, DOG].argmax())
        assert seen.names[best, DOG] > 0.5
        boxes.append(seen.boxes[best])
    assert np.abs(boxes[1] - [192, 128, 192, 128] - boxes[0]).max() < 12


def test_one_thing_is_told_once_with_the_names_of_all_its_boxes() -> None:
    twice = found(([10, 10, 50, 50], names(c16=0.9)), ([12, 10, 51, 50], names(c16=0.5, c15=0.4)))
    once = distinct(twice)
    assert once.boxes.tolist() == [[10, 10, 50, 50]]
    assert once.names[0, DOG] == pytest.approx(0.9)
    assert 0 < once.names[0, CAT] < 0.4
    apart = distinct(found(([0, 0, 20, 20], names(c16=0.9)), ([60, 0, 80, 20], names(c16=0.8))))
    assert len(apart.boxes) == 2


def test_a_herd_is_no_cow_and_a_person_before_others_is_one() -> None:
    one, other = ([0, 0, 20, 20], names(c19=0.8)), ([60, 0, 80, 20], names(c19=0.9))
    herd = distinct(found(one, other, ([0, 0, 80, 40], names(c19=0.5))))
    assert herd.boxes.tolist() == [other[0], one[0]]
    # Who fills the picture is surer than those behind.
    before_others = distinct(found(one, other, ([0, 0, 80, 40], names(c19=0.95))))
    assert [0, 0, 80, 40] in before_others.boxes.tolist()
    # One thing in another's box, however sure, tells nothing.
    assert len(distinct(found(one, ([0, 0, 80, 40], names(c19=0.5)))).boxes) == 2


def test_tracks_keep_apart_what_moves_apart() -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(100, 140, (1, HEIGHT, WIDTH, 3), np.uint8).repeat(12, 0)
    for index in range(12):
        frames[index, 20:36, 5 + 4 * index : 21 + 4 * index] = 250
    clip = ArrayClip(frames, fps=6)
    scene, linker = Scene(clip), Linker(clip.times_s[::2])
    colours = np.full((2, 22), 1 / 22, np.float32)
    for index in range(0, 12, 2):
        carry(linker, scene, max(index - 2, 0), index)
        moving = [5.0 + 4 * index, 20, 21 + 4 * index, 36]
        seen = found((moving, names(c16=0.9)), ([80, 5, 95, 20], names(c16=0.8)))
        linker.add(index, float(clip.times_s[index]), seen, colours)
    assert [one.frames for one in joined(linker.tracks, linker.gap_s)] == [[0, 2, 4, 6, 8, 10]] * 2


def test_without_its_package_nothing_is_named_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = replace(GRAPH, package="no_such_package")
    monkeypatch.setattr(finder, "GRAPH", absent)
    clip = ArrayClip(np.zeros((3, 16, 16, 3), np.uint8), fps=10)
    inventory = ObjectFinder(ObjectsSettings()).find(clip, no_hook)
    assert not inventory.tracks
    assert "pip install" in inventory.notes[0]
    with pytest.raises(MissingWeights, match="pip install"):
        absent.read()


def test_another_file_than_the_pinned_one_is_refused() -> None:
    with pytest.raises(BadCheckpoint, match="install that version"):
        replace(LAYOUT, sha256="0" * 64).read()


def test_frames_on_which_nothing_is_found_are_no_fault() -> None:
    scene = Scene(ArrayClip(np.zeros((1, 16, 16, 3), np.uint8)))
    assert colours_of(scene, 0, np.zeros((0, 4), np.float32)).shape == (0, 22)


def test_what_was_seen_in_a_part_is_not_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ArrayClip(disc_and_square(34), fps=12)
    looked_at: list[bool] = []

    def detect(network: ObjectNetwork, frame: np.ndarray, *, fine: bool) -> Detections:
        looked_at.append(fine)
        return looks.detect(network, frame, fine=fine)

    monkeypatch.setattr(finder, "detect", detect)
    alone = ObjectFinder(ObjectsSettings()).find(whole, no_hook)
    assert looked_at == [True, False, False] * 3
    one = ObjectFinder(ObjectsSettings())
    part = one.find(PartClip(whole, start_s=1.0, end_s=1.5), no_hook)
    assert part.frame_indices == (0, 4)
    assert to_bytes(one.find(whole, no_hook)) == to_bytes(alone)
    assert len(looked_at) == 18


def box_of(mask: np.ndarray) -> list[int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]


def test_what_has_no_name_is_found_by_its_motion_and_colour(tmp_path: Path) -> None:
    things = [Thing(RED, lambda i: (40 + 4 * i, 50)), Thing(BLUE, lambda i: (170, 100))]
    made = made_clip(tmp_path / "frames", things, 16)
    finder = ObjectFinder(ObjectsSettings())
    whole = finder.complete(made.clip, Inventory((), ()), no_hook)
    for masks in made.masks:
        assert any(
            box_iou(one.boxes_xyxy[0].astype(float), np.array(box_of(masks[one.frame_indices[0]]), float))
            > 0.5
            for one in whole.tracks
        )
    assert all(not one.names for one in whole.tracks)
    ends = np.array([0, 15])
    boxes = np.array([box_of(made.masks[1][index]) for index in ends], np.float32)
    named = ObjectTrack(7, ends, boxes, np.ones(2, np.float32), {"kite": 1.0})
    rest = finder.complete(made.clip, Inventory((named,), ()), no_hook).tracks
    assert rest[0] is named
    assert [one.number for one in rest] == list(range(7, 7 + len(rest)))
    assert len(rest) == len(whole.tracks)
