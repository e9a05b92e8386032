"""Damaged and hostile published data sets: one clear line per fault, all of them at once."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refervid.core.errors import DatasetError, OutOfMemory
from refervid.datasets.registry import open_dataset
from refervid.datasets.rle import encode
from refervid.datasets.samples import write_csv
from refervid.datasets.scoring import in_processes
from refervid.media.pictures import write_mask
from tests.datasets.damage import edit, faults, one_line, sample
from tests.datasets.predictions import write_predictions


def test_mevis(tmp_path: Path) -> None:
    root = sample("mevis", tmp_path)
    folder = root / "valid_u"

    def name_others(content: Any) -> None:
        expressions = content["videos"]["valid_u_01"]["expressions"]
        expressions["0"]["anno_id"], expressions["1"]["anno_id"] = [1, 99], [2]

    def shorten(content: Any) -> None:
        content["2"] = content["2"][:-1]

    edit(folder / "meta_expressions.json", name_others)
    edit(folder / "mask_dict.json", shorten)
    lines = faults("mevis", root)
    one_line(lines, "expression 0", "annotation 99 is missing")
    one_line(lines, "expression 1", "not one mask per frame")


@pytest.mark.parametrize("counts", ["", "00", "o" * 50, "\x7f\x7f", "é", "0" * 100])
def test_damaged_run_length_codes(tmp_path: Path, counts: str) -> None:
    root = sample("mevis", tmp_path)

    def damage(content: Any) -> None:
        content["1"][2]["counts"] = counts

    edit(root / "valid_u" / "mask_dict.json", damage)
    lines = faults("mevis", root)
    assert any("damaged mask" in line for line in lines), lines


def test_a2d(tmp_path: Path) -> None:
    root = sample("a2d-sentences", tmp_path)
    texts = root / "text_annotations"
    rows = [("test_shapes_", "1", "a disk"), ("../up", "1", "out"), ("test_shapes_", "x", "no number")]
    write_csv(
        texts / "a2d_annotation.txt", [("video_id", "instance_id", "query"), *rows, ("nobody", "1", "who")]
    )
    with (root / "Release" / "videoset.csv").open("a") as file:
        file.write("../up,1\n")
    (texts / "a2d_annotation_with_instances" / "test_shapes_" / "00005.h5").write_text("no h5")
    (root / "Release" / "clips320H" / "test_shapes_.mp4").unlink()
    lines = faults("a2d-sentences", root)
    one_line(lines, "'../up'")
    one_line(lines, "instance 'x'")
    one_line(lines, "'nobody'")
    one_line(lines, "00005.h5", "no HDF5 file")
    one_line(lines, "test_shapes_.mp4 missing")


def test_jhmdb(tmp_path: Path) -> None:
    root = sample("jhmdb-sentences", tmp_path)
    (root / "puppet_mask" / "catch" / "catch_shapes" / "puppet_mask.mat").write_bytes(b"MATLAB 5.0" * 30)
    (root / "Rename_Images" / "stand" / "stand_shapes" / "00002.png").unlink()
    with (root / "jhmdb_annotation.txt").open("a") as file:
        file.write("nobody,who\nstand_shapes,again\n")
    lines = faults("jhmdb-sentences", root)
    one_line(lines, "puppet_mask.mat", "holds no `part_mask`")
    one_line(lines, "00002.png missing")
    one_line(lines, "ACTION/nobody")
    one_line(lines, "stand_shapes has two sentences")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a2d-sentences", "text_annotations/a2d_annotation_with_instances/test_shapes_/00002.h5"),
        ("jhmdb-sentences", "puppet_mask/catch/catch_shapes/puppet_mask.mat"),
    ],
)
def test_files_of_masks_with_a_changed_byte_anywhere_and_pipes(tmp_path: Path, name: str, file: str) -> None:
    path = sample(name, tmp_path) / file
    whole = path.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 300)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with suppress(DatasetError):
            data = open_dataset(name, tmp_path)
            for item in data.items():
                assert item.truth is not None
                item.truth.at(0)
    for content in (b"", bytes(1000)):
        path.write_bytes(content)
        assert faults(name, tmp_path)
    path.unlink()
    os.mkfifo(path)
    one_line(faults(name, tmp_path), path.name)


def test_jhmdb_frame_list_of_another_release(tmp_path: Path) -> None:
    root = sample("jhmdb-sentences", tmp_path)
    (root / "jhmdb_frames.json").write_text('{"catch_shapes": [40, 1, 2, 3]}')
    lines = faults("jhmdb-sentences", root)
    one_line(lines, "does not fit catch_shapes")
    one_line(lines, "does not fit stand_shapes")


@pytest.mark.parametrize("number", ["0", "256", "9" * 5000, "x"])
def test_ids_that_no_map_holds(tmp_path: Path, number: str) -> None:
    root = sample("folder", tmp_path)

    def name_it(content: Any) -> None:
        content["videos"]["shapes"]["expressions"]["0"]["obj_id"] = number

    edit(root / "meta_expressions" / "meta_expressions.json", name_it)
    one_line(faults("folder", root), "ids go from 1 to 254")


def test_refcoco(tmp_path: Path) -> None:
    root = sample("refcoco", tmp_path)
    path = root / "refcoco" / "instances_refcoco_val.json"

    def change(content: Any) -> None:
        content["images"][0]["file_name"] = "../secret.jpg"
        content["annotations"].append({**content["annotations"][1], "image_id": 77})
        content["annotations"].append(content["annotations"][1])

    edit(path, change)
    lines = faults("refcoco", root)
    one_line(lines, "'../secret.jpg'")
    one_line(lines, "image entry 77")
    one_line(lines, "image entry 1 has two annotations")


def test_refcoco_sentences_without_a_mask(tmp_path: Path) -> None:
    root = sample("refcoco", tmp_path)
    path = root / "refcoco" / "instances_refcoco_val.json"
    whole = path.read_text()
    edit(path, lambda content: content["annotations"].pop(0))
    one_line(faults("refcoco", root), "0 are image entries without an annotation")

    path.write_text(whole)
    edit(path, lambda content: content["annotations"][0].update(segmentation=[]))
    assert any("annotations.0.segmentation" in line for line in faults("refcoco", root))

    path.write_text(whole)
    crowd = {"size": [96, 160], "counts": [96 * 160]}
    edit(path, lambda content: content["annotations"][0].update(iscrowd=1, segmentation=crowd))
    dataset = open_dataset("refcoco", root)
    assert [item.expression_id for item in dataset.items()] == ["1"]
    assert dataset.notes == ["1 sentences that are only about crowds are left out"]


def test_polygons_that_would_take_all_memory(tmp_path: Path) -> None:
    root = sample("refcoco", tmp_path)

    def change(content: Any) -> None:
        content["annotations"][0]["segmentation"][0][0] = 1e18

    edit(root / "refcoco" / "instances_refcoco_val.json", change)
    assert any("annotations.0.segmentation" in line for line in faults("refcoco", root))


def test_avsbench(tmp_path: Path) -> None:
    root = sample("avsbench-s4", tmp_path)
    (root / "s4_data" / "audio_wav" / "test" / "helicopter" / "test_disk.wav").unlink()
    with (root / "s4_meta_data.csv").open("a") as file:
        file.write("..,0,helicopter,test\nnobody,0,helicopter,test\n")
    lines = faults("avsbench-s4", root)
    one_line(lines, "test_disk.wav missing")
    one_line(lines, "'..'")
    one_line(
        lines, "visual_frames/test/helicopter/nobody", "nobody_1.png, nobody_2.png, nobody_3.png and 2 more"
    )


def test_predictions_of_a_wrong_form_are_all_named(tmp_path: Path) -> None:
    root = sample("folder", tmp_path / "root")
    dataset, out = open_dataset("folder", root), tmp_path / "out"
    write_predictions(dataset, out)
    write_mask(out / "shapes" / "0" / "00001.png", np.zeros((9, 9), bool))
    (out / "shapes" / "1" / "00002.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError) as caught:
        dataset.score(out)
    lines = str(caught.value).splitlines()
    one_line(lines, "0/00001.png", "is 9x9, its frame 160x96")
    one_line(lines, "1/00002.png", "neither a PNG nor a JPEG")
    with pytest.raises(DatasetError, match="is no folder"):
        dataset.score(tmp_path / "nowhere")


def test_scored_predictions_of_a_wrong_form_are_all_named(tmp_path: Path) -> None:
    dataset = open_dataset("refcoco", sample("refcoco", tmp_path / "root"))
    (tmp_path / "out").mkdir()
    file = tmp_path / "out" / "predictions.json"
    first, second = (f"{item.name}/{item.frames[0]}" for item in dataset.items())

    def give(*entries: tuple[str, Any]) -> None:
        results = [{"image_id": name, "segmentation": code, "score": 0.5} for name, code in entries]
        file.write_text(json.dumps(results))

    mask = encode(np.ones((96, 160), bool))
    give(
        (first, mask),
        (first, encode(np.ones((7, 9), bool))),
        (second, {**mask, "counts": "00"}),
        *((f"v_x_f_{k}_i_1", mask) for k in range(5)),
    )
    with pytest.raises(DatasetError) as caught:
        dataset.score(tmp_path / "out")
    lines = str(caught.value).splitlines()
    one_line(lines, "predictions.json", f"{first} not of the frame's size")
    one_line(lines, "predictions.json", "damaged mask")
    one_line(lines, "predictions.json", "v_x_f_2_i_1 and 2 more not in this data set")
    give((first, mask), (second, mask))
    assert dataset.score(tmp_path / "out", dataset.items()[:1]).notes == []
    give((first, mask))
    scores = dataset.score(tmp_path / "out")
    assert scores.notes == ["1 of 2 expressions have no prediction and count as empty"]
    assert [row["missing"] for row in scores.items] == [0, 1]
    file.write_text(file.read_text().replace("0.5", "NaN"))
    with pytest.raises(DatasetError, match="finite"):
        dataset.score(tmp_path / "out")


def test_a_csv_field_without_end(tmp_path: Path) -> None:
    root = sample("avsbench-s4", tmp_path)
    with (root / "s4_meta_data.csv").open("a") as file:
        file.write(f"{'x' * 200_000},0,helicopter,test\n")
    one_line(faults("avsbench-s4", root), "s4_meta_data.csv: line 5 is no CSV")


def test_a_scoring_process_that_is_killed() -> None:
    with pytest.raises(OutOfMemory, match="--workers"):
        in_processes(signal.raise_signal, [signal.SIGKILL] * 2, workers=2)


def test_mevis_sentences_without_a_target(tmp_path: Path) -> None:
    """MeViS v2 has them, MeViS has none."""
    root = sample("mevis", tmp_path)
    edit(
        root / "valid_u" / "meta_expressions.json",
        lambda content: content["videos"]["valid_u_01"]["expressions"]["0"].update(anno_id=[]),
    )
    one_line(faults("mevis", root), "expression 0 of video valid_u_01 names no annotation")


def test_revos(tmp_path: Path) -> None:
    root = sample("revos", tmp_path)
    edit(root / "mask_dict.json", lambda content: content["0"].pop())

    def change(content: Any) -> None:
        content["videos"]["valid_shapes"]["expressions"]["1"]["type_id"] = [7]
        content["videos"]["valid_shapes"]["expressions"]["2"]["anno_id"] = [99]

    edit(root / "meta_expressions_valid_.json", change)
    lines = faults("revos", root)
    one_line(lines, "expression 0", "not one mask per frame")
    one_line(lines, "expression 1", "type_id [7]")
    one_line(lines, "expression 2", "annotation 99 is missing")
    edit(root / "mask_dict_foreground.json", lambda content: content.pop("valid_shapes"))
    one_line(faults("revos", root), "mask_dict_foreground.json", "valid_shapes is missing")


def test_reasonvos(tmp_path: Path) -> None:
    root = sample("reasonvos", tmp_path)
    (root / "JPEGImages" / "shapes" / "00002.jpg").unlink()

    def change(content: Any) -> None:
        video = content["videos"]["shapes"]
        video["expressions"].append({"obj_id": 9, "exp_id": 0, "exp_text": "a third", "is_sent": True})
        content["videos"]["../up"] = video

    edit(root / "meta_expressions.json", change)
    lines = faults("reasonvos", root)
    assert any("JPEGImages/shapes: 00002.jpg missing" in line for line in lines), lines
    one_line(lines, "MOSE_shapes_9", "holds no annotation")
    assert any("'../up'" in line for line in lines), lines


def test_long_rvos(tmp_path: Path) -> None:
    root = sample("long-rvos", tmp_path)

    def change(content: Any) -> None:
        expressions = content["videos"]["valid_shapes"]["expressions"]
        expressions["0"]["type"] = "odd"
        expressions["1"]["obj_id"] = "9"
        expressions["2"]["obj_id"] = "../1"

    edit(root / "valid" / "meta_expressions.json", change)
    lines = faults("long-rvos", root)
    one_line(lines, "expression 0", "type 'odd'")
    one_line(lines, "Annotations/valid_shapes/9", "is missing")
    one_line(lines, "'../1'")


def test_ref_avs(tmp_path: Path) -> None:
    root = sample("ref-avs", tmp_path)
    (root / "media" / "test_s_clip" / "frames" / "3.jpg").unlink()
    (root / "gt_mask" / "val_clip" / "fid_1" / "00004.png").unlink()
    with (root / "metadata.csv").open("a") as file:
        file.write("x,../up_shape_1,test_s,1,a thing\n")
    lines = faults("ref-avs", root)
    one_line(lines, "media/test_s_clip", "frames/3.jpg missing")
    one_line(lines, "'../up'")
    one_line(faults("ref-avs", root, "val"), "fid_1", "00004.png missing")


def test_omniavs(tmp_path: Path) -> None:
    root = sample("omniavs", tmp_path)
    path = root / "meta_expressions_test.jsonl"
    first, second, third, _ = (json.loads(line) for line in path.read_text().splitlines())
    broken = [first, first, {**second, "expr_type": "smell"}, {**third, "video_name": "gone"}]
    path.write_text("\n".join(json.dumps(each) for each in broken))
    (root / "audios" / "test_shapes.mp3").rename(root / "kept.mp3")
    one_line(faults("omniavs", root), "audios", "test_shapes.mp3 missing")
    (root / "kept.mp3").rename(root / "audios" / "test_shapes.mp3")
    lines = faults("omniavs", root)
    one_line(lines, "expression 0", "listed twice")
    one_line(lines, "expression 1", "'smell'")
    one_line(lines, "video_dict.json", "video gone is missing")
    path.write_text('{"exp_id": 0}\nno json')
    one_line(faults("omniavs", root), "holds a line that is no JSON")
    path.write_text('{"exp_id": 0}')
    assert any("0.video_name" in line for line in faults("omniavs", root))
