"""Annotations as one picture of object ids per frame: shared by several data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from refervid.datasets.expressions import VideoTask, as_list
from refervid.datasets.item import Item
from refervid.datasets.pictures import read_ids, size_of
from refervid.datasets.problems import Problems
from refervid.errors import DatasetError
from refervid.metrics.davis import VOID
from refervid.types import Mask, TextReference


@dataclass(frozen=True)
class IdTruth:
    """Objects of an id map per frame: pixel = object id, 0 = background, 255 = void.

    With `black_and_white` any value above 127 is the one object, and nothing is void.
    """

    files: tuple[Path, ...]
    object_ids: tuple[int, ...]
    black_and_white: bool = False

    def at(self, position: int) -> tuple[Mask, Mask | None]:
        ids = read_ids(self.files[position])
        if self.black_and_white:
            return ids > 127, None
        void = ids == VOID
        return np.isin(ids, self.object_ids), void if void.any() else None


def items_of_task(dataset: str, task: VideoTask, truths: dict[str, IdTruth]) -> list[Item]:
    """One item per sentence of a video; `truths` by expression, possibly empty."""
    indices = tuple(range(len(task.frames)))
    return [
        Item(dataset, task.source, key, TextReference(expression.exp), task.frames, indices, truths.get(key))
        for key, expression in task.expressions.items()
    ]


def id_truths(task: VideoTask, folder: Path, list_file: Path, problems: Problems) -> dict[str, IdTruth]:
    """The truth of every sentence of a video from `folder/FRAME.png`; faults are reported.

    `list_file` is where the sentences come from.
    """
    files = tuple(folder / f"{frame}.png" for frame in task.frames)
    absent = [file.name for file in files if not file.is_file()]
    problems.missing(folder, absent, "every listed frame needs its annotation")
    if absent:
        return {}
    truths: dict[str, IdTruth] = {}
    with problems.collected():
        black_and_white = is_black_and_white(files)
    for key, expression in task.expressions.items():
        ids = as_list(expression.obj_id)
        where = f"video {task.source.name}, expression {key}"
        if not ids and not black_and_white:
            problems.add(list_file, f"{where} has no obj_id", "name the object in the annotations")
        elif not all(each.isdecimal() and 1 <= int(each) <= VOID for each in ids):
            problems.add(list_file, f"{where} has obj_id {', '.join(ids)}", "ids go from 1 to 254")
        else:
            truths[key] = IdTruth(files, tuple(int(each) for each in ids), black_and_white)
    return truths


def is_black_and_white(files: Sequence[Path]) -> bool:
    """Whether the first map that is not empty holds nothing but 255."""
    for file in files:
        ids = read_ids(file)
        if ids.any():
            return bool(np.isin(ids, (0, 255)).all())
    return False


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
            present.update(np.unique(ids).tolist())
        for item, truth in sentences:
            absent = [each for each in truth.object_ids if each not in present and not truth.black_and_white]
            if absent:
                problems.add(
                    sentences[0][1].files[0].parent,
                    f"object {', '.join(map(str, absent))} of expression {item.expression_id} is in no frame",
                    "correct obj_id or the annotations",
                )
