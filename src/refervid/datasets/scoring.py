"""Scores of items, one frame in memory at a time, on any number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import DatasetError, OutOfMemory
from refervid.core.types import Mask
from refervid.datasets.base import Scores
from refervid.datasets.item import Item, Truth
from refervid.datasets.pictures import read_foreground, size_of
from refervid.metrics.boundary import j_and_f
from refervid.metrics.region import without_void

Unit = TypeVar("Unit")
Answer = TypeVar("Answer")


def in_processes(function: Callable[[Unit], Answer], units: Sequence[Unit], workers: int) -> list[Answer]:
    """`function` of every unit, in order; both must be picklable when `workers` > 1.

    Raises `OutOfMemory` if a process is killed, which is what the system does when memory runs out.
    """
    if workers <= 1 or len(units) <= 1:
        return [function(unit) for unit in units]
    # Forking would copy locks of torch and OpenCV threads in whatever state they are.
    with ProcessPoolExecutor(min(workers, len(units)), mp_context=get_context("spawn")) as pool:
        try:
            return list(pool.map(function, units, chunksize=max(1, len(units) // (workers * 8))))
        except BrokenProcessPool as error:
            raise OutOfMemory(
                f"one of {workers} scoring processes was killed, most likely because memory ran out; "
                "score with fewer (--workers)"
            ) from error


def read_prediction(item: Item, folder: Path, frame: str, shape: tuple[int, int]) -> Mask:
    """The predicted mask of one frame; empty where the file is missing. Raises `DatasetError`."""
    path = item.prediction(folder, frame)
    if not path.is_file():
        return np.zeros(shape, bool)
    found = size_of(path)
    if found != shape:
        raise DatasetError(
            f"{path}: is {found[1]}x{found[0]}, its frame {shape[1]}x{shape[0]}; write it at the frame's size"
        )
    return read_foreground(path)


@dataclass(frozen=True)
class Measured:
    """What one item gave: numbers, frames without a prediction, faults."""

    numbers: Any
    missing: int
    faults: tuple[str, ...]


Measure = Callable[[Iterator[tuple[Mask, Mask, Mask | None]]], Any]
"""From (truth, prediction, void) of every frame to numbers."""


def measure_item(item: Item, folder: Path, measure: Measure) -> Measured:
    """`measure` over the frames of one item; a fault makes a frame count as empty."""
    faults: list[str] = []

    def frames(truth: Truth) -> Iterator[tuple[Mask, Mask, Mask | None]]:
        for position, frame in enumerate(item.frames):
            true, void = truth.at(position)
            try:
                predicted = read_prediction(item, folder, frame, true.shape)
            except DatasetError as error:
                faults.append(str(error))
                predicted = np.zeros(true.shape, bool)
            yield true, predicted, void

    assert item.truth is not None
    numbers = measure(frames(item.truth))
    missing = sum(not item.prediction(folder, frame).is_file() for frame in item.frames)
    return Measured(numbers, missing, tuple(faults))


def measure_items(items: Sequence[Item], folder: Path, measure: Measure, workers: int) -> list[Measured]:
    """All items, which have a truth; raises `DatasetError` with all faults."""
    measured = in_processes(partial(measure_item, folder=folder, measure=measure), items, workers)
    raise_faults([fault for each in measured for fault in each.faults])
    return measured


def raise_faults(faults: Sequence[str]) -> None:
    if faults:
        raise DatasetError("\n  ".join([f"{len(faults)} predictions cannot be used:", *faults]))


def missing_notes(items: Sequence[Item], measured: Sequence[Measured]) -> list[str]:
    """What to tell about predictions that are not there."""
    without = sum(each.missing == len(item.frames) for item, each in zip(items, measured, strict=True))
    frames = sum(
        each.missing for item, each in zip(items, measured, strict=True) if each.missing < len(item.frames)
    )
    notes = []
    if without:
        notes.append(f"{without} of {len(items)} expressions have no prediction and count as empty")
    if frames:
        notes.append(f"{frames} frames of other expressions have no prediction and count as empty")
    return notes


def row_of(item: Item, numbers: dict[str, float], missing: int) -> dict[str, Any]:
    """One line of `items.csv`."""
    return {
        "video": item.video.name,
        "expression_id": item.expression_id,
        "query": getattr(item.reference, "text", "sound"),
        **numbers,
        "frames": len(item.frames),
        "missing": missing,
    }


@dataclass(frozen=True)
class FrameScores:
    """J and F of each frame, (T,) float64; whether truth and prediction hold anything there, (T,) bool."""

    j: NDArray[np.float64]
    f: NDArray[np.float64]
    true: NDArray[np.bool_]
    predicted: NDArray[np.bool_]


def frame_scores(frames: Iterator[tuple[Mask, Mask, Mask | None]]) -> FrameScores:
    """What most measures are made of."""
    there = []

    def masks() -> Iterator[tuple[Mask, Mask]]:
        for each in frames:
            truth, prediction = without_void(*each)
            there.append((truth.any(), prediction.any()))
            yield truth, prediction

    j, f = j_and_f(masks())
    true, predicted = np.array(there, bool).T
    return FrameScores(j, f, true, predicted)


def mean_j_and_f(frames: Iterator[tuple[Mask, Mask, Mask | None]]) -> tuple[float, float]:
    """Means of J and F over frames."""
    scores = frame_scores(frames)
    return float(scores.j.mean()), float(scores.f.mean())


def with_mean(j: float, f: float) -> dict[str, float]:
    """J and F, and their mean."""
    return {"J&F": (j + f) / 2, "J": j, "F": f}


def means(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> dict[str, float]:
    """The mean of each column over rows of `items.csv`."""
    return {column: float(np.mean([row[column] for row in rows])) for column in columns}


def means_by_category(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> dict[str, dict[str, float]]:
    """`means` of the rows of each category, in the categories' order."""
    categories = sorted({row["category"] for row in rows})
    return {name: means([row for row in rows if row["category"] == name], columns) for name in categories}


def score_j_and_f(items: Sequence[Item], folder: Path, workers: int, *, whole: bool = False) -> Scores:
    """J and F: means over all frames of an expression, then over expressions. Of a `whole` answer no frame's
    prediction may be missing: else its expression counts 0.
    """
    measured = measure_items(items, folder, mean_j_and_f, workers)
    rows = []
    for item, each in zip(items, measured, strict=True):
        j, f = (0.0, 0.0) if whole and each.missing else each.numbers
        rows.append(row_of(item, {"J": j, "F": f, "J&F": (j + f) / 2}, each.missing))
    j, f = means(rows, ("J", "F")).values()
    notes = missing_notes(items, measured)
    if whole and notes:
        incomplete = sum(each.missing > 0 for each in measured)
        notes = [f"{incomplete} of {len(items)} expressions have frames with no prediction and count 0"]
    return Scores(with_mean(j, f), rows, notes)
