"""The two protocols of davis2017-evaluation for label maps with several objects.

Frames are read one after the other: memory holds one pair of label maps and a few numbers per frame.
Label maps are uint8 (H, W): 0 background, 1.. objects, and in the truth 255 void.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from refervid.core.errors import DatasetError
from refervid.metrics.boundary import MOST, boundary_table, radius_of
from refervid.metrics.region import cropped, frame_jaccard
from refervid.metrics.statistics import Statistics, statistics

LabelMap = NDArray[np.uint8]
Task = Literal["semi-supervised", "unsupervised"]

VOID = 255
MAX_PROPOSALS = 20
"""Result ids that the unsupervised protocol takes."""


@dataclass(frozen=True)
class ObjectScore:
    """One object of the truth, and the result id that was held against it."""

    object_id: int
    result_id: int
    j: Statistics
    f: Statistics


@dataclass(frozen=True)
class SetScore:
    """Means over all objects of all videos."""

    j: Statistics
    f: Statistics

    @property
    def j_and_f(self) -> float:
        return (self.j.mean + self.f.mean) / 2


def set_score(objects: Sequence[ObjectScore]) -> SetScore:
    """Every object counts once, whatever video it is from. Raises DatasetError if there is none."""
    if not objects:
        raise DatasetError("no video shows an object in its first frame, where DAVIS' protocols count them")

    def mean(parts: Sequence[Statistics]) -> Statistics:
        table = np.array([(part.mean, part.recall, part.decay) for part in parts])
        return Statistics(*table.mean(axis=0).tolist())

    return SetScore(mean([score.j for score in objects]), mean([score.f for score in objects]))


def score_sequence(pairs: Iterable[tuple[LabelMap, LabelMap]], task: Task) -> list[ObjectScore]:
    """Scores of the objects of one video; `pairs` yields (truth, result) of every frame in order.

    The objects are the ids up to the largest one in the first frame of the truth. Semi-supervised: the
    first and the last frame do not count, void is background, result id k belongs to object k.
    Unsupervised: all frames count, void is left out of both, and result ids are assigned so that the
    sum of the objects' (J + F) / 2 is largest; the list then follows the result ids.

    Raises DatasetError when the result holds more ids than the protocol takes, and when no frame counts.
    """
    frames = iter(pairs)
    first = next(frames, None)
    if first is None:
        raise DatasetError("no frame is left to score: the video has none")
    objects = int(first[0][first[0] != VOID].max(initial=0))
    if task == "semi-supervised":
        inner = (pair for pair, _ in pairwise(frames))
        tables = [_compare(truth, result, objects, task) for truth, result in inner]
        if not tables:
            raise DatasetError("no frame is left to score: the semi-supervised protocol drops first and last")
        return _as_numbered(tables, objects)
    return _best_assignment([_compare(*pair, objects, task) for pair in chain([first], frames)], objects)


def _compare(truth: LabelMap, result: LabelMap, objects: int, task: Task) -> NDArray[np.float64]:
    """J and F on one frame, (2, objects, 1 + largest result id); column 0 is an empty result.

    Of J the semi-supervised protocol needs, and gets, only column 0 and the pairs of equal ids.
    """
    void = truth == VOID
    if task == "unsupervised":
        result = np.where(void, np.uint8(0), result)
    limit = objects if task == "semi-supervised" else MAX_PROPOSALS
    largest = int(result.max())
    if largest > limit:
        raise DatasetError(
            f"the result holds object id {largest}, the {task} protocol takes at most {limit} here"
        )
    radius = radius_of(truth.shape[0], truth.shape[1])
    table = np.full((2, objects, largest + 1), np.nan)
    for rows in _pieces(objects):
        truths = [truth == row + 1 for row in rows]
        for columns in _pieces(largest + 1):
            # No id is above the largest: an empty result.
            results = [result == (column or largest + 1) for column in columns]
            parts = cropped([*truths, *results])
            table[1][np.ix_(rows, columns)] = boundary_table(parts, radius)[: len(rows), len(rows) :]
            for row, mask in zip(rows, parts, strict=False):
                for column, found in zip(columns, parts[len(rows) :], strict=True):
                    if task == "unsupervised" or column in (0, row + 1):
                        table[0, row, column] = frame_jaccard(mask, found)
    return table


def _pieces(count: int) -> list[range]:
    """So few that those of truth and result can be compared at once."""
    return [range(start, min(start + MOST // 2, count)) for start in range(0, count, MOST // 2)]


def _column(tables: Sequence[NDArray[np.float64]], row: int, result_id: int) -> NDArray[np.float64]:
    """J and F of one pair over the frames, (2, T); a result id that a frame does not reach is empty there."""
    return np.stack([t[:, row, result_id if result_id < t.shape[2] else 0] for t in tables], axis=1)


def _score(tables: Sequence[NDArray[np.float64]], row: int, result_id: int) -> ObjectScore:
    j, f = _column(tables, row, result_id)
    return ObjectScore(row + 1, result_id, statistics(j), statistics(f))


def _as_numbered(tables: Sequence[NDArray[np.float64]], objects: int) -> list[ObjectScore]:
    return [_score(tables, row, row + 1) for row in range(objects)]


def _best_assignment(tables: Sequence[NDArray[np.float64]], objects: int) -> list[ObjectScore]:
    proposals = max(objects, max(table.shape[2] - 1 for table in tables))
    weight = np.zeros((proposals, objects))
    for proposal, row in np.ndindex(weight.shape):
        weight[proposal, row] = _column(tables, row, proposal + 1).mean(axis=1).mean()
    matches = zip(*linear_sum_assignment(-weight), strict=True)
    return [_score(tables, int(row), int(proposal) + 1) for proposal, row in matches]
