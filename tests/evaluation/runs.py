"""A data set to run on, and what a run left."""

from __future__ import annotations

import json
from pathlib import Path

from refervid.datasets.base import Dataset
from refervid.datasets.registry import open_dataset
from refervid.datasets.samples import two_shapes, write_common_form


def three_videos(root: Path) -> Dataset:
    write_common_form(root, "", [two_shapes(name, count=3) for name in ("a", "b", "c")])
    return open_dataset("folder", root)


def records(out: Path) -> dict[str, dict[str, object]]:
    files = sorted((out / "items").glob("*/*.json"))
    return {f"{file.parent.name}/{file.stem}": json.loads(file.read_text()) for file in files}


def times(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in sorted(out.glob("items/*/*.json"))}
