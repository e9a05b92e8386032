"""Cutting a sound: the rule, YAMNet's file, and published files."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch import Tensor

from refervid.core.errors import BadCheckpoint, SettingsError
from refervid.core.types import Interval
from refervid.engines import intervals
from refervid.engines.intervals import (
    IntervalCutter,
    IntervalSettings,
    missing_for_intervals,
    read_interval_file,
    split_runs,
)
from refervid.models.yamnet import load_yamnet
from tests.engines.sound import joined, noise, silence, tone
from tests.parity.audio.test_yamnet_original_vs_ours import published_file


def never(windows: Tensor) -> Tensor:
    raise AssertionError("the tagger's own network is not to be asked")


def cutter(**settings: object) -> IntervalCutter:
    return IntervalCutter(IntervalSettings(kind="test", **settings), never)


def test_a_run_ends_before_a_window_that_sounds_different() -> None:
    features = np.array([[1, 0], [1, 0.1], [0, 1], [0, 1], [1, 0]], np.float32)
    heard = np.ones(5, bool)
    assert split_runs(features, heard, 0.5) == [(0, 1), (2, 3), (4, 4)]
    assert split_runs(features, heard, -1.0) == [(0, 4)]
    assert split_runs(features, np.array([True, False, True, True, False]), 0.5) == [(0, 0), (2, 3)]
    assert split_runs(features, np.zeros(5, bool), 0.5) == []


def test_yamnet_cuts_by_its_weights_file(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    weights = published_file(tmp_path / "yamnet.h5", 0.5)
    sound = joined(tone(2.0), silence(1.0), noise(2.5))
    found = cutter(intervals="yamnet", yamnet=str(weights), threshold=-1).intervals(sound)
    assert found == [Interval(0, 2), Interval(3, 5.5)]
    assert cutter(yamnet=str(weights)).by == "YAMNet"
    kept = cutter(intervals="auto", yamnet=str(weights), threshold=-1, silence_db=None).intervals(sound)
    assert kept == [Interval(0, 5.5)]
    by_embedding = cutter(yamnet=str(weights), features="embedding", threshold=1.0).intervals(tone(3.2, 987))
    assert by_embedding[-1].end_s == pytest.approx(3.2)


def test_without_yamnet_the_tagger_s_network_cuts() -> None:
    asked = []

    def own(windows: Tensor) -> Tensor:
        asked.append(windows.shape)
        return torch.eye(len(windows))

    settings = IntervalSettings(kind="test", yamnet="/nowhere/yamnet.h5")
    by_own = IntervalCutter(settings, own)
    assert by_own.by == "the tagger's own network"
    found = by_own.intervals(tone(3.0))
    assert found == [Interval(0, 1), Interval(1, 2), Interval(2, 3)]
    assert asked == [(3, 15600)]
    assert missing_for_intervals(settings) == []


def test_yamnet_without_the_package_that_reads_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intervals, "find_spec", lambda name: None)
    (tmp_path / "yamnet.h5").write_bytes(b"")
    there = IntervalSettings(kind="test", yamnet=str(tmp_path / "yamnet.h5"))
    found = IntervalCutter(there, lambda windows: torch.ones(len(windows), 2)).intervals(tone(2.0))
    assert found == [Interval(0, 2)]
    [lack] = missing_for_intervals(there.model_copy(update={"intervals": "yamnet"}))
    assert "pip install" in lack


def test_published_files(tmp_path: Path) -> None:
    path = tmp_path / "segments.json"
    path.write_text(json.dumps({"clip": [[0, 2], [2, 5]], "avss/uid": [[0, 9]], "silent": []}))
    cut = cutter(interval_file=path)
    named = replace(tone(6.0), name="clip")
    assert cut.intervals(named) == [Interval(0, 2), Interval(2, 5)]  # of a sound of 6 s
    assert cut.intervals(replace(named, name="label/clip")) == [Interval(0, 2), Interval(2, 5)]
    assert cut.intervals(replace(named, name="silent")) == []
    with pytest.raises(SettingsError, match="no clip 'other'"):
        cut.intervals(replace(named, name="other"))
    assert missing_for_intervals(IntervalSettings(kind="test", interval_file=tmp_path / "no.json"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        '{"a": 3}',
        '{"a": [[1]]}',
        '{"a": [[2, 1]]}',
        '{"a": [[0, 3], [2, 4]]}',
        '{"a": [["x", 1]]}',
    ],
)
def test_files_that_are_no_interval_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "segments.json"
    path.write_text(text)
    with pytest.raises(SettingsError):
        read_interval_file(path)


@pytest.mark.parametrize(
    ("name", "counts", "ends"),
    [
        ("ms3", [36, 8, 10, 6, 4], {5: 64}),
        ("v2_binary", [425, 66, 79, 47, 33, 44, 28, 22, 6], {10: 742, 9: 8}),
        ("avss", [928, 179, 176, 106, 65, 44, 28, 22, 6], {10: 742, 9: 8, 5: 793, 4: 11}),
    ],
)
def test_the_published_interval_files(
    name: str, counts: list[int], ends: dict[int, int], shared_dir: Path
) -> None:
    folder = shared_dir / "parity" / "audio" / "published" / "audio_segment"
    clips = read_interval_file(folder / f"{name}_audio_segment.json")
    assert Counter(len(one) for one in clips.values()) == dict(enumerate(counts, 1))
    assert Counter(int(one[-1].end_s) for one in clips.values()) == ends


def test_yamnet_files_that_are_damaged_or_point_elsewhere(tmp_path: Path) -> None:
    weights = published_file(tmp_path / "yamnet.h5", 1.0)
    (tmp_path / "half.h5").write_bytes(weights.read_bytes()[:100_000])
    (tmp_path / "text.h5").write_text("no weights")
    for name in ("half.h5", "text.h5"):
        with pytest.raises(BadCheckpoint, match="HDF5"):
            load_yamnet(tmp_path / name)
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(4 * 521))
    with h5py.File(weights, "r+") as file:
        [name] = [key for key in file["dense"]["dense"] if key.startswith("bias")]
        del file["dense"]["dense"][name]
    with pytest.raises(BadCheckpoint, match="has 0 tensors"):
        load_yamnet(weights)
    with h5py.File(weights, "r+") as file:
        file["dense"]["dense"].create_dataset(name, (521,), "f4", external=[(str(secret), 0, 4 * 521)])
    with pytest.raises(BadCheckpoint, match="no plain array"):
        load_yamnet(weights)
