"""Forms for labelling tools, benchmarks and editors, read back as those read them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from refervid.core.track import Track
from refervid.media.array import ArrayClip
from refervid.media.exports import NamedTrack, export
from refervid.media.exports.polygons import outline
from tests.clips import numbered_frames

FRAMES, HEIGHT, WIDTH = 6, 72, 128


def rings() -> Track:
    """A ring and a block apart from it, that move; away on frame 3."""
    track = Track(FRAMES, HEIGHT, WIDTH)
    for index in range(FRAMES):
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.circle(mask, (30 + 3 * index, 35), 20, 1, -1)
        cv2.circle(mask, (30 + 3 * index, 35), 9, 0, -1)
        mask[10:30, 90:110] = 1
        if index != 3:
            track[index] = mask.astype(bool)
    return track


class Measured(Track):
    """Counts how often its boxes are measured."""

    measured = 0

    def boxes_xyxy(self) -> NDArray[np.float32]:
        self.measured += 1
        return super().boxes_xyxy()


def block() -> Track:
    track = Track(FRAMES, HEIGHT, WIDTH)
    for index in range(2, FRAMES):
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[50:60, 60:80] = True
        track[index] = mask
    return track


@pytest.fixture
def clip() -> ArrayClip:
    return ArrayClip(numbered_frames(FRAMES, HEIGHT, WIDTH), fps=5, name="clip")


@pytest.fixture
def tracks() -> list[NamedTrack]:
    """One sentence for one thing, one for two."""
    first, second = rings(), block()
    return [
        NamedTrack("ring", "the ring", first, [first]),
        NamedTrack("two", "two things", first, [first, second]),
    ]


def test_pycocotools_loads_every_object_on_every_frame(
    tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack]
) -> None:
    export("coco", tmp_path, clip, tracks)
    coco = COCO(str(tmp_path / "coco.json"))
    assert [one["name"] for one in coco.loadCats(coco.getCatIds())] == ["the ring", "two things"]
    assert len(coco.getImgIds()) == FRAMES
    assert len(coco.anns) == 2 * 5 + 4
    truths = {1: rings(), 2: rings(), 3: block()}
    for annotation in coco.anns.values():
        truth = truths[annotation["track_id"]][annotation["image_id"] - 1]
        np.testing.assert_array_equal(coco.annToMask(annotation).astype(bool), truth)
        assert annotation["area"] == truth.sum()
        x, y, w, h = annotation["bbox"]
        assert truth[int(y) : int(y + h), int(x) : int(x + w)].sum() == truth.sum()


@pytest.mark.parametrize("index", range(FRAMES))
def test_one_polygon_holds_parts_and_holes(index: int) -> None:
    mask = rings()[index]
    polygon = outline(mask)
    canvas = np.zeros((HEIGHT * 8, WIDTH * 8), np.uint8)
    if len(polygon):
        cv2.fillPoly(canvas, [np.round(polygon * 8).astype(np.int32)], 1)
    drawn = canvas[4::8, 4::8].astype(bool)
    assert (drawn != mask).mean() < 0.003


def test_cvat_tracks_have_polygons_and_say_where_a_thing_is_away(
    tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack]
) -> None:
    export("cvat", tmp_path, clip, tracks)
    root = ElementTree.parse(tmp_path / "cvat.xml").getroot()
    assert root.findtext("version") == "1.1"
    assert [label.findtext("name") for label in root.iter("label")] == ["the ring", "two things"]
    found = root.findall("track")
    assert [track.get("label") for track in found] == ["the ring", "two things", "two things"]
    outside = [shape.get("outside") for shape in found[0]]
    assert outside == ["0", "0", "0", "1", "0", "0"]
    assert [shape.get("frame") for shape in found[2]] == ["2", "3", "4", "5"]
    points = np.array(
        [[float(v) for v in pair.split(",")] for pair in found[2][0].get("points", "").split(";")]
    )
    assert points.min(axis=0) == pytest.approx([60, 50], abs=0.3)
    assert points.max(axis=0) == pytest.approx([80, 60], abs=0.3)


def test_label_studio_rectangles_are_in_per_cent_and_end_where_a_thing_goes(
    tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack]
) -> None:
    export("label-studio", tmp_path, clip, tracks)
    [task] = json.loads((tmp_path / "label_studio.json").read_text())
    results = task["predictions"][0]["result"]
    assert [one["value"]["labels"] for one in results] == [["the ring"], ["two things"], ["two things"]]
    sequence = results[2]["value"]["sequence"]
    assert [one["frame"] for one in sequence] == [3, 4, 5, 6]
    assert sequence[0]["x"] == pytest.approx(100 * 60 / WIDTH)
    assert sequence[0]["height"] == pytest.approx(100 * 10 / HEIGHT)
    assert [one["enabled"] for one in results[0]["value"]["sequence"]] == [True, True, False, True, False]


def test_mot_and_mots_lines(tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack]) -> None:
    export("mot", tmp_path, clip, tracks)
    export("mots", tmp_path, clip, tracks)
    boxes = [line.split(",") for line in (tmp_path / "mot" / "gt" / "gt.txt").read_text().splitlines()]
    assert [int(box[0]) for box in boxes] == sorted(int(box[0]) for box in boxes)
    assert [float(v) for v in boxes[-1][2:6]] == [60, 50, 20, 10]
    assert (tmp_path / "mot" / "gt" / "labels.txt").read_text().splitlines() == ["the ring", "two things"]
    lines = [line.split(" ") for line in (tmp_path / "mots" / "gt.txt").read_text().splitlines()]
    frame, number, _, height, width, counts = lines[0]
    mask = coco_mask.decode({"size": [int(height), int(width)], "counts": counts.encode()})
    assert number == "1001"
    np.testing.assert_array_equal(mask.astype(bool), rings()[int(frame) - 1])


@pytest.mark.parametrize("kind", ["mot", "coco", "coco-rle", "label-studio"])
def test_a_track_is_measured_once_however_long_it_is(kind: str, tmp_path: Path, clip: ArrayClip) -> None:
    track = Measured(FRAMES, HEIGHT, WIDTH)
    track.take(rings(), range(FRAMES))
    export(kind, tmp_path, clip, [NamedTrack("ring", "the ring", track, [track])])
    assert track.measured == 1


def test_prores_has_transparency_and_the_clips_times(
    tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack]
) -> None:
    export("prores", tmp_path, clip, tracks)
    with av.open(str(tmp_path / "prores" / "ring.mov")) as movie:
        stream = movie.streams.video[0]
        assert stream.codec_context.name == "prores"
        frames = [(frame.time, frame.to_ndarray(format="rgba")) for frame in movie.decode(stream)]
    assert [time for time, _ in frames] == pytest.approx(clip.times_s)
    for index, (_, picture) in enumerate(frames):
        assert ((picture[..., 3] > 127) != rings()[index]).mean() < 0.001


def test_a_matte_as_the_library_of_openexr_reads_it(
    tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack]
) -> None:
    OpenEXR = pytest.importorskip("OpenEXR")
    export("exr", tmp_path, clip, tracks)
    for index in range(FRAMES):
        with OpenEXR.File(str(tmp_path / "exr" / "ring" / f"{index:05d}.exr")) as file:
            [(name, channel)] = file.channels().items()
            assert (name, channel.pixels.dtype) == ("Y", np.float16)
            np.testing.assert_array_equal(channel.pixels, rings()[index])


def test_cut_out_pictures_and_a_matte(tmp_path: Path, clip: ArrayClip, tracks: list[NamedTrack]) -> None:
    export("rgba-png", tmp_path, clip, tracks)
    export("matte", tmp_path, clip, tracks)
    with av.open(str(tmp_path / "matte" / "ring.mp4")) as movie:
        mattes = [frame.to_ndarray(format="gray") for frame in movie.decode(video=0)]
    for index in range(FRAMES):
        picture = np.asarray(Image.open(tmp_path / "rgba" / "ring" / f"{index:05d}.png"))
        np.testing.assert_array_equal(picture[..., 3] > 0, rings()[index])
        np.testing.assert_array_equal(picture[..., :3], clip.frame(index))
        assert ((mattes[index] > 127) != rings()[index]).mean() < 0.01
