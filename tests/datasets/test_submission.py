"""Zip files for the servers."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from refervid.core.errors import DatasetError
from refervid.datasets.registry import dataset_class, open_dataset
from refervid.media.pictures import write_mask


def picture(archive: zipfile.ZipFile, name: str) -> Image.Image:
    return Image.open(io.BytesIO(archive.read(name)))


@pytest.mark.parametrize(
    ("name", "video", "prefix"),
    [("ref-youtube-vos", "1a1b2c3d4e", "Annotations/"), ("mevis", "valid_01", "")],
)
def test_one_grey_picture_for_every_listed_frame(tmp_path: Path, name: str, video: str, prefix: str) -> None:
    dataset_class(name).make_sample(tmp_path / "root")
    dataset = open_dataset(name, tmp_path / "root", "valid")
    item = dataset.items()[0]
    mask = np.zeros((96, 160), bool)
    mask[3:9, 4:11] = True
    path = item.prediction(tmp_path / "out", item.frames[2])
    path.parent.mkdir(parents=True)
    write_mask(path, mask)
    dataset.submit(tmp_path / "out", tmp_path / "results.zip")
    with zipfile.ZipFile(tmp_path / "results.zip") as archive:
        assert archive.namelist() == [
            f"{prefix}{each.video.name}/{each.expression_id}/{frame}.png"
            for each in dataset.items()
            for frame in each.frames
        ]
        shown = picture(archive, f"{prefix}{video}/0/{item.frames[2]}.png")
        assert shown.mode == "L"
        assert np.array_equal(np.asarray(shown), mask * np.uint8(255))
        assert not np.asarray(picture(archive, f"{prefix}{video}/0/{item.frames[0]}.png")).any()


def test_ref_davis17_label_maps(tmp_path: Path) -> None:
    dataset_class("ref-davis17").make_sample(tmp_path / "root")
    dataset = open_dataset("ref-davis17", tmp_path / "root")
    for item in dataset.items():
        mask, _ = item.truth.at(0)
        path = item.prediction(tmp_path / "out", item.frames[0])
        path.parent.mkdir(parents=True)
        write_mask(path, mask)
    dataset.submit(tmp_path / "out", tmp_path / "results.zip")
    with zipfile.ZipFile(tmp_path / "results.zip") as archive:
        assert len(archive.namelist()) == 4 * 8
        shown = picture(archive, "anno_3/shapes-valid/00000.png")
        assert shown.mode == "P"
        assert np.unique(np.asarray(shown)).tolist() == [0, 1, 2]
        assert shown.getpalette()[3:9] == [128, 0, 0, 0, 128, 0]


def test_faults_leave_no_file(tmp_path: Path) -> None:
    dataset_class("mevis").make_sample(tmp_path / "root")
    dataset = open_dataset("mevis", tmp_path / "root", "valid")
    for item in dataset.items()[:2]:
        path = item.prediction(tmp_path / "out", item.frames[0])
        path.parent.mkdir(parents=True)
        write_mask(path, np.zeros((4, 5), bool))
    with pytest.raises(DatasetError, match=r"2 predictions cannot be used:"):
        dataset.submit(tmp_path / "out", tmp_path / "results.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "root"]


def test_sets_without_a_server(tmp_path: Path) -> None:
    dataset_class("refcoco").make_sample(tmp_path)
    with pytest.raises(DatasetError, match="no server"):
        open_dataset("refcoco", tmp_path).submit(tmp_path, tmp_path / "results.zip")
