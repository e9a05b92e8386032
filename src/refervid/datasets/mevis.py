"""MeViS (Ding et al. 2023): sentences about motion, with one or more targets each.

ROOT/SPLIT/JPEGImages/VIDEO/FRAME.jpg
ROOT/SPLIT/meta_expressions.json
ROOT/SPLIT/mask_dict.json           not in `valid`, whose masks are only on the server
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from refervid.core.errors import DatasetError
from refervid.core.types import TextReference
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.expressions import MetaExpressions, VideoTask, as_list, video_tasks
from refervid.datasets.item import Item
from refervid.datasets.mask_dict import Codes, MaskDict, check_truths, union_truth
from refervid.datasets.problems import Problems
from refervid.datasets.rle import RleTruth, encode
from refervid.datasets.samples import two_shapes, write_json, write_pictures
from refervid.datasets.scoring import score_j_and_f
from refervid.datasets.submission import mask_files, write_zip
from refervid.datasets.tables import read_model

FPS = 6.0
"""An assumption: the frames carry no times. It is the rate of the sets that most videos are from."""


class Mevis(Dataset):
    """J and F over all frames, also those where the target is absent; means over sentences."""

    name = "mevis"
    splits = ("valid_u", "valid", "train")

    no_target: ClassVar[bool] = False
    """Whether sentences may mean nothing in the clip."""

    def _read(self, problems: Problems) -> list[Item]:
        folder = self.root / self.split
        file = self._list_file(folder)
        meta = read_model(file, MetaExpressions, problems)
        masks: dict[str, Codes] = {}
        if self.split != "valid":
            masks = read_model(folder / "mask_dict.json", MaskDict, problems).root
        items = []
        for task in video_tasks(meta, file, folder / "JPEGImages", FPS, problems):
            indices = tuple(range(len(task.frames)))
            listed = meta.videos[task.source.name].frames
            for key, expression in task.expressions.items():
                truth = None
                if self.split != "valid":
                    with problems.collected():
                        truth = self._truth(task, key, listed, masks)
                reference = TextReference(expression.exp)
                items.append(Item(self.name, task.source, key, reference, task.frames, indices, truth))
        return items

    @classmethod
    def _list_file(cls, folder: Path) -> Path:
        """Where the sentences of a split's folder are."""
        return folder / "meta_expressions.json"

    def _truth(self, task: VideoTask, key: str, listed: list[str], masks: dict[str, Codes]) -> RleTruth:
        """The union of a sentence's annotations; raises `DatasetError`."""
        folder = self.root / self.split
        where, ids = f"expression {key} of video {task.source.name}", as_list(task.expressions[key].anno_id)
        if not ids and not self.no_target:
            raise DatasetError(f"{self._list_file(folder)}: {where} names no annotation; download it again")
        return union_truth(
            folder / "mask_dict.json", masks, ids, listed, task.source, task.frames, where=where
        )

    def _check(self, problems: Problems) -> None:
        check_truths(self.items(), problems)

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        """Published: where predictions are missing, nothing is right on frames without the object either."""
        return score_j_and_f(items, predictions, workers, whole=True)

    def submit(self, predictions: Path, target: Path) -> None:
        """A zip that holds the video folders directly: `VIDEO/EXPRESSION/FRAME.png`."""
        write_zip(target, mask_files(self.items(), predictions, ""))

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        """One video per split; a third sentence means both objects, and where it may a fourth nothing."""
        for split in cls.splits:
            clip = two_shapes(f"{split}_01")
            write_pictures(folder / split / "JPEGImages" / clip.name, list(clip.frames), clip.names)
            given = [(text, [object_id]) for text, object_id in clip.sentences] + [("all shapes", [1, 2])]
            given += [("the green triangle that falls", [])] if cls.no_target else []
            expressions: dict[str, Any] = {str(k): {"exp": text} for k, (text, _) in enumerate(given)}
            if split != "valid":
                for entry, (_, ids) in zip(expressions.values(), given, strict=True):
                    entry |= {"obj_id": [each - 1 for each in ids], "anno_id": ids}
                masks = {str(each): [encode(labels == each) for labels in clip.ids] for each in (1, 2)}
                write_json(folder / split / "mask_dict.json", masks)
            videos = {clip.name: {"vid_id": 0, "expressions": expressions, "frames": clip.names}}
            write_json(cls._list_file(folder / split), {"videos": videos})
