"""Every data set, end to end on its made-up sample."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from refervid.core.digests import digests_in
from refervid.core.errors import DatasetError, SettingsError
from refervid.core.types import SoundReference
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.pictures import read_ids
from refervid.datasets.registry import dataset_class, datasets, open_dataset
from refervid.datasets.rle import encode
from refervid.datasets.samples import SampleClip, two_shapes, write_common_form, write_json
from refervid.media.clip import clip_digest
from refervid.media.folder import FolderClip
from refervid.media.part import PartClip
from refervid.media.pictures import write_indexed
from refervid.metrics.avs import shrunk
from tests.datasets.predictions import write_predictions

NAMES = [
    *("ref-youtube-vos", "ref-davis17", "mevis", "mevis-v2", "revos", "reasonvos", "long-rvos"),
    *("a2d-sentences", "jhmdb-sentences", "refcoco", "refcoco+", "refcocog"),
    *("avsbench-s4", "avsbench-ms3", "avsbench-v2", "avss", "ref-avs", "omniavs", "folder"),
]
SPLITS = [(name, split) for name in datasets() for split in datasets()[name].splits]
NULL_SET = ("ref-avs", "test_n")
"""Where nothing is the right answer."""
MAIN = ("J&F", "mAP", "MJ", "mIoU")
"""One of them is in every score."""


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    for name in datasets():
        dataset_class(name).make_sample(folder / name)
    return folder


def main_score(scores: Scores) -> float:
    return next(float(scores.metrics[key]) for key in MAIN if key in scores.metrics)


def has_truth(dataset: Dataset) -> bool:
    return all(item.truth is not None for item in dataset.items())


def test_the_names_are_those_promised() -> None:
    assert list(datasets()) == NAMES


@pytest.mark.parametrize(("name", "split"), SPLITS)
def test_a_sample_is_whole_and_its_clips_open(samples: Path, name: str, split: str) -> None:
    dataset = open_dataset(name, samples / name, split)
    dataset.check()
    items = dataset.items()
    assert len({item.name for item in items}) == len(items)
    assert [item.video.name for item in items] == sorted(item.video.name for item in items)
    for item in items:
        clip = item.video.open()
        assert len(item.frames) == len(item.indices)
        assert max(item.indices) < len(clip)
        if isinstance(item.reference, SoundReference):
            assert clip.waveform().duration_s == pytest.approx(len(clip), abs=0.1)
        if item.truth:
            mask, _ = item.truth.at(0)
            assert mask.dtype == bool
            assert mask.shape == (clip.height, clip.width)


@pytest.mark.parametrize("name", NAMES)
def test_the_truth_is_where_the_object_is(samples: Path, name: str) -> None:
    """Frames and masks belong together: what is said to be red is red on the truth."""
    for split in datasets()[name].splits:
        for item in open_dataset(name, samples / name, split).items():
            if item.truth is None or "red circle" not in getattr(item.reference, "text", ""):
                continue
            clip = item.video.open()
            masks = [item.truth.at(position)[0] for position in range(len(item.frames))]
            assert masks[0].any()
            for index, mask in zip(item.indices, masks, strict=True):
                if mask.any():
                    colour = clip.frame(index)[mask].mean(axis=0)
                    assert colour[0] > 150 > 100 > max(colour[1:])


@pytest.mark.parametrize(("name", "split"), [each for each in SPLITS if each != NULL_SET])
def test_the_truth_itself_scores_best_and_nothing_scores_least(
    samples: Path, tmp_path: Path, name: str, split: str
) -> None:
    dataset = open_dataset(name, samples / name, split)
    if not has_truth(dataset):
        with pytest.raises(DatasetError, match="not public"):
            dataset.score(tmp_path)
        return
    nothing = dataset.score(tmp_path)
    assert any("no prediction" in note for note in nothing.notes)
    write_predictions(dataset, tmp_path)
    perfect = dataset.score(tmp_path)
    assert not any("no prediction" in note for note in perfect.notes)
    assert main_score(nothing) < main_score(perfect)
    if name != "avss":  # whose mean is over all 71 classes
        assert main_score(perfect) == pytest.approx(1)


@pytest.mark.parametrize("name", ["folder", "ref-davis17", "revos", "long-rvos", "a2d-sentences", "avss"])
def test_two_processes_give_what_one_gives(samples: Path, tmp_path: Path, name: str) -> None:
    dataset = open_dataset(name, samples / name)
    write_predictions(dataset, tmp_path, lambda mask: np.roll(mask, 3, axis=1))
    assert dataset.score(tmp_path, workers=2) == dataset.score(tmp_path)


def test_a_part_of_the_items_can_be_scored(samples: Path, tmp_path: Path) -> None:
    dataset = open_dataset("mevis", samples / "mevis")
    write_predictions(dataset, tmp_path)
    scores = dataset.score(tmp_path, dataset.items()[:1])
    assert len(scores.items) == 1
    assert scores.metrics["J"] == 1


def test_jhmdb_frames_are_the_published_ones_where_the_list_lies_there(tmp_path: Path) -> None:
    kind = dataset_class("jhmdb-sentences")
    kind.make_sample(tmp_path)
    drawn = kind(tmp_path)
    assert "other frames" in drawn.notes[0]
    assert [item.frames for item in kind(tmp_path).items()] == [item.frames for item in drawn.items()]
    (tmp_path / "jhmdb_frames.json").write_text(
        '{"catch_shapes": [6, 1, 4, 6], "stand_shapes": [5, 2, 3, 5]}'
    )
    listed = kind(tmp_path)
    assert not listed.notes
    assert [item.frames for item in listed.items()] == [
        ("00001", "00004", "00006"),
        ("00002", "00003", "00005"),
    ]


def test_jhmdb_clips_end_with_the_masks(samples: Path) -> None:
    catch, stand = open_dataset("jhmdb-sentences", samples / "jhmdb-sentences").items()
    assert [len(item.video.open()) for item in (catch, stand)] == [6, 5]
    assert len(list(stand.video.path.iterdir())) == 6


@pytest.mark.parametrize("start", ["", "frame"])
def test_frames_are_in_the_order_of_their_numbers(tmp_path: Path, start: str) -> None:
    clip = two_shapes(count=12)
    names = tuple(f"{start}{number}" for number in range(1, 13))
    write_common_form(tmp_path, "", [SampleClip("shapes", clip.frames, clip.ids, names, clip.sentences)])
    item = open_dataset("folder", tmp_path).items()[0]
    assert item.frames == names
    assert tuple(path.stem for path in item.video.pictures) == names


def test_frames_are_taken_as_stored(tmp_path: Path) -> None:
    """Cameras ask in EXIF data to turn a picture; annotations do not."""
    dataset_class("folder").make_sample(tmp_path)
    before = [frame for _, frame in open_dataset("folder", tmp_path).items()[0].video.open().frames()]
    for path in (tmp_path / "JPEGImages" / "shapes").iterdir():
        content = path.read_bytes()
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6
        data = exif.tobytes()
        path.write_bytes(content[:2] + b"\xff\xe1" + (len(data) + 2).to_bytes(2, "big") + data + content[2:])
        assert Image.open(path).getexif()[ExifTags.Base.Orientation] == 6
    dataset = open_dataset("folder", tmp_path)
    dataset.check()
    after = [frame for _, frame in dataset.items()[0].video.open().frames()]
    np.testing.assert_array_equal(after, before)


def test_a_clip_of_pictures_is_known_by_their_contents(tmp_path: Path) -> None:
    """So that what is found in it is kept, and not taken for the folder's, whose pictures may be turned."""
    dataset_class("folder").make_sample(tmp_path)
    video = open_dataset("folder", tmp_path).items()[0].video
    clip, digests = video.open(), digests_in(tmp_path / "cache")
    assert tuple(clip.files) == video.pictures
    assert clip_digest(clip, digests) == clip_digest(video.open(), digests)
    whole = FolderClip(video.path, fps=video.fps)
    assert list(whole.times_s) == list(clip.times_s)
    assert clip_digest(clip, digests) != clip_digest(whole, digests)
    assert clip_digest(PartClip(clip), digests) == clip_digest(clip, digests)


