"""Zip files for the servers that keep the truth to themselves."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from refervid.core.errors import DatasetError
from refervid.core.files import atomic_file
from refervid.datasets.item import Item
from refervid.datasets.pictures import size_of
from refervid.datasets.scoring import raise_faults, read_prediction
from refervid.media.pictures import mask_png

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The same predictions give the same bytes."""


def write_zip(target: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """`(name in the archive, content)` pairs as one zip, whole or not at all."""
    with atomic_file(target) as part, zipfile.ZipFile(part, "w") as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)


def mask_files(items: Sequence[Item], predictions: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    """`PREFIX/VIDEO/EXPRESSION/FRAME.png`, grey 0 or 255; empty where a prediction is missing.

    Raises `DatasetError` at the end with all predictions that cannot be read or have a wrong size.
    """
    faults: list[str] = []
    for item in items:
        shape = size_of(item.video.pictures[0])
        for frame in item.frames:
            try:
                mask = read_prediction(item, predictions, frame, shape)
            except DatasetError as error:
                faults.append(str(error))
                continue
            yield f"{prefix}{item.name}/{frame}.png", mask_png(mask)
    raise_faults(faults)
