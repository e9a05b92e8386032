"""ReasonVOS (Bai et al. 2024, "VideoLISA"): implicit sentences on clips of four other data sets.

ROOT/meta_expressions.json
ROOT/JPEGImages/VIDEO/FRAME.jpg
ROOT/Annotations/SOURCE_VIDEO_OBJECT/FRAME.png      what is not black is the object

The list maps videos to their `source` and their `expressions`: `obj_id`, `exp_id`, `exp_text`, `is_sent`.
Predictions lie, as for the published program, under SOURCE_VIDEO_OBJECT/EXPRESSION.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from refervid.core.files import by_number
from refervid.core.types import TextReference
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.expressions import ObjectId, picture_names
from refervid.datasets.item import Item, VideoSource
from refervid.datasets.mask_files import MaskFiles
from refervid.datasets.pictures import size_of
from refervid.datasets.problems import Problems
from refervid.datasets.samples import two_shapes, write_json, write_masks, write_pictures
from refervid.datasets.scoring import score_j_and_f
from refervid.datasets.tables import read_model

FPS = 6.0
"""An assumption: the frames carry no times, and the sources differ."""


class _Expression(BaseModel):
    model_config = ConfigDict(strict=True)

    obj_id: ObjectId
    exp_id: ObjectId
    exp_text: str


class _Video(BaseModel):
    model_config = ConfigDict(strict=True)

    source: str
    expressions: list[_Expression]


class _List(BaseModel):
    videos: dict[str, _Video]


class ReasonVos(Dataset):
    """J and F over the annotated frames; means over sentences."""

    name = "reasonvos"
    splits = ("test",)

    def _read(self, problems: Problems) -> list[Item]:
        file = self.root / "meta_expressions.json"
        items: dict[str, Item] = {}
        for video, entry in read_model(file, _List, problems).videos.items():
            for expression in entry.expressions:
                annotated, key = f"{entry.source}_{video}_{expression.obj_id}", str(expression.exp_id)
                if not all(problems.name(file, name) for name in (video, annotated, key)):
                    continue
                item = self._item(video, annotated, key, expression.exp_text, problems)
                if item and item.name in items:
                    problems.add(file, f"expression {key} of {annotated} is listed twice", "remove one")
                elif item:
                    items[item.name] = item
        return sorted(items.values(), key=lambda item: (item.video.name, by_number(item.expression_id)))

    def _item(self, video: str, annotated: str, key: str, text: str, problems: Problems) -> Item | None:
        """One sentence about the object whose masks are in the folder `annotated`; None, and faults."""
        pictures, masks = self.root / "JPEGImages" / video, self.root / "Annotations" / annotated
        found, annotations = picture_names(pictures), picture_names(masks)
        names = sorted(found, key=by_number)
        frames = tuple(sorted(annotations, key=by_number))
        if not frames:
            problems.add(masks, "holds no annotation", "put the masks of this object there")
        absent = [f"{name}.jpg" for name in frames if name not in found]
        problems.missing(pictures, absent, "every annotation needs its frame")
        if absent or not frames:
            return None
        source = VideoSource(annotated, pictures, tuple(found[name] for name in names), FPS)
        truth = MaskFiles(tuple(annotations[name] for name in frames), *size_of(source.pictures[0]))
        indices = tuple(names.index(name) for name in frames)
        return Item(self.name, source, key, TextReference(text), frames, indices, truth)

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        return score_j_and_f(items, predictions, workers)

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        """One video, of whose frames every other one is annotated."""
        clip = two_shapes("shapes")
        write_pictures(folder / "JPEGImages" / clip.name, list(clip.frames), clip.names)
        expressions: list[dict[str, Any]] = []
        for number, (text, object_id) in enumerate(clip.sentences):
            masks = folder / "Annotations" / f"MOSE_{clip.name}_{object_id}"
            write_masks(masks, (clip.ids == object_id)[::2], clip.names[::2])
            expressions.append({"obj_id": object_id, "exp_id": number, "exp_text": text, "is_sent": True})
        entry = {"source": "MOSE", "frames": clip.names, "expressions": expressions}
        write_json(folder / "meta_expressions.json", {"videos": {clip.name: entry}})
