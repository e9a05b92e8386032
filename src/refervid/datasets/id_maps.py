"""Annotations as one picture of object ids per frame: shared by several data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import DatasetError
from refervid.core.types import Mask, TextReference
from refervid.datasets.expressions import VideoTask, as_list
from refervid.datasets.item import Item
from refervid.datasets.pictures import read_ids, size_of
from refervid.datasets.problems import Problems
from refervid.metrics.davis import VOID

BLACK_AND_WHITE = {0, VOID}
NEEDS_IDS = "names no object of the annotations"
NAME_THEM = "give it the ids of its objects, 1 to 254, as obj_id"


@dataclass(frozen=True)
class IdTruth:
    """Objects of an id map per frame: pixel = object id, 0 = background, 255 = void.

    With `may_be_white`, maps that hold white (255) and no id in any frame are black and white: white is
    the one object whatever `object_ids` are, and nothing is void.
    """

    files: tuple[Path, ...]
    object_ids: tuple[int, ...]
    may_be_white: bool = False

    def at(self, position: int) -> tuple[Mask, Mask | None]:
        ids = read_ids(self.files[position])
        white = ids == VOID
        if self.black_and_white:
            return white, None
        if not self.names_objects:
            raise DatasetError(f"{self.files[0].parent}: an expression {NEEDS_IDS}; {NAME_THEM}")
        # Not `np.isin`, which takes as long as to read the picture.
        chosen: Mask = np.logical_or.reduce([ids == each for each in self.object_ids])
        return chosen, white if white.any() else None

    @cached_property
    def black_and_white(self) -> bool:
        """Reads one map after the other up to the first id; raises `DatasetError`.

        Not for opening a data set: of black and white pictures it reads all.
        """
        if not self.may_be_white:
            return False
        values: set[int] = set()
        for file in self.files:
            values |= _values(read_ids(file))
            if not values <= BLACK_AND_WHITE:
                return False
        return VOID in values

    @property
    def names_objects(self) -> bool:
        """Whether `object_ids` mean something on maps that are not black and white."""
        return bool(self.object_ids) and VOID not in self.object_ids


def items_of_task(dataset: str, task: VideoTask, truths: dict[str, IdTruth]) -> list[Item]:
    """One item per sentence of a video; `truths` by expression, possibly empty."""
    indices = tuple(range(len(task.frames)))
    return [
        Item(dataset, task.source, key, TextReference(expression.exp), task.frames, indices, truths.get(key))
        for key, expression in task.expressions.items()
    ]


def id_truths(
    task: VideoTask, folder: Path, list_file: Path, problems: Problems, may_be_white: bool = False
) -> dict[str, IdTruth]:
    """The truth of every sentence of a video from `folder/FRAME.png`; faults are reported.

    `list_file` is where the sentences come from. With `may_be_white` whether a sentence must name
    objects shows only in the maps: see `check_id_maps`.
    """
    files = tuple(folder / f"{frame}.png" for frame in task.frames)
    absent = [file.name for file in files if not file.is_file()]
    problems.missing(folder, absent, "every listed frame needs its annotation")
    if absent:
        return {}
    truths: dict[str, IdTruth] = {}
    for key, expression in task.expressions.items():
        ids = as_list(expression.obj_id)
        where = f"video {task.source.name}, expression {key}"
        if not all(each.isdecimal() and len(each) <= 3 and 1 <= int(each) <= VOID for each in ids):
            problems.add(list_file, f"{where} has obj_id {', '.join(ids)}", "ids go from 1 to 254")
            continue
        truth = IdTruth(files, tuple(int(each) for each in ids), may_be_white)
        if not (may_be_white or truth.names_objects):
            problems.add(list_file, f"{where} {NEEDS_IDS}", NAME_THEM)
        truths[key] = truth
    return truths


def check_id_maps(items: Sequence[Item], problems: Problems) -> None:
    """Every map is readable and of its frame's size, and every object named is in at least one."""
    for video, group in groupby(items, key=lambda item: item.video):
        sentences = [(item, item.truth) for item in group if isinstance(item.truth, IdTruth)]
        if not sentences:
            continue
        present: set[int] = set()
        for picture, file in zip(video.pictures, sentences[0][1].files, strict=True):
            try:
                shape = size_of(picture)
                ids = read_ids(file)
            except DatasetError as error:
                problems.lines.append(str(error))
                continue
            if ids.shape != shape:
                sizes = f"{ids.shape[1]}x{ids.shape[0]}, its frame {shape[1]}x{shape[0]}"
                problems.add(file, f"is {sizes}", "write the annotation at the frame's size")
            present |= _values(ids)
        for item, truth in sentences:
            if truth.may_be_white and VOID in present and present <= BLACK_AND_WHITE:
                continue
            folder, absent = truth.files[0].parent, sorted(set(truth.object_ids) - present)
            if not truth.names_objects:
                problems.add(folder, f"expression {item.expression_id} {NEEDS_IDS}", NAME_THEM)
            elif absent:
                problems.add(
                    folder,
                    f"object {', '.join(map(str, absent))} of expression {item.expression_id} is in no frame",
                    "correct obj_id or the annotations",
                )


def _values(ids: NDArray[np.uint8]) -> set[int]:
    return set(np.unique(ids).tolist())
