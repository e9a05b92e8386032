"""A result as data: its frames and objects, what it turns into, and back again from its folder."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from jsonschema import Draft202012Validator
from pycocotools import mask as coco

import refervid
from refervid.core.types import Decision, Pivot, SoundReference, TextReference
from refervid.media.array import ArrayClip
from refervid.pipelines.marks import check_marks
from refervid.report.objects import TrackedObject, union_of
from refervid.report.record import schema

FRAMES, HEIGHT, WIDTH = 6, 40, 60
SCHEMA = Path(__file__).parents[2] / "docs" / "result.schema.json"


def square(thing: int, index: int) -> np.ndarray:
    """Two squares; the second is away on the first two frames."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    if thing == 1:
        mask[4:14, 5 + index : 15 + index] = True
    elif index >= 2:
        mask[20:32, 40:52] = True
    return mask


@pytest.fixture
def clip() -> ArrayClip:
    frames = np.full((FRAMES, HEIGHT, WIDTH, 3), 120, np.uint8)
    for index in range(FRAMES):
        frames[index][square(1, index) | square(2, index)] = 10
    return ArrayClip(frames, fps=5, name="squares")


@pytest.fixture
def both(clip: ArrayClip) -> refervid.Result:
    objects = []
    for thing in (1, 2):
        track = refervid.Track(FRAMES, HEIGHT, WIDTH)
        for index in range(FRAMES):
            track[index] = square(thing, index)
            track.presence[index] = square(thing, index).any()
        objects.append(TrackedObject(thing, (Pivot(3, box_xyxy=np.float32([1, 2, 3, 4])),), track))
    candidate = refervid.Candidate(np.float32([1, 2, 3, 4]), 0.5, "square")
    decision = Decision("box", "1", "rules", "it is black", 0, 3, candidates=(candidate,), chosen=(0,))
    return refervid.Result(
        clip,
        TextReference("the <black> things"),
        "the-black-things",
        "ok",
        union_of(objects, clip),
        "lite",
        confidence=0.75,
        pivots=[pivot for one in objects for pivot in one.pivots],
        decisions=[decision],
        objects=objects,
    )


def test_two_things_are_two_objects(both: refervid.Result) -> None:
    first, second = both.objects
    assert (first.id, second.id) == (1, 2)
    np.testing.assert_array_equal(both.masks, first.masks | second.masks)
    assert not (first.masks & second.masks).any()
    np.testing.assert_array_equal(first.boxes_xyxy[3], [8, 4, 18, 14])
    assert second.areas.tolist() == [0, 0, 144, 144, 144, 144]


def test_a_frame_of_a_result(both: refervid.Result) -> None:
    early, late = both[0], both[-1]
    assert (early.index, late.index, late.time_s) == (0, FRAMES - 1, pytest.approx(1.0))
    np.testing.assert_array_equal(late.mask, square(1, 5) | square(2, 5))
    np.testing.assert_array_equal(late.box_xyxy, both.boxes_xyxy[-1])
    np.testing.assert_array_equal(late.objects[2], square(2, 5))
    assert [frame.index for frame in both] == list(range(FRAMES))
    assert [one.index for one in both[1:3]] == [1, 2]
    assert [one.index for one in both[-2:]] == [len(both) - 2, len(both) - 1]
    with pytest.raises(IndexError, match=f"no frame {len(both)}: the clip has {len(both)} frames"):
        both[FRAMES]


def test_nothing_has_no_box(clip: ArrayClip) -> None:
    empty = refervid.Track(FRAMES, HEIGHT, WIDTH)
    nothing = refervid.Result(clip, TextReference("a cow"), "a-cow", "not_found", empty, "lite")
    assert nothing[0].box_xyxy is None
    assert nothing.objects == ()


def test_the_overlay_shows_every_object(both: refervid.Result, clip: ArrayClip) -> None:
    for index, picture in enumerate(both.overlay()):
        changed = (picture != clip.frame(index)).any(axis=2)
        for mask in both[index].objects.values():
            assert changed[mask].all()
        assert not changed[36:].any()


def test_coco_has_an_annotation_per_object(both: refervid.Result) -> None:
    document = both.to_coco()
    assert [one["name"] for one in document["categories"]] == ["the <black> things"]
    assert [(one["object_id"], one["category_id"]) for one in document["annotations"]] == [(1, 1), (2, 1)]
    second = json.loads(json.dumps(document))["annotations"][1]
    assert second["segmentations"][0] is None
    np.testing.assert_array_equal(coco.decode(second["segmentations"][4]), square(2, 4))


@pytest.mark.skipif(find_spec("supervision") is None, reason="the package supervision is not installed")
def test_supervision_gets_detections(both: refervid.Result) -> None:
    frames = list(both.to_supervision())
    assert [frame.tracker_id.tolist() for frame in frames] == [[1]] * 2 + [[1, 2]] * 4
    np.testing.assert_array_equal(frames[5].mask[1], square(2, 5))
    np.testing.assert_allclose(frames[5].xyxy[1], [40, 20, 52, 32], atol=1)


@pytest.mark.skipif(find_spec("supervision") is not None, reason="the package supervision is installed")
def test_without_supervision_it_is_said_how_to_get_it(both: refervid.Result) -> None:
    with pytest.raises(refervid.errors.MissingExtra, match="pip install supervision"):
        next(both.to_supervision())


