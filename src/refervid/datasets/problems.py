"""Faults of a data set, collected so that all are reported at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from refervid.core.counting import counted
from refervid.core.errors import DatasetError, UnsafeName
from refervid.core.files import safe_name


class Problems:
    """A list of faults, each with its file and what to do about it."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, path: Path, what: str, fix: str) -> None:
        self.lines.append(f"{path}: {what}; {fix}")

    @contextmanager
    def collected(self) -> Iterator[None]:
        """A `DatasetError` inside becomes a fault."""
        try:
            yield
        except DatasetError as error:
            self.lines.append(str(error))

    def name(self, path: Path, name: str) -> bool:
        """Whether `name`, read from `path`, may be used as a file name; a fault if not."""
        try:
            safe_name(name)
        except UnsafeName as error:
            self.lines.append(f"{path}: {error}")
            return False
        return True

    def missing(self, folder: Path, names: Sequence[str], fix: str) -> None:
        """One fault for all files missing from one folder."""
        self.several(folder, names, "missing", fix)

    def several(self, path: Path, names: Sequence[str], what: str, fix: str) -> None:
        """One fault for everything in one file or folder of which `what` is said; none without names."""
        if names:
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            self.add(path, f"{shown} {what}", fix)

    def raise_any(self, subject: str) -> None:
        """Raises `DatasetError` with every fault, if there is one."""
        if self.lines:
            raise DatasetError(
                "\n  ".join([f"{subject}: {counted(len(self.lines), 'problem')}", *self.lines])
            )
