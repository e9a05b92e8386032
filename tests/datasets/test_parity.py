"""Scores of files on disk against those of the official scripts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from refervid.datasets.avsbench_classes import CLASSES
from refervid.datasets.avsbench_semantic import class_map, paint
from refervid.datasets.ref_davis17 import merge_logits
from refervid.datasets.registry import open_dataset
from refervid.datasets.samples import write_id_maps, write_json, write_masks, write_pictures, write_tone
from refervid.media.palette import voc_palette

PARITY = Path(__file__).parents[1] / "parity"


def grey(count: int, shape: tuple[int, ...]) -> list[np.ndarray]:
    return [np.full((*shape, 3), 90, np.uint8)] * count


def test_mevis(tmp_path: Path) -> None:
    folder, root, out = PARITY / "metrics", tmp_path / "root" / "valid_u", tmp_path / "out"
    meta = json.loads((folder / "mevis_meta_expressions.json").read_text())
    masks = json.loads((folder / "mevis_mask_dict.json").read_text())
    results = json.loads((folder / "mevis_results.json").read_text())
    write_json(root / "meta_expressions.json", meta)
    write_json(root / "mask_dict.json", masks)
    for video, entry in meta["videos"].items():
        ids = next(iter(entry["expressions"].values()))["anno_id"]
        size = next(code["size"] for code in masks[str(ids[0])] if code)
        write_pictures(root / "JPEGImages" / video, grey(len(entry["frames"]), tuple(size)), entry["frames"])
    arrays = np.load(folder / "mevis_pred.npz")
    for name in arrays:
        video = meta["videos"][name.split("/")[0]]
        write_greys(out / name, arrays[name], video["frames"])
    scores = open_dataset("mevis", tmp_path / "root").score(out)
    for row in scores.items:
        expected = results["per_expression"][f"{row['video']}_{row['expression_id']}"]
        assert [row["J"], row["F"]] == pytest.approx(expected, abs=1e-9)
    assert [scores.metrics[key] for key in ("J", "F", "J&F")] == pytest.approx(
        [results[key] for key in ("J", "F", "JF")], abs=1e-9
    )
    assert scores.notes == ["1 of 11 expressions have frames with no prediction and count 0"]


def write_greys(folder: Path, pictures: np.ndarray, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for picture, name in zip(pictures, names, strict=True):
        Image.fromarray(picture).save(folder / f"{name}.png")


def test_ref_davis17(tmp_path: Path) -> None:
    root, out = tmp_path / "root", tmp_path / "out"
    expected = json.loads((PARITY / "metrics" / "annotators.json").read_text())
    arrays = np.load(PARITY / "metrics" / "annotators.npz")
    videos: dict[str, Any] = {}
    for video in ("one", "two", "three"):
        truth = arrays[f"gt/{video}"]
        names = [f"{index:05d}" for index in range(len(truth))]
        objects = int(truth[0][truth[0] < 255].max())
        write_pictures(root / "valid" / "JPEGImages" / video, grey(len(truth), truth.shape[1:]), names)
        write_id_maps(root / "valid" / "Annotations" / video, list(truth), names)
        sentences = {str(k): {"exp": "it", "obj_id": str(k // 4 + 1)} for k in range(4 * objects)}
        videos[video] = {"frames": names, "expressions": sentences}
        for annotator in range(4):
            write_id_maps(out / f"anno_{annotator}" / video, list(arrays[f"anno_{annotator}/{video}"]), names)
    write_json(root / "meta_expressions" / "valid" / "meta_expressions.json", {"videos": videos})
    metrics = open_dataset("ref-davis17", root).score(out).metrics
    summaries = [each["summary"] for each in expected["per_annotator"]]
    for key, official in (("J", "J_M"), ("F", "F_M"), ("J&F", "JF")):
        mean = np.mean([summary[official] for summary in summaries])
        assert metrics[key] == metrics["unsupervised"][key] == pytest.approx(mean, abs=1e-9)
    for key, official in (("J recall", "J_R"), ("J decay", "J_D"), ("F recall", "F_R"), ("F decay", "F_D")):
        mean = np.mean([summary[official] for summary in summaries])
        assert metrics["unsupervised"][key] == pytest.approx(mean, abs=1e-9)


def test_merging_objects_as_al_ref_sam_2_does() -> None:
    arrays = np.load(PARITY / "metrics" / "merge.npz")
    for index, labels in enumerate(arrays["labels"]):
        assert np.array_equal(merge_logits(arrays["logits"][:, index], -1.0), labels)


AVS = json.loads((PARITY / "audio" / "avs_eval.json").read_text())
AVS_ARRAYS = np.load(PARITY / "audio" / "avs_eval.npz")


def numbers(line: str) -> list[float]:
    return [float(each) for each in re.findall(r": ?(-?\d\.\d+)| / (\d\.\d+)", line) for each in each if each]


def unpacked(name: str, width: int) -> np.ndarray:
    return np.unpackbits(AVS_ARRAYS[name], axis=-1)[..., :width].astype(bool)


@pytest.mark.parametrize("kind", ["s4", "ms3"])
def test_avsbench_object(tmp_path: Path, kind: str) -> None:
    root, out, expected = tmp_path / "root", tmp_path / "out", AVS[kind]
    root.mkdir()
    (root / f"{kind}_meta_data.csv").write_text("\n".join(expected["csv"]) + "\n")
    shape = tuple(AVS["sizes"][kind])
    for row in expected["csv"][1:]:
        clip, *_, split = row.split(",")
        if split != "test":
            continue
        place = Path("test", row.split(",")[2]) if kind == "s4" else Path("test")
        data = root / f"{kind}_data"
        frames = data / "visual_frames" / (place if kind == "s4" else "") / clip
        stem = f"{clip}_" if kind == "s4" else f"{clip}.mp4_"
        write_pictures(frames, grey(5, shape), [f"{stem}{k}" for k in range(1, 6)], ".png")
        truth, prediction = (unpacked(f"{kind}_{clip}_{which}", shape[1]) for which in ("target", "pred"))
        write_masks(data / "gt_masks" / place / clip, truth, [f"{clip}_{k}" for k in range(1, 6)])
        write_tone(data / "audio_wav" / place / f"{clip}.wav", 5)
        write_masks(out / clip / "sound", prediction, [str(k) for k in range(1, 6)])
    scores = open_dataset(f"avsbench-{kind}", root).score(out)
    assert [scores.metrics["MJ"], scores.metrics["MF"]] == pytest.approx(
        numbers(expected["final"][0]), abs=1e-6
    )
    for line in expected["final"][1:]:
        category = scores.metrics["categories"][line[1 : line.index("]")]]
        assert [category["MJ"], category["MF"]] == pytest.approx(numbers(line), abs=1e-6)


def write_semantic(root: Path) -> dict[str, np.ndarray]:
    """The layout of AVSBench-semantic; returns the predicted class maps by clip."""
    rows = AVS["avss"]["csv"]
    root.mkdir()
    (root / "metadata.csv").write_text("\n".join(rows) + "\n")
    palette, predictions = voc_palette(), {}
    for row in rows[1:]:
        _, uid, *_, label = row.split(",")
        truth = AVS_ARRAYS[f"sem_{uid}_target"]
        names = [str(k) for k in range(len(truth))]
        colours = palette[truth]
        if uid == "a_0_10000":
            colours[0, :6, :6] = (1, 2, 3)
        write_pictures(root / label / uid / "frames", grey(len(truth), truth.shape[1:]), names)
        write_pictures(root / label / uid / "labels_rgb", list(colours), names, ".png")
        write_tone(root / label / uid / "audio.wav", len(truth))
        predictions[uid] = AVS_ARRAYS[f"sem_{uid}_pred"]
    return predictions


def test_avsbench_v2(tmp_path: Path) -> None:
    for uid, classes in write_semantic(tmp_path / "root").items():
        write_masks(tmp_path / "out" / uid / "sound", classes > 0, [str(k) for k in range(len(classes))])
    scores = open_dataset("avsbench-v2", tmp_path / "root").score(tmp_path / "out")
    expected = numbers(AVS["v2_binary"]["final"][0])
    assert [scores.metrics["MJ"], scores.metrics["MF"]] == pytest.approx(expected, abs=1e-6)


def test_avss(tmp_path: Path) -> None:
    for uid, classes in write_semantic(tmp_path / "root").items():
        names = [str(k) for k in range(len(classes))]
        write_pictures(tmp_path / "out" / uid / "sound", list(voc_palette()[classes]), names, ".png")
    metrics = open_dataset("avss", tmp_path / "root").score(tmp_path / "out").metrics
    found = [metrics[key] for key in ("mIoU", "mIoU without the last class", "F", "F without the last class")]
    assert found == pytest.approx(numbers(AVS["avss"]["final"][0]), abs=1e-6)
    assert metrics["classes seen"] == 7


def test_avss_masks_without_classes_are_noted(tmp_path: Path) -> None:
    for uid, classes in write_semantic(tmp_path / "root").items():
        write_masks(tmp_path / "out" / uid / "sound", classes > 0, [str(k) for k in range(len(classes))])
    scores = open_dataset("avss", tmp_path / "root").score(tmp_path / "out")
    assert "stand for no class" in scores.notes[0]


def test_later_objects_cover_earlier_ones() -> None:
    one, two = np.zeros((2, 2, 3), bool)
    one[:, :2], two[:, 1:] = True, True
    classes = paint([("dog", one), ("man", two)], 2, 3)
    assert [CLASSES[number] for number in classes[0]] == ["dog", "man", "man"]


def test_the_palette_of_the_classes() -> None:
    palette = np.load(PARITY / "audio" / "avs_metrics.npz")["palette"]
    assert class_map(palette[None]).tolist() == [list(range(71))]
    assert class_map(np.array([[[1, 2, 3], [255, 255, 255]]], np.uint8)).tolist() == [[0, 0]]