def test_a_notebook_shows_a_film(both: refervid.Result, tmp_path: Path) -> None:
    html = both._repr_html_()
    assert "the &lt;black&gt; things: ok (75% sure), 2 objects on 6 of 6 frames" in html
    [film] = re.findall(r'src="data:video/mp4;base64,([^"]+)"', html)
    (tmp_path / "film.mp4").write_bytes(base64.b64decode(film))
    with av.open(str(tmp_path / "film.mp4")) as container:
        assert len(list(container.decode(video=0))) == FRAMES


def test_saved_and_loaded(both: refervid.Result, clip: ArrayClip, tmp_path: Path) -> None:
    loaded = refervid.Result.load(both.save(tmp_path / "out"), clip)
    assert (loaded.query, loaded.status, loaded.confidence) == (both.query, "ok", 0.75)
    np.testing.assert_array_equal(loaded.masks, both.masks)
    for mine, theirs in zip(both.objects, loaded.objects, strict=True):
        np.testing.assert_array_equal(mine.masks, theirs.masks)
        np.testing.assert_array_equal(mine.pivots[0].box_xyxy, theirs.pivots[0].box_xyxy)
    assert [one.chosen for one in loaded.decisions] == [(0,)]
    assert len(list(loaded.overlay())) == FRAMES
    again = refervid.Result.load(loaded.save(tmp_path / "again"), clip)
    np.testing.assert_array_equal(again.masks, both.masks)


def test_a_box_with_no_points_is_loaded_as_a_mark_that_fits(
    both: refervid.Result, clip: ArrayClip, tmp_path: Path
) -> None:
    marked = Pivot(3, np.float32([1, 2, 3, 4]), points_xy=np.zeros((0, 2)), point_labels=np.zeros(0, bool))
    replace(both, pivots=(marked,)).save(tmp_path)
    [pivot] = refervid.Result.load(tmp_path, video=clip).pivots
    check_marks(clip, {"it": [pivot]})


def test_without_its_video_a_loaded_result_has_no_frames(both: refervid.Result, tmp_path: Path) -> None:
    loaded = refervid.Result.load(both.save(tmp_path / "out"))
    np.testing.assert_array_equal(loaded.masks, both.masks)
    np.testing.assert_allclose(loaded.times_s, both.times_s)
    assert "2 objects" in loaded._repr_html_()
    with pytest.raises(refervid.errors.MediaNotFound, match="video="):
        next(loaded.overlay())
    other = ArrayClip(np.zeros((2, HEIGHT, WIDTH, 3), np.uint8))
    with pytest.raises(refervid.errors.SettingsError, match="the one it was made from"):
        refervid.Result.load(tmp_path / "out", other)


def test_several_results_are_loaded_together(both: refervid.Result, clip: ArrayClip, tmp_path: Path) -> None:
    empty = refervid.Track(FRAMES, HEIGHT, WIDTH)
    silence = refervid.Result(clip, SoundReference(), "sound", "not_found", empty, "lite")
    refervid.save_results([both, silence], tmp_path)
    texts = [(one.query, len(one.objects)) for one in refervid.load_results(tmp_path)]
    assert texts == [(both.query, 2), ("sound", 0)]
    with pytest.raises(refervid.errors.SettingsError, match="load_results"):
        refervid.Result.load(tmp_path)


def test_the_schema_is_published_and_holds(both: refervid.Result, tmp_path: Path) -> None:
    published = json.loads(SCHEMA.read_text())
    assert published == schema(), f"write the schema anew into {SCHEMA}: {json.dumps(schema(), indent=1)}"
    Draft202012Validator.check_schema(published)
    content = json.loads((both.save(tmp_path) / "result.json").read_text())
    validator = Draft202012Validator(published)
    assert content["schema_version"] == 1
    assert not list(validator.iter_errors(content))
    assert list(validator.iter_errors({**content, "status": "fine"}))


def _cut(document: dict[str, Any]) -> None:
    document["annotations"][0]["segmentations"].pop()


def _lie(document: dict[str, Any]) -> None:
    document["annotations"][0]["segmentations"][0]["counts"] = "0123"


@pytest.mark.parametrize("harm", [_cut, _lie, dict.clear])
def test_damaged_masks_are_refused(both: refervid.Result, tmp_path: Path, harm: Any) -> None:
    both.save(tmp_path)
    document = json.loads((tmp_path / "objects.json").read_text())
    harm(document)
    (tmp_path / "objects.json").write_text(json.dumps(document))
    with pytest.raises(refervid.errors.BadResult):
        refervid.Result.load(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"schema_version": 2}', "\x00"])
def test_what_is_no_result_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(refervid.errors.BadResult, match="cannot be read"):
        refervid.Result.load(tmp_path)
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(refervid.errors.BadResult, match="not as this program writes"):
        refervid.Result.load(tmp_path)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e30])
def test_numbers_that_nothing_can_be_drawn_with_are_refused(
    both: refervid.Result, tmp_path: Path, number: float
) -> None:
    both.save(tmp_path)
    document = json.loads((tmp_path / "result.json").read_text())
    document["queries"][0]["decisions"][0]["candidates"][0]["box_xyxy"][0] = number
    (tmp_path / "result.json").write_text(json.dumps(document))
    with pytest.raises(refervid.errors.BadResult, match="box_xyxy"):
        refervid.Result.load(tmp_path)


def test_a_name_that_no_path_may_hold_is_refused_when_it_is_saved(
    both: refervid.Result, tmp_path: Path
) -> None:
    with pytest.raises(refervid.errors.UnsafeName, match="no file name here may hold"):
        dataclasses.replace(both, slug="a\0b").save(tmp_path / "out")
