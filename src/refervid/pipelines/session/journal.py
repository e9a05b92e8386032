"""Lines that are only ever added to a file, each checked: a kill or a full disk costs one at most."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from refervid.core.errors import BadResult, OutputConflict
from refervid.core.files import parse_json, read_file, write_text

_DIGITS = 16
"""Hexadecimal digits before each line."""


class Journal:
    """JSON objects, one a line; the digest before each is of the line and of all lines before it.

    The first one, `head`, is written with the file, which is therefore whole or absent. Of the others the
    last may be torn; it is dropped, and overwritten by the next. Raises `OutputConflict` for a file that does
    not begin with a head, `BadResult` for one that cannot be read or was damaged before its end.
    """

    def __init__(self, path: Path, head: Mapping[str, Any], place: Path) -> None:
        self._path = path
        if not path.exists():
            write_text(path, _line("", head), place)
        self._digest, self._end = "", 0
        self.lines: list[Any] = []
        try:
            file = BytesIO(read_file(path))
        except OSError as error:
            raise BadResult(f"{path} cannot be read ({error.strerror}): choose another folder") from error
        for line in file:
            if not self._take(line):
                self._check_is_last(file.read(1))
                break
        if not self.lines:
            raise OutputConflict(f"{path} is no journal of this program: choose another folder")

    @property
    def head(self) -> Any:
        return self.lines[0]

    def append(self, value: Mapping[str, Any]) -> None:
        """On the disk when this returns. Raises `OSError`; then nothing was added."""
        line = _line(self._digest, value).encode()
        with self._path.open("r+b") as file:
            file.truncate(self._end)  # what was torn
            file.seek(self._end)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._take(line)

    def _take(self, line: bytes) -> bool:
        """Whether the line is whole and stands where it was written."""
        digest, _, text = line.rstrip(b"\n").partition(b" ")
        if not line.endswith(b"\n") or digest.decode("ascii", "replace") != _digest(self._digest, text):
            return False
        try:
            self.lines.append(parse_json(text))
        except ValueError:
            return False
        self._digest, self._end = digest.decode(), self._end + len(line)
        return True

    def _check_is_last(self, rest: bytes) -> None:
        if rest and self.lines:
            raise BadResult(
                f"line {len(self.lines) + 1} of {self._path} was changed: delete it and all lines after it "
                "to go back to what was there before"
            )


def _line(before: str, value: Mapping[str, Any]) -> str:
    text = json.dumps(value, separators=(",", ":"))
    return f"{_digest(before, text.encode())} {text}\n"


def _digest(before: str, text: bytes) -> str:
    return hashlib.sha256(before.encode() + text).hexdigest()[:_DIGITS]
