"""Data sets by name."""

from __future__ import annotations

from pathlib import Path

from refervid.datasets.base import Dataset
from refervid.datasets.folder import Folder
from refervid.errors import DatasetError

DATASETS: dict[str, type[Dataset]] = {kind.name: kind for kind in (Folder,)}
"""In the order of the documentation."""


def dataset_class(name: str) -> type[Dataset]:
    """The class of that name; raises `DatasetError` naming all there are."""
    if name not in DATASETS:
        raise DatasetError(f"there is no data set {name!r}; choose one of {', '.join(DATASETS)}")
    return DATASETS[name]


def open_dataset(name: str, root: str | Path, split: str | None = None) -> Dataset:
    """Open the data set of that name, by default its split for evaluation; raises `DatasetError`."""
    return dataset_class(name)(root, split)
