"""RefCOCO, RefCOCO+ (Yu et al. 2016) and RefCOCOg (Mao et al. 2016): sentences on single pictures.

    ROOT/train2014/PICTURE.jpg
    ROOT/NAME/instances_NAME_SPLIT.json    COCO form with one image entry per sentence

A picture is a video of one frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pycocotools import mask as coco_mask
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from refervid.core.rle import decode_mask
from refervid.core.types import Mask, TextReference
from refervid.datasets.base import Dataset, Scores
from refervid.datasets.item import Item, VideoSource
from refervid.datasets.pictures import size_of
from refervid.datasets.problems import Problems
from refervid.datasets.samples import two_shapes, write_json, write_pictures
from refervid.datasets.single_frames import score_single_frames
from refervid.datasets.tables import read_model

Polygon = Annotated[list[Annotated[FiniteFloat, Field(ge=-1e5, le=1e5)]], Field(min_length=6)]
"""x, y, x, y, ... in pixels; beyond the limits rasterising would take all memory."""


class ImageEntry(BaseModel):
    """One sentence (`caption`) with the picture it is about."""

    model_config = ConfigDict(frozen=True)

    id: int
    file_name: str
    caption: str


class Annotation(BaseModel):
    """The object of one sentence: the union of its polygons; crowds are left out."""

    model_config = ConfigDict(frozen=True)

    image_id: int
    segmentation: Annotated[list[Polygon], Field(min_length=1)] | dict[str, object]
    iscrowd: int = 0


class Instances(BaseModel):
    """Content of `instances_NAME_SPLIT.json`."""

    model_config = ConfigDict(frozen=True)

    images: list[ImageEntry]
    annotations: list[Annotation]


@dataclass(frozen=True)
class PolygonTruth:
    """The union of polygons, rasterised as COCO does, on a picture of `height` x `width`."""

    polygons: tuple[tuple[float, ...], ...]
    height: int
    width: int

    def at(self, position: int) -> tuple[Mask, None]:
        codes = coco_mask.frPyObjects([list(each) for each in self.polygons], self.height, self.width)
        return decode_mask(coco_mask.merge(codes)["counts"], self.height, self.width), None


class RefCoco(Dataset):
    """P@K, overall and mean IoU, and mAP of masks."""

    name = "refcoco"
    splits = ("val", "train")
    single_frames = True
    sentences: ClassVar[tuple[str, str]] = ("the red circle on the left", "the blue square")
    """Of the sample."""

    def _read(self, problems: Problems) -> list[Item]:
        file = self.root / self.name / f"instances_{self.name}_{self.split}.json"
        content = read_model(file, Instances, problems)
        shapes: dict[int, tuple[tuple[float, ...], ...]] = {}
        crowds = set()
        for annotation in content.annotations:
            if annotation.iscrowd or isinstance(annotation.segmentation, dict):
                crowds.add(annotation.image_id)
                continue
            if annotation.image_id in shapes:
                problems.add(file, f"image entry {annotation.image_id} has two annotations", "remove one")
            shapes[annotation.image_id] = tuple(tuple(part) for part in annotation.segmentation)
        entries = {entry.id: entry for entry in content.images}
        if len(entries) < len(content.images):
            problems.add(file, "image entries share an id", "give every sentence its own")
        for unknown in sorted(set(shapes) - set(entries)):
            problems.add(file, f"an annotation is of image entry {unknown}, which is not listed", "remove it")
        bare = [str(key) for key in entries if key not in shapes and key not in crowds]
        problems.several(file, bare, "are image entries without an annotation", "add it or remove them")
        only_crowds = entries.keys() & crowds - shapes.keys()
        if only_crowds:
            self.notes.append(f"{len(only_crowds)} sentences that are only about crowds are left out")
        items = []
        sizes: dict[Path, tuple[int, int]] = {}
        for entry in sorted(entries.values(), key=lambda entry: (entry.file_name, entry.id)):
            if not problems.name(file, entry.file_name) or entry.id not in shapes:
                continue
            picture = self.root / "train2014" / entry.file_name
            with problems.collected():
                if picture not in sizes:
                    sizes[picture] = size_of(picture)
                items.append(self._item(entry, picture, PolygonTruth(shapes[entry.id], *sizes[picture])))
        return items

    def _item(self, entry: ImageEntry, picture: Path, truth: PolygonTruth) -> Item:
        source = VideoSource(picture.stem, picture, (picture,))
        reference = TextReference(entry.caption)
        return Item(self.name, source, str(entry.id), reference, (picture.stem,), (0,), truth)

    def _check(self, problems: Problems) -> None:
        for item in self.items():
            assert item.truth is not None
            if not item.truth.at(0)[0].any():
                problems.add(item.video.path, f"sentence {item.expression_id} has an empty mask", "remove it")

    def _score(self, items: list[Item], predictions: Path, workers: int) -> Scores:
        return score_single_frames(items, self.items(), predictions, workers)

    @classmethod
    def make_sample(cls, folder: Path) -> None:
        """One picture per split, two sentences each."""
        for number, split in enumerate(cls.splits):
            clip = two_shapes("COCO")
            name = f"COCO_train2014_{number + 1:012d}"
            write_pictures(folder / "train2014", [clip.frames[0]], [name])
            images, annotations = [], []
            for index, (caption, polygon) in enumerate(zip(cls.sentences, _outlines(), strict=True)):
                key = 10 * number + index
                size = {"height": clip.frames.shape[1], "width": clip.frames.shape[2]}
                images.append({"id": key, "file_name": f"{name}.jpg", "caption": caption, **size})
                xs, ys = np.array(polygon).reshape(-1, 2).T
                box = [xs.min(), ys.min(), np.ptp(xs), np.ptp(ys)]
                annotations.append(
                    {
                        "id": key,
                        "image_id": key,
                        "category_id": 1,
                        "iscrowd": 0,
                        "segmentation": [polygon],
                        "bbox": [float(each) for each in box],
                        "area": float(box[2] * box[3]),
                    }
                )
            content = {
                "images": images,
                "annotations": annotations,
                "categories": [{"id": 1, "name": "object"}],
            }
            write_json(folder / cls.name / f"instances_{cls.name}_{split}.json", content)


def _outlines() -> tuple[list[float], list[float]]:
    """The disk and the square of the first sample frame as polygons."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    disk = np.stack([25.5 + 14.5 * np.cos(angles), 35.5 + 14.5 * np.sin(angles)], axis=1).round(2)
    return disk.ravel().tolist(), [100.0, 58.0, 126.0, 58.0, 126.0, 84.0, 100.0, 84.0]


class RefCocoPlus(RefCoco):
    """Sentences without words of place."""

    name = "refcoco+"


class RefCocoG(RefCoco):
    """Longer sentences."""

    name = "refcocog"
