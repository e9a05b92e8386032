"""A copy of a run at any place that fsspec reaches: another disk, a server, a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from refervid.core.errors import MirrorFailed, MissingExtra, OutputConflict, SettingsError
from refervid.core.files import atomic_file, inside, parse_json


class Mirror:
    """Files and folders of a run below `url`, for example `s3://bucket/run`.

    Raises `SettingsError` for a form of address that fsspec does not know, and `MissingExtra` where it
    needs a package for it; every other error of the storage, now or later, is `MirrorFailed`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        try:
            self._files: Any
            self._files, self._root = url_to_fs(url)
        except ValueError as error:
            raise SettingsError(f"mirror {url!r}: {error}; write it as scheme://place/folder") from error
        except ImportError as error:
            raise MissingExtra(f"mirror {url!r}: {error}") from error
        except Exception as error:
            raise self._failed(error) from error

    def check(self, *others: Path) -> None:
        """Raises `OutputConflict` for a mirror on this machine that lies in one of these or around it."""
        if not isinstance(self._files, LocalFileSystem):
            return
        own = Path(self._root).resolve()
        for other in others:
            place = other.resolve()
            if own == place or own in place.parents or place in own.parents:
                raise OutputConflict(
                    f"the mirror {self._url} and {other} would lie in each other: choose another place "
                    "(--mirror)"
                )

    def read(self, name: str) -> bytes | None:
        """The file of that name, if there is one."""
        with self._storage():
            path = f"{self._root}/{name}"
            return bytes(self._files.cat_file(path)) if self._files.exists(path) else None

    def sizes(self) -> dict[str, int]:
        """Names and bytes of all files."""
        with self._storage():
            found = self._files.find(self._root, detail=True) if self._files.exists(self._root) else {}
        root = PurePosixPath(self._root)
        return {str(PurePosixPath(path).relative_to(root)): found[path]["size"] for path in found}

    def put(self, path: Path, name: str) -> None:
        """Copy a file, or the files of a folder, to `name` below the address."""
        if path.is_dir():
            for file in sorted(path.iterdir()):
                self.put(file, f"{name}/{file.name}")
            return
        target, content = f"{self._root}/{name}", path.read_bytes()
        with self._storage():
            self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(target, content)

    def fetch(self, folder: Path, unfinished: Path) -> None:
        """Bring everything into `folder` that is not there; records last, as they say what is done.

        `unfinished` is where files lie until they are whole.
        """
        for name in sorted(self.sizes(), key=lambda name: (name.startswith("items/"), name)):
            target = inside(folder, *name.split("/"))
            if target.exists():
                continue
            with self._storage():
                content = self._files.cat_file(f"{self._root}/{name}")
            if name.endswith(".json") and not _is_json(content):
                continue  # who copied it was killed
            with atomic_file(target, unfinished) as part:
                part.write_bytes(content)

    @contextmanager
    def _storage(self) -> Iterator[None]:
        """Around calls of the client: every kind of storage has errors of its own."""
        try:
            yield
        except Exception as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> MirrorFailed:
        return MirrorFailed(
            f"mirror {self._url!r}: {type(error).__name__}: {error}; what is done stays in the output "
            "folder: go on with --resume once the mirror can be reached, or without --mirror"
        )


def _is_json(content: bytes) -> bool:
    try:
        parse_json(content)
    except ValueError:
        return False
    return True
