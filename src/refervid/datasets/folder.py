"""The user's own data.

ROOT/JPEGImages/VIDEO/FRAME.jpg
ROOT/Annotations/VIDEO/FRAME.png    object ids with 255 as void, or black and white; may be left out
ROOT/meta_expressions/meta_expressions.json

With annotations in black and white, which hold one object per video, `obj_id` may be left out.
"""

from __future__ import annotations

from pathlib import Path

from refervid.datasets.base import Dataset, Scores
from refervid.datasets.expressions import MetaExpressions, unknown_videos, video_tasks
from refervid.datasets.id_maps import check_id_maps, id_truths, items_of_task
from refervid.datasets.item import Item
from refervid.datasets.problems import Problems
from refervid.datasets.samples import two_shapes, write_common_form
from refervid.datasets.scoring import score_j_and_f
from refervid.datasets.tables import read_model

FPS = 25.0
"""Pictures carry no times, so this is an assumption; only sound would depend on it."""


class Folder(Dataset):
    """J and F over all frames of all expressions, void left out."""

    name = "folder"
    splits = ("all",)

    def _read(self, problems: Problems) -> list[Item]:
        file = self.root / "meta_expressions" / "meta_expressions.json"
        annotations = self.root / "Annotations"
        meta = read_model(file, MetaExpressions, problems)
        unknown_videos(annotations, list(meta.videos), problems)
        items = []
        for task in video_tasks(meta, file, self.root / "JPEGImages", FPS, problems):
            truths = {}
            if annotations.is_dir():
                place = annotations / task.source.name
                truths = id_truths(task, place, file, problems, may_be_white=True)
            items += items_of_task(self.name, task, truths)
        return items

    def _check(self, problems: Problems) -> None:
        check_id_maps(self.items(), problems)

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        return score_j_and_f(items, predictions, workers)

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        write_common_form(folder, "", [two_shapes()])
