"""Arrays by number in a temporary file, so that a long clip costs disk and not memory."""

from __future__ import annotations

import os
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

from refervid.core.files import storing_in


class TemporaryBlob:
    """Byte strings, appended once and read back in any order; the file has no name and dies with this.

    All methods raise `StorageFailed` where it cannot be written.
    """

    def __init__(self) -> None:
        with _storing():
            # It lives as long as the object.
            self._file = tempfile.TemporaryFile(prefix="refervid-")  # noqa: SIM115
        self._ends = [0]

    def __len__(self) -> int:
        return len(self._ends) - 1

    def append(self, data: bytes) -> None:
        """Store `data` under the next number."""
        with _storing():
            self._file.write(data)
        self._ends.append(self._ends[-1] + len(data))

    def __getitem__(self, number: int) -> bytes:
        start, end = self._ends[number], self._ends[number + 1]
        with _storing():
            self._file.flush()
        return os.pread(self._file.fileno(), end - start, start)


def _storing() -> AbstractContextManager[None]:
    return storing_in(Path(tempfile.gettempdir()), "TMPDIR")
