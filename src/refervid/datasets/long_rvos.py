"""Long-RVOS (Liang et al. 2025): clips of a minute and more, in which objects come and go.

ROOT/SPLIT/JPEGImages/VIDEO/FRAME.jpg
ROOT/SPLIT/Annotations/VIDEO/OBJECT/FRAME.png       none where the object is not there; none in `test`
ROOT/SPLIT/meta_expressions.json                    with the `obj_id` and the `type` of every sentence
"""

from __future__ import annotations

from pathlib import Path

from refervid.core.types import TextReference
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.expressions import MetaExpressions, VideoTask, as_list, video_tasks
from refervid.datasets.item import Item
from refervid.datasets.mask_files import MaskFiles
from refervid.datasets.pictures import size_of
from refervid.datasets.problems import Problems
from refervid.datasets.samples import two_shapes, write_json, write_masks, write_pictures
from refervid.datasets.scoring import (
    frame_scores,
    means,
    means_by_category,
    measure_items,
    missing_notes,
    row_of,
    with_mean,
)
from refervid.datasets.tables import read_model
from refervid.metrics.temporal import temporal_and_video_iou

FPS = 6.0
"""An assumption: the frames carry no times."""
TYPES = ("static", "dynamic", "hybrid")
COLUMNS = ("J&F", "J", "F", "tIoU", "vIoU")


class LongRvos(Dataset):
    """J and F over all frames, tIoU and vIoU; means over sentences, all and of each type.

    The masks of `test` are not published, and where they are scored could not be found: it has no submission.
    """

    name = "long-rvos"
    splits = ("valid", "test", "train")

    def _read(self, problems: Problems) -> list[Item]:
        folder = self.root / self.split
        file = folder / "meta_expressions.json"
        meta = read_model(file, MetaExpressions, problems)
        items = []
        for task in video_tasks(meta, file, folder / "JPEGImages", FPS, problems):
            indices = tuple(range(len(task.frames)))
            for key, expression in task.expressions.items():
                truth = self._truth(task, key, file, problems) if self.split != "test" else None
                reference, category = TextReference(expression.exp), str(expression.type or "")
                items.append(
                    Item(self.name, task.source, key, reference, task.frames, indices, truth, category)
                )
        return items

    def _truth(self, task: VideoTask, key: str, file: Path, problems: Problems) -> MaskFiles | None:
        """The masks of a sentence's one object; None, and a fault, where it names none that is annotated."""
        expression, where = task.expressions[key], f"expression {key} of video {task.source.name}"
        if expression.type not in TYPES:
            problems.add(file, f"{where} has type {expression.type!r}", f"choose {', '.join(TYPES)}")
        ids = as_list(expression.obj_id)
        if len(ids) != 1:
            problems.add(file, f"{where} names {len(ids)} objects", "give it one obj_id")
            return None
        if not problems.name(file, ids[0]):
            return None
        masks = self.root / self.split / "Annotations" / task.source.name / ids[0]
        if not masks.is_dir():
            problems.add(masks, f"is missing, which {where} names", "put the object's masks there")
            return None
        there = {path.stem: path for path in masks.glob("*.png")}
        files = tuple(there.get(frame) for frame in task.frames)
        return MaskFiles(files, *size_of(task.source.pictures[0]))

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        measured = measure_items(items, predictions, frame_scores, workers)
        rows = []
        for item, each in zip(items, measured, strict=True):
            frames = each.numbers
            t_iou, v_iou = temporal_and_video_iou(frames.j, frames.true, frames.predicted)
            numbers = {**with_mean(frames.j.mean(), frames.f.mean()), "tIoU": t_iou, "vIoU": v_iou}
            rows.append({**row_of(item, numbers, each.missing), "category": item.category})
        metrics = {**means(rows, COLUMNS), "types": means_by_category(rows, COLUMNS)}
        return Scores(metrics, rows, missing_notes(items, measured))

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        """One video per split, with a sentence of each type; the disk leaves before the last frame."""
        for split in cls.splits:
            clip = two_shapes(f"{split}_shapes")
            place = folder / split
            clip.frames[-1][clip.ids[-1] == 1] = 120
            clip.ids[-1][clip.ids[-1] == 1] = 0
            write_pictures(place / "JPEGImages" / clip.name, list(clip.frames), clip.names)
            given = [*clip.sentences, ("the red circle that leaves", 1)]
            expressions = {
                str(key): {"exp": text, "obj_id": str(object_id), "type": kind}
                for key, ((text, object_id), kind) in enumerate(
                    zip(given, ("hybrid", "static", "dynamic"), strict=True)
                )
            }
            if split != "test":
                for object_id in (1, 2):
                    masks = clip.ids == object_id
                    shown = [time for time, mask in enumerate(masks) if mask.any()]
                    names = [clip.names[time] for time in shown]
                    write_masks(place / "Annotations" / clip.name / str(object_id), masks[shown], names)
            videos = {clip.name: {"expressions": expressions, "frames": clip.names}}
            write_json(place / "meta_expressions.json", {"videos": videos})
