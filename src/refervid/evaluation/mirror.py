"""A copy of a run at any place that fsspec reaches: another disk, a server, a bucket."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from fsspec.core import url_to_fs

from refervid.errors import MissingExtra, SettingsError
from refervid.files import atomic_file, inside


class Mirror:
    """Files and folders of a run below `url`, for example `s3://bucket/run`.

    Raises `SettingsError` for a form of address that fsspec does not know, and `MissingExtra` where it
    needs a package for it.
    """

    def __init__(self, url: str) -> None:
        try:
            self._files: Any
            self._files, self._root = url_to_fs(url)
        except ValueError as error:
            raise SettingsError(f"mirror {url!r}: {error}; write it as scheme://place/folder") from error
        except ImportError as error:
            raise MissingExtra(f"mirror {url!r}: {error}") from error

    def holds(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return bool(self._files.exists(f"{self._root}/{name}"))

    def put(self, path: Path, name: str) -> None:
        """Copy a file, or the files of a folder, to `name` below the address."""
        if path.is_dir():
            for file in sorted(path.iterdir()):
                self.put(file, f"{name}/{file.name}")
            return
        target = f"{self._root}/{name}"
        self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
        self._files.pipe_file(target, path.read_bytes())

    def fetch(self, folder: Path) -> None:
        """Bring everything into `folder` that is not there; records last, as they say what is done."""
        if not self._files.exists(self._root):
            return
        prefix = PurePosixPath(self._files._strip_protocol(self._root))
        names = [str(PurePosixPath(found).relative_to(prefix)) for found in self._files.find(self._root)]
        for name in sorted(names, key=lambda name: (name.startswith("items/"), name)):
            target = inside(folder, *name.split("/"))
            if not target.exists():
                with atomic_file(target) as part:
                    part.write_bytes(self._files.cat_file(f"{prefix}/{name}"))
