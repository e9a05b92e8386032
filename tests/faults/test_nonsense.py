"""Nonsense from a caller of the library: one sentence that names the argument."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import refervid
from refervid.core.errors import RefervidError, SettingsError
from refervid.datasets.registry import open_dataset
from refervid.media.array import ArrayClip
from tests.clips import numbered_frames, write_pictures, write_video

NO_NUMBER: list[Any] = ["", "nonsense", b"x", [], [1], {"a": 1}, object(), float("nan"), float("inf"), True]
NO_PATH: list[Any] = [None, 5, b"x", ["a"], {"a": 1}, object(), True, "", "a\0b"]
NO_WORD: list[Any] = [None, 5, -1.5, b"x", ["a"], {"a": 1}, object(), True, Path("x")]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "a.mp4", numbered_frames(3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("clip") / "frames", numbered_frames(3))


def _told(caught: pytest.ExceptionInfo[RefervidError], name: str) -> None:
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", NO_NUMBER, ids=lambda value: repr(value).split(" at 0x")[0])
@pytest.mark.parametrize("name", ["fps", "max_pixels", "start_s", "end_s", "every"])
def test_what_should_be_a_number(folder: Path, name: str, value: Any) -> None:
    with pytest.raises(RefervidError) as caught:
        refervid.open_clip(folder, **{name: value})
    _told(caught, name)


@pytest.mark.parametrize(("name", "value"), [("max_pixels", 0), ("every", 0), ("every", 1.5), ("fps", -1)])
def test_numbers_that_make_no_sense(folder: Path, name: str, value: Any) -> None:
    with pytest.raises(RefervidError) as caught:
        refervid.open_clip(folder, **{name: value})
    _told(caught, name)


@pytest.mark.parametrize("value", NO_WORD, ids=lambda value: repr(value).split(" at 0x")[0])
@pytest.mark.parametrize("name", ["preset", "device", "settings", "dtype"])
def test_what_should_be_a_word(name: str, value: Any) -> None:
    """Settings are a list of words; the one in `NO_WORD` names no setting."""
    with pytest.raises(RefervidError) as caught:
        refervid.load(**{"preset": "lite", "device": "cpu", name: value})
    _told(caught, "setting" if name == "settings" else name)


@pytest.mark.parametrize("value", ["nonsense", float("nan"), -1])
def test_what_should_be_a_cost(value: Any) -> None:
    with pytest.raises(RefervidError, match="max_cost"):
        refervid.load("lite", device="cpu", max_cost=value)


@pytest.mark.parametrize("place", ["video", "audio"])
def test_a_path_longer_than_any_file_name(video: Path, place: str) -> None:
    long = "x" * 10_000
    with pytest.raises(RefervidError, match="name too long") as caught:
        refervid.open_clip(long) if place == "video" else refervid.open_clip(video, audio=long)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("frames", [None, 5, "frames", [], np.zeros(3), np.zeros((2, 8, 8, 3))])
def test_what_should_be_frames(frames: Any) -> None:
    with pytest.raises(RefervidError, match="give"):
        ArrayClip(frames)


@pytest.fixture(scope="module")
def result(folder: Path) -> refervid.Result:
    mark = refervid.Pivot(0, box_xyxy=np.array([1, 1, 9, 9], np.float32))
    [tracked] = refervid.track(folder, {"it": [mark]}, preset="lite", device="cpu")
    return tracked


@pytest.mark.parametrize("value", NO_PATH, ids=lambda value: repr(value).split(" at 0x")[0])
def test_what_should_be_a_folder(result: refervid.Result, value: Any) -> None:
    """As everywhere in one sentence, and before anything is written."""
    calls = [
        (result.save, "folder"),
        (refervid.Result.load, "folder"),
        (refervid.load_results, "folder"),
        (refervid.IntermediateFiles, "folder"),
        (lambda root: open_dataset("folder", root), "root"),
    ]
    for call, name in calls:
        with pytest.raises(SettingsError) as caught:
            call(value)
        _told(caught, name)


@pytest.mark.parametrize("formats", ["npz", 5, None, [b"npz"], {"npz": 1}, [None]])
def test_what_should_be_formats(result: refervid.Result, tmp_path: Path, formats: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        result.save(tmp_path / "out", formats)
    _told(caught, "formats")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("results", [[], None, 5, "results", [None], {}])
def test_what_should_be_results(tmp_path: Path, results: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        refervid.save_results(results, tmp_path / "out")
    _told(caught, "results")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("name", "split"), [(None, None), (5, None), (["folder"], None), ("folder", 5)])
def test_what_should_be_a_data_set(folder: Path, name: Any, split: Any) -> None:
    with pytest.raises(SettingsError, match="is no word"):
        open_dataset(name, folder, split)


@pytest.mark.parametrize("objects", [None, 5, "it", [], {"it": "box"}, {"it": 5}, {"it": [None]}, {"it": []}])
def test_what_should_be_marks(folder: Path, objects: Any) -> None:
    with pytest.raises(SettingsError):
        refervid.track(folder, objects, preset="lite", device="cpu")
