"""Patterns of names that no shell has put names in the place of."""

from __future__ import annotations

import os
from collections.abc import Sequence
from glob import glob, has_magic
from pathlib import Path

from refervid.cli.console import console
from refervid.core.errors import SettingsError
from refervid.core.files import by_number


def expanded(paths: Sequence[Path]) -> list[Path]:
    """Paths as they are, and for a pattern (`*`, `?`, `[0-9]`, `**`) what it stands for, in order, each once.

    Raises `SettingsError` for a pattern that nothing is called by.
    """
    found: list[Path] = []
    for path in paths:
        if path.exists() or not has_magic(str(path)):
            found.append(path)
            continue
        names = sorted(glob(str(path), recursive=True), key=by_number)
        if not names:
            raise SettingsError(f"there is no file that {str(path)!r} stands for: check the pattern")
        found += map(Path, names)
    once: dict[str, Path] = {}
    for path in found:
        place = os.path.abspath(path)
        if place in once:
            console.print(f"{path} is given more than once: it is done once", markup=False)
        once.setdefault(place, path)
    return list(once.values())
