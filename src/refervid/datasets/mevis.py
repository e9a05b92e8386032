"""MeViS (Ding et al. 2023): sentences about motion, with one or more targets each.

ROOT/SPLIT/JPEGImages/VIDEO/FRAME.jpg
ROOT/SPLIT/meta_expressions.json
ROOT/SPLIT/mask_dict.json           not in `valid`, whose masks are only on the server
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import RootModel

from refervid.core.errors import DatasetError
from refervid.core.types import TextReference
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.expressions import MetaExpressions, VideoTask, as_list, video_tasks
from refervid.datasets.item import Item
from refervid.datasets.pictures import size_of
from refervid.datasets.problems import Problems
from refervid.datasets.rle import Rle, RleTruth, encode
from refervid.datasets.samples import two_shapes, write_json, write_pictures
from refervid.datasets.scoring import score_j_and_f
from refervid.datasets.submission import mask_files, write_zip
from refervid.datasets.tables import read_model

FPS = 6.0
"""An assumption: the frames carry no times. It is the rate of the sets that most videos are from."""

MaskDict = RootModel[dict[str, list[Rle | None]]]
"""Per annotation id one code per listed frame, null where the object is not visible."""


class Mevis(Dataset):
    """J and F over all frames, also those where the target is absent; means over sentences."""

    name = "mevis"
    splits = ("valid_u", "valid", "train")

    def _read(self, problems: Problems) -> list[Item]:
        folder = self.root / self.split
        file = folder / "meta_expressions.json"
        meta = read_model(file, MetaExpressions, problems)
        masks: dict[str, list[Rle | None]] = {}
        if self.split != "valid":
            masks = read_model(folder / "mask_dict.json", MaskDict, problems).root
        items = []
        for task in video_tasks(meta, file, folder / "JPEGImages", FPS, problems):
            indices = tuple(range(len(task.frames)))
            for key, expression in task.expressions.items():
                truth = None
                if self.split != "valid":
                    with problems.collected():
                        truth = self._truth(task, key, meta.videos[task.source.name].frames, masks)
                reference = TextReference(expression.exp)
                items.append(Item(self.name, task.source, key, reference, task.frames, indices, truth))
        return items

    def _truth(
        self, task: VideoTask, key: str, listed: list[str], masks: dict[str, list[Rle | None]]
    ) -> RleTruth:
        """The union of a sentence's annotations, which have a mask per `listed` frame.

        Raises `DatasetError`.
        """
        file = self.root / self.split / "mask_dict.json"
        where = f"{file}: of video {task.source.name}, expression {key},"
        ids = as_list(task.expressions[key].anno_id)
        unknown = [each for each in ids if each not in masks]
        if not ids or unknown:
            raise DatasetError(f"{where} annotation {', '.join(unknown)} is missing; download both again")
        if any(len(masks[each]) != len(task.frames) for each in ids):
            raise DatasetError(f"{where} an annotation has not one mask per frame; download both files again")
        annotations = (masks[each] for each in ids)
        by_frame = dict(zip(listed, zip(*annotations, strict=True), strict=True))
        frames = tuple(tuple(filter(None, by_frame[name])) for name in task.frames)
        height, width = size_of(task.source.pictures[0])
        if any(code.size != (height, width) for codes in frames for code in codes):
            raise DatasetError(f"{where} a mask is not {width}x{height} as its frame; use one release")
        return RleTruth(file, height, width, frames)

    def _check(self, problems: Problems) -> None:
        for item in self.items():
            for position in range(len(item.frames)):
                with problems.collected():
                    if item.truth:
                        item.truth.at(position)

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        return score_j_and_f(items, predictions, workers)

    def submit(self, predictions: Path, target: Path) -> None:
        """A zip that holds the video folders directly: `VIDEO/EXPRESSION/FRAME.png`."""
        write_zip(target, mask_files(self.items(), predictions, ""))

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        """One video per split; a third sentence means both objects."""
        for split in cls.splits:
            clip = two_shapes(f"{split}_01")
            write_pictures(folder / split / "JPEGImages" / clip.name, list(clip.frames), clip.names)
            given = [(text, [object_id]) for text, object_id in clip.sentences] + [("all shapes", [1, 2])]
            expressions: dict[str, Any] = {str(k): {"exp": text} for k, (text, _) in enumerate(given)}
            if split != "valid":
                for entry, (_, ids) in zip(expressions.values(), given, strict=True):
                    entry |= {"obj_id": [each - 1 for each in ids], "anno_id": ids}
                masks = {str(each): [encode(labels == each) for labels in clip.ids] for each in (1, 2)}
                write_json(folder / split / "mask_dict.json", masks)
            videos = {clip.name: {"vid_id": 0, "expressions": expressions, "frames": clip.names}}
            write_json(folder / split / "meta_expressions.json", {"videos": videos})
