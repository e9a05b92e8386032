"""What files and pivots hold, as short names: two digests are equal if and only if the contents are."""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from refervid.core.types import Pivot

log = logging.getLogger(__name__)


@cache
def digests_in(folder: Path) -> Digests:
    """The `Digests` of this process that are remembered in `folder`."""
    return Digests(folder)


_LENGTH = 16
"""Hexadecimal digits kept of a SHA-256: among a billion files two agree by chance once in 40 times."""
_RACY_NS = 2 * 10**9
"""A file changed so recently may change again without its times telling: file systems round them."""


class Digests:
    """Digests of files, by content. Each is read once: as long as its size and times stay (also the time of
    its last change of any kind, which nobody can set back), what was read is remembered in
    `folder`/digests.sqlite. Where that cannot be written every process reads for itself.
    """

    def __init__(self, folder: Path) -> None:
        self._known: dict[tuple[object, ...], str] = {}
        self._database = _open(folder / "digests.sqlite")

    def of(self, value: Any) -> str:
        """Of a file, of a folder with all that is in it, of a dataclass or of a list by all that it holds.

        A path in them counts by what lies there, and by its name only inside a folder; anything else by its
        `repr`. Raises `OSError`.
        """
        if isinstance(value, Path):
            return self._of_path(value)
        if is_dataclass(value):
            return _joined(f"{field.name} {self.of(getattr(value, field.name))}" for field in fields(value))
        if isinstance(value, tuple | list):
            return _joined(self.of(each) for each in value)
        return _joined([repr(value)])

    def _of_path(self, path: Path) -> str:
        if path.is_dir():
            inner = sorted(each for each in path.rglob("*") if each.is_file())
            return _joined(f"{each.relative_to(path).as_posix()} {self._of_file(each)}" for each in inner)
        return self._of_file(path)

    def _of_file(self, path: Path) -> str:
        status = os.stat(path)
        place = (os.fsencode(path.resolve()),)  # a name need not be text
        inode = status.st_ino & (2**63 - 1)  # SQLite has signed numbers, some file systems use all 64 bits
        state = (inode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if (*place, *state) not in self._known:
            self._known[*place, *state] = self._remembered(place, state) or self._read(path, place, state)
        return self._known[*place, *state]

    def _remembered(self, place: tuple[bytes], state: tuple[int, ...]) -> str | None:
        if self._database is None:
            return None
        try:
            row = self._database.execute(
                "select digest from digests where (path, inode, size, written, changed) = (?, ?, ?, ?, ?)",
                (*place, *state),
            ).fetchone()
        except sqlite3.Error as error:
            self._forget(error)
            return None
        return None if row is None else str(row[0])

    def _read(self, path: Path, place: tuple[bytes], state: tuple[int, ...]) -> str:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:_LENGTH]
        if self._database is not None and time.time_ns() - max(state[2:]) > _RACY_NS:
            try:
                self._database.execute(
                    "insert or replace into digests values (?, ?, ?, ?, ?, ?)", (*place, *state, digest)
                )
            except sqlite3.Error as error:
                self._forget(error)
        return digest

    def _forget(self, error: sqlite3.Error) -> None:
        log.warning("digests of files cannot be remembered (%s): every run reads them anew", error)
        self._database = None


def objects_digest(objects: Sequence[Sequence[Pivot]]) -> str:
    """Of what objects are tracked from: frames, boxes, masks and points, in their order."""
    digest = hashlib.sha256()
    for pivots in objects:
        digest.update(b"object")
        for pivot in pivots:
            digest.update(b"pivot %d" % pivot.frame_index)
            given = (pivot.box_xyxy, pivot.mask, pivot.points_xy, pivot.point_labels)
            for kind, array in enumerate(given):
                if array is not None:
                    digest.update(
                        b"%d %s" % (kind, str(array.shape).encode()) + np.ascontiguousarray(array).tobytes()
                    )
    return digest.hexdigest()[:_LENGTH]


def _open(path: Path) -> sqlite3.Connection | None:
    """Every statement is a transaction of its own: other processes never wait for long."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
        database.execute("pragma synchronous=off")  # what a power cut takes is read anew
        database.execute(
            "create table if not exists digests "
            "(path blob primary key, inode integer, size integer, written integer, changed integer, "
            "digest text)"
        )
    except (OSError, sqlite3.Error) as error:
        log.warning("digests of files cannot be remembered in %s (%s)", path, error)
        return None
    return database


def _joined(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:_LENGTH]