def test_semantic_predictions_may_be_of_any_size(samples: Path, tmp_path: Path) -> None:
    dataset = open_dataset("avss", samples / "avss")
    write_predictions(dataset, tmp_path, lambda mask: np.roll(mask, 9, axis=1))
    before = dataset.score(tmp_path)
    for path in tmp_path.rglob("*.png"):
        write_indexed(path, shrunk(read_ids(path)))
    assert dataset.score(tmp_path) == before


def test_a_part_of_ref_davis17_is_scored_by_whole_videos(samples: Path, tmp_path: Path) -> None:
    dataset = open_dataset("ref-davis17", samples / "ref-davis17")
    items = dataset.items()
    write_predictions(dataset, tmp_path)
    assert dataset.score(tmp_path, items).notes == []
    for item in items[4:]:
        shutil.rmtree(tmp_path / item.name)
    scores = dataset.score(tmp_path, items[:4])
    assert len(scores.items) == len(items)
    assert scores.notes == [
        "4 more expressions are scored: the objects of a video count together",
        "4 of 8 expressions have no prediction and count as empty",
    ]


def test_ref_davis17_of_two_frames_has_no_semi_supervised_scores(tmp_path: Path) -> None:
    clip = two_shapes(count=2)
    sentences = tuple((text, number) for text, number in clip.sentences for _ in range(4))
    clip = SampleClip(clip.name, clip.frames, clip.ids, clip.names, sentences)
    write_common_form(tmp_path / "data", "valid", [clip])
    dataset = open_dataset("ref-davis17", tmp_path / "data")
    write_predictions(dataset, tmp_path / "out")
    scores = dataset.score(tmp_path / "out")
    assert scores.metrics["J"] == 1
    assert scores.metrics["semi-supervised"] is None
    assert "anno_0/shapes: no frame is left to score" in scores.notes[0]


