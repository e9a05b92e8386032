"""Ref-YouTube-VOS (Seo et al. 2020), as its server's competition publishes it.

ROOT/SPLIT/JPEGImages/VIDEO/FRAME.jpg
ROOT/train/Annotations/VIDEO/FRAME.png
ROOT/meta_expressions/SPLIT/meta_expressions.json
"""

from __future__ import annotations

from pathlib import Path

from refervid.datasets.base import Dataset, Scores
from refervid.datasets.expressions import MetaExpressions, video_tasks
from refervid.datasets.id_maps import check_id_maps, id_truths, items_of_task
from refervid.datasets.item import Item
from refervid.datasets.problems import Problems
from refervid.datasets.samples import two_shapes, write_common_form, write_json
from refervid.datasets.scoring import score_j_and_f
from refervid.datasets.submission import mask_files, write_zip
from refervid.datasets.tables import read_model

VALID_VIDEOS = 202
"""Of the published validation set, once the test videos in its list are left out."""
FPS = 6.0
"""Every fifth frame of 30 a second is annotated."""


class RefYoutubeVos(Dataset):
    """J and F over all listed frames; the masks of `valid` are only on the server."""

    name = "ref-youtube-vos"
    splits = ("valid", "train", "test")

    def _read(self, problems: Problems) -> list[Item]:
        file = self._list_file(self.split)
        meta = read_model(file, MetaExpressions, problems)
        if self.split == "valid":
            meta = self._without_test(meta, problems)
        pictures, annotations = (self.root / self.split / kind for kind in ("JPEGImages", "Annotations"))
        items = []
        for task in video_tasks(meta, file, pictures, FPS, problems):
            truths = {}
            if self.split == "train":
                truths = id_truths(task, annotations / task.source.name, file, problems)
            items += items_of_task(self.name, task, truths)
        return items

    def _list_file(self, split: str) -> Path:
        return self.root / "meta_expressions" / split / "meta_expressions.json"

    def _without_test(self, meta: MetaExpressions, problems: Problems) -> MetaExpressions:
        """The published list of `valid` names the test videos too.

        Where the list of `test` is not there, as on SOC's page, those are left out that have no pictures.
        """
        if self._list_file("test").is_file():
            test = set(read_model(self._list_file("test"), MetaExpressions, problems).videos)
        else:
            pictures = self.root / "valid" / "JPEGImages"
            test = {name for name in meta.videos if not (pictures / name).is_dir()}
        videos = {name: entry for name, entry in meta.videos.items() if name not in test}
        if len(videos) != VALID_VIDEOS:
            self.notes.append(
                f"{len(videos)} validation videos instead of the published {VALID_VIDEOS}: "
                "the server refuses results on another set"
            )
        return MetaExpressions(videos=videos)

    def _check(self, problems: Problems) -> None:
        check_id_maps(self.items(), problems)

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        return score_j_and_f(items, predictions, workers)

    def submit(self, predictions: Path, target: Path) -> None:
        """A zip of `Annotations/VIDEO/EXPRESSION/FRAME.png`, one for every listed frame."""
        write_zip(target, mask_files(self.items(), predictions, "Annotations/"))

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        """One video per split; the list of `valid` names the test video too, as the published one."""
        training, valid, test = (
            two_shapes(name, step=5) for name in ("0a1b2c3d4e", "1a1b2c3d4e", "2a1b2c3d4e")
        )
        write_common_form(folder, "train", [training])
        write_common_form(folder, "valid", [valid, test], truth=False)
        write_common_form(folder, "test", [test], truth=False)
        objects = {"1": {"category": "others"}, "2": {"category": "others"}}
        write_json(folder / "train" / "meta.json", {"videos": {training.name: {"objects": objects}}})
