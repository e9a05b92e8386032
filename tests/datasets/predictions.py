"""Predictions to score."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from refervid.core.types import Mask
from refervid.datasets.avsbench_semantic import Avss, ColourTruth, class_map
from refervid.datasets.base import Dataset
from refervid.datasets.pictures import read_rgb
from refervid.media.pictures import write_indexed, write_mask


def write_predictions(
    dataset: Dataset, folder: Path, change: Callable[[Mask], Mask] = lambda mask: mask
) -> None:
    """The truth of every item, changed, where predictions lie."""
    for item in dataset.items():
        assert item.truth is not None
        for position, frame in enumerate(item.frames):
            path = item.prediction(folder, frame)
            path.parent.mkdir(parents=True, exist_ok=True)
            mask = change(item.truth.at(position)[0])
            if isinstance(dataset, Avss):
                assert isinstance(item.truth, ColourTruth)
                classes = class_map(read_rgb(item.truth.files[position]))
                write_indexed(path, np.where(mask, classes, np.uint8(0)))
            else:
                write_mask(path, mask)
