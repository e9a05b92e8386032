"""Digests of files go by content, and cannot be misled by names, times or what was remembered."""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from refervid.core.digests import Digests, objects_digest
from refervid.core.types import Pivot


@dataclass
class Pair:
    file: Path
    number: int


def test_equal_contents_have_one_digest_wherever_they_lie(tmp_path: Path) -> None:
    digests = Digests(tmp_path / "cache")
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"one")
    (tmp_path / "c").write_bytes(b"two")
    assert digests.of(tmp_path / "a") == digests.of(tmp_path / "b") != digests.of(tmp_path / "c")
    os.utime(tmp_path / "a", (1, 1))
    assert digests.of(tmp_path / "a") == digests.of(tmp_path / "b")
    assert (
        digests.of([tmp_path / "a", 1]) == digests.of((tmp_path / "b", 1)) != digests.of([tmp_path / "a", 2])
    )
    assert digests.of(Pair(tmp_path / "a", 1)) == digests.of(Pair(tmp_path / "b", 1))
    assert digests.of(Pair(tmp_path / "a", 1)) != digests.of(Pair(tmp_path / "c", 1))


def test_a_folder_counts_with_the_names_of_its_files(tmp_path: Path) -> None:
    digests = Digests(tmp_path / "cache")
    for folder, name in (("x", "a"), ("y", "a"), ("z", "b")):
        (tmp_path / folder / "inner").mkdir(parents=True)
        (tmp_path / folder / "inner" / name).write_bytes(b"one")
    of_x, of_y, of_z = (digests.of(tmp_path / name) for name in "xyz")
    assert of_x == of_y != of_z


@pytest.mark.parametrize("again", [False, True])
def test_same_size_and_time_do_not_hide_another_content(
    tmp_path: Path, again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the first content was remembered: a file's last change cannot be set back."""
    file = tmp_path / "a"
    file.write_bytes(b"one")
    written = file.stat()
    digests = Digests(tmp_path / "cache")
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + 10**10)
    before = digests.of(file)
    file.write_bytes(b"two")
    os.utime(file, ns=(written.st_atime_ns, written.st_mtime_ns))
    assert file.stat().st_mtime_ns == written.st_mtime_ns
    later = Digests(tmp_path / "cache") if again else digests
    assert later.of(file) != before


def test_what_was_read_is_remembered_but_not_of_a_file_that_was_changed_just_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"one")
    right = Digests(tmp_path / "cache").of(file)
    with sqlite3.connect(tmp_path / "cache" / "digests.sqlite") as database:
        assert database.execute("select count(*) from digests").fetchone() == (0,)
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + 10**10)
    assert Digests(tmp_path / "cache").of(file) == right
    with sqlite3.connect(tmp_path / "cache" / "digests.sqlite") as database:
        database.execute("update digests set digest = 'remembered'")
    assert Digests(tmp_path / "cache").of(file) == "remembered"


def test_without_a_place_to_remember_files_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "cache").write_bytes(b"a file where a folder should be")
    assert Digests(tmp_path / "cache").of(tmp_path / "a") == Digests(tmp_path / "other").of(tmp_path / "a")
    assert str(tmp_path / "cache") in caplog.text


def test_a_damaged_memory_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "digests.sqlite").write_bytes(b"no database" * 1000)
    assert Digests(tmp_path / "cache").of(tmp_path / "a") == Digests(tmp_path / "other").of(tmp_path / "a")


def test_file_numbers_of_64_bits_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems have them; SQLite's numbers are signed."""
    file = tmp_path / "a"
    file.write_bytes(b"one")
    real = file.stat()
    values = {name: getattr(real, name) for name in ("st_size", "st_mtime_ns", "st_ctime_ns", "st_mode")}
    numbered = SimpleNamespace(**values, st_ino=2**64 - 1)
    monkeypatch.setattr(os, "stat", lambda path, **options: numbered)
    assert Digests(tmp_path / "cache").of(file) == Digests(tmp_path / "cache").of(file)


def test_what_objects_start_from_is_all_that_their_pivots_hold() -> None:
    box, mask = np.array([1, 2, 3, 4], np.float32), np.eye(4, dtype=bool)
    points, sides = np.array([[1, 2]], np.float32), np.array([True])
    starts = [
        Pivot(0),
        Pivot(1),
        Pivot(0, box_xyxy=box),
        Pivot(0, box_xyxy=box + 1),
        Pivot(0, mask=mask),
        Pivot(0, mask=~mask),
        Pivot(0, points_xy=points, point_labels=sides),
        Pivot(0, points_xy=points, point_labels=~sides),
    ]
    of_each = [objects_digest([[pivot]]) for pivot in starts]
    assert len({*of_each}) == len(starts)
    assert objects_digest([[Pivot(0, box_xyxy=box.copy())]]) == of_each[2]
    assert objects_digest([starts[:2]]) != objects_digest([starts[:1], starts[1:2]])
