"""Damaged and hostile folders of the user's own: one clear line per fault, all of them at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refervid.core.errors import DatasetError
from refervid.datasets.registry import open_dataset
from refervid.media.pictures import encode_jpeg, write_indexed, write_mask
from tests.datasets.damage import edit, faults, one_line, sample
from tests.datasets.predictions import write_predictions

LIST = "meta_expressions/meta_expressions.json"


def test_all_faults_of_a_folder_at_once(tmp_path: Path) -> None:
    root = sample("folder", tmp_path)
    (root / "JPEGImages" / "shapes" / "00002.jpg").unlink()
    (root / "Annotations" / "stranger").mkdir()

    def change(content: Any) -> None:
        videos = content["videos"]
        videos["../outside"] = videos["tab\there"] = {"frames": ["0"], "expressions": {}}
        videos["gone"] = {
            "frames": ["0", "1", "2", "3", "4"],
            "expressions": {"0": {"exp": "it", "obj_id": 1}},
        }
        videos["hostile"] = {"frames": ["../../etc/passwd"], "expressions": {"a/b": {"exp": "it"}}}
        videos["twice"] = {"frames": ["0", "0"], "expressions": {}}

    edit(root / LIST, change)
    lines = faults("folder", root)
    one_line(lines, "JPEGImages/shapes", "00002.jpg missing")
    one_line(lines, "Annotations/stranger", "not listed")
    one_line(lines, LIST, "'../outside'")
    one_line(lines, LIST, "'tab\\there'")
    one_line(lines, "JPEGImages/gone", "0.jpg, 1.jpg, 2.jpg and 2 more missing")
    one_line(lines, LIST, "passwd")
    one_line(lines, LIST, "'a/b'")
    one_line(lines, LIST, "twice lists frame 0 twice")
    assert lines[0].endswith(f"{len(lines) - 1} problems")


def test_keys_that_occur_twice(tmp_path: Path) -> None:
    root = sample("folder", tmp_path)
    path = root / LIST
    path.write_text(path.read_text().replace('"1": {', '"0": {'))
    one_line(faults("folder", root), LIST, "key '0' occurs twice")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no valid JSON"),
        ("{", "no valid JSON"),
        ("[" * 100_000, "no valid JSON"),
        ("[]", "the top level"),
        ('{"videos": {"a": {"frames": "00000", "expressions": {}}}}', "videos.a.frames"),
        (
            '{"videos": {"a": {"frames": ["0"], "expressions": {"0": {"text": "it"}}}}}',
            "videos.a.expressions.0.exp",
        ),
        ('{"videos": {}}', "no expression"),
    ],
)
def test_lists_of_a_wrong_form(tmp_path: Path, text: str, words: str) -> None:
    root = sample("folder", tmp_path)
    (root / LIST).write_text(text)
    if words == "no expression":
        (root / "Annotations" / "shapes").rename(root / "elsewhere")
    lines = faults("folder", root)
    assert any(words in line for line in lines), lines


def test_lists_that_cannot_be_read(tmp_path: Path) -> None:
    root = sample("folder", tmp_path)
    (root / LIST).write_bytes(b"\xff\xfe\x00")
    one_line(faults("folder", root), LIST, "no utf-8 text")
    (root / LIST).unlink()
    one_line(faults("folder", root), LIST, "No such file")


def test_annotations_of_folders(tmp_path: Path) -> None:
    root = sample("folder", tmp_path)
    masks = root / "Annotations" / "shapes"
    write_indexed(masks / "00001.png", np.zeros((10, 20), np.uint8))
    whole = (masks / "00003.png").read_bytes()
    (masks / "00002.png").write_bytes(whole[:60])
    (masks / "00003.png").write_bytes(whole[:-60])
    (masks / "00004.png").write_bytes(b"text")

    def change(content: Any) -> None:
        expressions = content["videos"]["shapes"]["expressions"]
        expressions["2"] = {"exp": "a third", "obj_id": [7, "1"]}

    edit(root / LIST, change)
    lines = faults("folder", root)
    one_line(lines, "00001.png", "is 20x10, its frame 160x96")
    one_line(lines, "00002.png", "no readable PNG")
    one_line(lines, "00003.png", "damaged")
    one_line(lines, "00004.png", "neither a PNG nor a JPEG")
    one_line(lines, "object 7 of expression 2 is in no frame")


def test_object_ids_that_make_no_sense(tmp_path: Path) -> None:
    root = sample("folder", tmp_path)

    edit(root / LIST, name_objects("-1", None))
    (root / "Annotations" / "shapes" / "00005.png").unlink()
    one_line(faults("folder", root), "Annotations/shapes", "00005.png missing")
    sample("folder", root)
    edit(root / LIST, name_objects("-1", None))
    one_line(faults("folder", root), "expression 0 has obj_id -1")
    edit(root / LIST, name_objects(None, 255))
    lines = faults("folder", root)
    one_line(lines, "Annotations/shapes", "expression 0 names no object")
    one_line(lines, "Annotations/shapes", "expression 1 names no object")
    for item in open_dataset("folder", root).items():
        with pytest.raises(DatasetError, match="names no object"):
            item.truth.at(0)


def name_objects(*ids: Any) -> Callable[[Any], None]:
    """A change of the list of `folder`: the `obj_id` of every sentence in order."""

    def change(content: Any) -> None:
        for entry, each in zip(content["videos"]["shapes"]["expressions"].values(), ids, strict=True):
            entry["obj_id"] = each

    return change


def test_sentences_of_published_sets_name_objects(tmp_path: Path) -> None:
    root = sample("ref-youtube-vos", tmp_path)

    def change(content: Any) -> None:
        expressions = content["videos"]["0a1b2c3d4e"]["expressions"]
        expressions["0"]["obj_id"], expressions["1"]["obj_id"] = "255", None

    edit(root / "meta_expressions" / "train" / "meta_expressions.json", change)
    lines = faults("ref-youtube-vos", root, "train")
    one_line(lines, "video 0a1b2c3d4e, expression 0 names no object")
    one_line(lines, "video 0a1b2c3d4e, expression 1 names no object")


def test_a_folder_without_annotations_has_items_but_no_scores(tmp_path: Path) -> None:
    root = sample("folder", tmp_path)
    (root / "Annotations").rename(tmp_path / "elsewhere")
    dataset = open_dataset("folder", root)
    assert [item.truth for item in dataset.items()] == [None, None]
    with pytest.raises(DatasetError, match="not public"):
        dataset.score(tmp_path)


@pytest.mark.parametrize("ids", [("1", "2"), (255, None)])
def test_black_and_white_annotations(tmp_path: Path, ids: tuple[Any, Any]) -> None:
    root = sample("folder", tmp_path)
    edit(root / LIST, name_objects(*ids))
    masks = root / "Annotations" / "shapes"
    for path in masks.iterdir():
        mask = np.zeros((96, 160), bool)
        mask[10:20, 30:50] = path.stem != "00000"
        write_mask(path, mask)
    dataset = open_dataset("folder", root)
    dataset.check()
    assert [item.truth.at(1)[0].sum() for item in dataset.items()] == [200, 200]
    assert dataset.items()[0].truth.at(1)[1] is None


def test_void_pixels_of_id_maps(tmp_path: Path) -> None:
    root = sample("folder", tmp_path)
    path = root / "Annotations" / "shapes" / "00001.png"
    truth = open_dataset("folder", root).items()[0].truth
    ids = np.where(truth.at(1)[0], np.uint8(1), np.uint8(0))
    ids[:5] = 255
    write_indexed(path, ids)
    mask, void = truth.at(1)
    assert mask.sum() == (ids == 1).sum()
    assert np.array_equal(void, ids == 255)


@pytest.mark.parametrize(
    ("name", "split", "place"),
    [("folder", "all", "Annotations/shapes"), ("ref-youtube-vos", "train", "train/Annotations/0a1b2c3d4e")],
)
def test_a_first_map_of_nothing_but_void_leaves_the_ids_of_the_others(
    tmp_path: Path, name: str, split: str, place: str
) -> None:
    root = sample(name, tmp_path / "root")
    ids = np.zeros((96, 160), np.uint8)
    ids[:5] = 255
    write_indexed(root / place / "00000.png", ids)
    dataset = open_dataset(name, root, split)
    dataset.check()
    write_predictions(dataset, tmp_path / "out")
    assert dataset.score(tmp_path / "out").metrics["J"] == 1
    mask, void = dataset.items()[0].truth.at(1)
    assert mask.any()
    assert void is None


def test_pictures_too_large_to_decode(tmp_path: Path) -> None:
    root = sample("folder", tmp_path)
    path = root / "Annotations" / "shapes" / "00001.png"
    content = bytearray(path.read_bytes())
    content[16:24] = (200_000).to_bytes(4, "big") * 2
    path.write_bytes(content)
    one_line(faults("folder", root), "00001.png", "200000x200000 pixels are too many")


def test_a_frame_of_another_size(tmp_path: Path) -> None:
    root = sample("folder", tmp_path)
    (root / "JPEGImages" / "shapes" / "00003.jpg").write_bytes(encode_jpeg(np.zeros((20, 30, 3), np.uint8)))
    with pytest.raises(DatasetError, match=r"00003\.jpg: is 30x20, the first frame 160x96"):
        open_dataset("folder", root).items()[0].video.open().frame(3)
