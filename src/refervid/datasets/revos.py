"""ReVOS (Yan et al. 2024, "VISA"): sentences that refer, that need reasoning, or that mean nothing there.

ROOT/JPEGImages/VIDEO/FRAME.jpg
ROOT/meta_expressions_SPLIT_.json       SPLIT is train or valid; the underscore before .json is theirs
ROOT/mask_dict.json                     of both splits
ROOT/mask_dict_foreground.json          of both: per video the union of all its annotations
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, RootModel

from refervid.core.types import Mask, TextReference
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.expressions import MetaExpressions, VideoTask, as_list, video_tasks
from refervid.datasets.item import Item
from refervid.datasets.mask_dict import Codes, MaskDict, check_truths, union_truth
from refervid.datasets.problems import Problems
from refervid.datasets.rle import RleTruth, encode
from refervid.datasets.samples import two_shapes, write_json, write_pictures
from refervid.datasets.scoring import (
    Measured,
    in_processes,
    means,
    means_by_category,
    measure_item,
    missing_notes,
    raise_faults,
    row_of,
    with_mean,
)
from refervid.datasets.tables import read_model
from refervid.metrics.boundary import j_and_f
from refervid.metrics.revos import pixel_accuracy, robustness

FPS = 6.0
"""An assumption: the frames carry no times."""
TYPES = {0: "referring", 1: "reasoning", 2: "no target"}
"""By `type_id`."""
COLUMNS = ("J&F", "J", "F", "A", "R")


class _Foreground(BaseModel):
    masks_rle: Codes


_ForegroundDict = RootModel[dict[str, _Foreground]]


@dataclass(frozen=True)
class RevosTruth:
    """The mask of a sentence and, beside it, of all that any sentence of the video means."""

    mask: RleTruth
    foreground: RleTruth

    def at(self, position: int) -> tuple[Mask, None]:
        return self.mask.at(position)


class Revos(Dataset):
    """J, F, pixel accuracy A and robustness R: means per type, then over the types with targets."""

    name = "revos"
    splits = ("valid", "train")

    def _read(self, problems: Problems) -> list[Item]:
        file = self.root / f"meta_expressions_{self.split}_.json"
        meta = read_model(file, MetaExpressions, problems)
        masks = read_model(self.root / "mask_dict.json", MaskDict, problems).root
        places = self.root / "mask_dict_foreground.json"
        foregrounds = {
            video: each.masks_rle
            for video, each in read_model(places, _ForegroundDict, problems).root.items()
        }
        items: list[Item] = []
        for task in video_tasks(meta, file, self.root / "JPEGImages", FPS, problems):
            name, frames = task.source.name, task.frames
            listed = meta.videos[name].frames
            with problems.collected():
                foreground = union_truth(
                    places, foregrounds, [name], listed, task.source, frames, where=f"video {name}"
                )
                items += self._sentences(task, listed, masks, foreground, problems)
        return items

    def _sentences(
        self,
        task: VideoTask,
        listed: list[str],
        masks: dict[str, Codes],
        foreground: RleTruth,
        problems: Problems,
    ) -> Iterator[Item]:
        """The items of one video; those with faults are left out and reported."""
        indices = tuple(range(len(task.frames)))
        for key, expression in task.expressions.items():
            where = f"expression {key} of video {task.source.name}"
            if expression.type_id not in list(TYPES):  # a list, for what has no hash
                file = self.root / f"meta_expressions_{self.split}_.json"
                problems.add(file, f"{where} has type_id {expression.type_id!r}", "give it 0, 1 or 2")
                continue
            ids, masks_file = as_list(expression.anno_id), self.root / "mask_dict.json"
            with problems.collected():
                mask = union_truth(masks_file, masks, ids, listed, task.source, task.frames, where)
                yield Item(
                    self.name,
                    task.source,
                    key,
                    TextReference(expression.exp),
                    task.frames,
                    indices,
                    RevosTruth(mask, foreground),
                    TYPES[expression.type_id],
                )

    def _check(self, problems: Problems) -> None:
        check_truths(self.items(), problems)
        for truth in {item.video.name: item.truth for item in self.items()}.values():
            assert isinstance(truth, RevosTruth)
            with problems.collected():
                for position in range(len(truth.foreground.frames)):
                    truth.foreground.at(position)

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        measured = in_processes(partial(_measure, predictions=predictions), items, workers)
        raise_faults([fault for each in measured for fault in each.faults])
        rows = []
        for item, each in zip(items, measured, strict=True):
            j, f, a, r = each.numbers
            numbers = {**with_mean(j, f), "A": a, "R": r}
            rows.append({**row_of(item, numbers, each.missing), "category": item.category})
        types = means_by_category(rows, COLUMNS)
        # The published mean leaves sentences without a target out.
        counted = [types[name] for name in types if name != "no target"] or list(types.values())
        return Scores({**means(counted, COLUMNS), "types": types}, rows, missing_notes(items, measured))

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        """One video per split, with a sentence of each type."""
        masks: dict[str, Any] = {}
        foregrounds: dict[str, Any] = {}
        for split in cls.splits:
            clip = two_shapes(f"{split}_shapes")
            write_pictures(folder / "JPEGImages" / clip.name, list(clip.frames), clip.names)
            numbers = [len(masks), len(masks) + 1]
            for number, object_id in zip(numbers, (1, 2), strict=True):
                masks[str(number)] = [encode(labels == object_id) for labels in clip.ids]
            foregrounds[clip.name] = {"masks_rle": [encode(labels > 0) for labels in clip.ids]}
            given = [
                (clip.sentences[0][0], numbers[:1], 0),
                ("the shape that would stay where it is", numbers[1:], 1),
                ("the green triangle that falls", [], 2),
            ]
            expressions = {
                str(key): {"exp": text, "anno_id": ids, "type_id": kind}
                for key, (text, ids, kind) in enumerate(given)
            }
            height, width = clip.ids.shape[1:]
            entry = {"height": height, "width": width, "frames": clip.names, "expressions": expressions}
            write_json(folder / f"meta_expressions_{split}_.json", {"videos": {clip.name: entry}})
        write_json(folder / "mask_dict.json", masks)
        write_json(folder / "mask_dict_foreground.json", foregrounds)


def _measure(item: Item, predictions: Path) -> Measured:
    """Means over the frames of one sentence of J, F, A and R."""
    assert isinstance(item.truth, RevosTruth)
    foreground = item.truth.foreground

    def numbers(frames: Iterator[tuple[Mask, Mask, Mask | None]]) -> list[float]:
        values = []
        for position, (truth, prediction, _) in enumerate(frames):
            a = pixel_accuracy(truth, prediction)
            r = robustness(truth, prediction, foreground.at(position)[0])
            values.append((*j_and_f([(truth, prediction)])[:, 0], a, r))
        means_of_frames: list[float] = np.mean(values, axis=0).tolist()
        return means_of_frames

    return measure_item(item, predictions, numbers)
