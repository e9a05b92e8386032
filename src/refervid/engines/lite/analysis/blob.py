"""Arrays by number in a file, so that a long clip costs disk and not memory."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from refervid.core.files import storing_in

_DIGEST_BYTES = hashlib.sha256().digest_size
_NUMBER = np.dtype("<i8")


class Blob:
    """Byte strings, appended once and read back in any order; the file has no name and dies with this.

    Methods raise `StorageFailed` where it cannot be written.
    """

    def __init__(self) -> None:
        with _storing():
            # It lives as long as the object.
            self._file: BinaryIO = tempfile.TemporaryFile(prefix="refervid-")  # noqa: SIM115
        self._ends = [0]

    @classmethod
    def kept(cls, path: Path, count: int) -> Blob:
        """The `count` byte strings that `keep` wrote; raises `OSError`, and `ValueError` for others."""
        blob = cls.__new__(cls)
        blob._file = path.open("rb")
        size = blob._file.seek(0, os.SEEK_END)
        table = (count + 1) * _NUMBER.itemsize
        data = size - table - _DIGEST_BYTES
        if data < 0 or _digest(blob._file, size - _DIGEST_BYTES) != blob._file.read():
            raise ValueError(f"{path} is not whole")
        ends = np.frombuffer(os.pread(blob._file.fileno(), table, data), _NUMBER)
        if ends[0] != 0 or ends[-1] != data or (np.diff(ends) < 0).any():
            raise ValueError(f"{path} holds other things")
        blob._ends = ends.tolist()
        return blob

    def keep(self, path: Path) -> None:
        """Write all to a file with a name. Raises `OSError`."""
        with path.open("w+b") as file:
            self._file.seek(0)
            shutil.copyfileobj(self._file, file)
            file.write(np.array(self._ends, _NUMBER).tobytes())
            file.write(_digest(file, file.tell()))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @property
    def size_bytes(self) -> int:
        return self._ends[-1]

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


def _digest(file: BinaryIO, size: int) -> bytes:
    """SHA-256 of the first `size` bytes; reading goes on behind them."""
    file.seek(0)
    digest = hashlib.sha256()
    while size and (part := file.read(min(size, 1 << 20))):
        digest.update(part)
        size -= len(part)
    return digest.digest()


def _storing() -> AbstractContextManager[None]:
    return storing_in(Path(tempfile.gettempdir()), "TMPDIR")