def test_mevis_masks_follow_the_list_of_frames(tmp_path: Path) -> None:
    kind = dataset_class("mevis")
    kind.make_sample(tmp_path)
    before = [item.truth.at(1)[0] for item in kind(tmp_path).items()]
    for name in ("meta_expressions.json", "mask_dict.json"):
        path = tmp_path / "valid_u" / name
        content = json.loads(path.read_text())
        lists = content.values() if name == "mask_dict.json" else [content["videos"]["valid_u_01"]["frames"]]
        for each in lists:
            each.reverse()
        write_json(path, content)
    after = kind(tmp_path).items()
    assert after[0].frames == ("00000", "00001", "00002", "00003", "00004", "00005")
    assert all(np.array_equal(item.truth.at(1)[0], mask) for item, mask in zip(after, before, strict=True))


def test_several_scored_masks_per_entry(samples: Path, tmp_path: Path) -> None:
    dataset = open_dataset("a2d-sentences", samples / "a2d-sentences")
    results = []
    for item in dataset.items():
        for position, frame in enumerate(item.frames):
            mask, _ = item.truth.at(position)
            for score, each in ((0.9, mask), (0.2, ~mask)):
                entry = {"image_id": f"{item.name}/{frame}", "segmentation": encode(each), "score": score}
                results.append(entry)
    (tmp_path / "predictions.json").write_text(json.dumps(results))
    scores = dataset.score(tmp_path)
    assert scores.metrics["mAP"] == pytest.approx(1)
    assert scores.metrics["mean IoU"] == 1


def test_rows_are_ready_for_csv(samples: Path, tmp_path: Path) -> None:
    dataset = open_dataset("folder", samples / "folder")
    rows = dataset.score(tmp_path).items
    with (tmp_path / "items.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert re.match("video,expression_id,query,J,F", (tmp_path / "items.csv").read_text())


def test_unknown_names_and_splits() -> None:
    with pytest.raises(SettingsError, match="choose one of ref-youtube-vos"):
        open_dataset("coco", ".")
    with pytest.raises(SettingsError, match="no split 'dev'; choose valid_u"):
        open_dataset("mevis", ".", "dev")
    with pytest.raises(DatasetError, match="is no folder"):
        open_dataset("mevis", "nowhere")


def test_six_real_sequences_in_the_users_layout(shared_dir: Path) -> None:
    dataset = open_dataset("folder", shared_dir / "data" / "davis16")
    assert len(dataset.items()) == 24
    mask, void = dataset.items()[0].truth.at(0)
    assert mask.shape == (480, 854)
    assert void is None
    assert 0.01 < mask.mean() < 0.5
