"""Class labels of Ref-YouTube-VOS, for training with 65 classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from pydantic import BaseModel, ConfigDict

from refervid.core.errors import DatasetError
from refervid.datasets.id_maps import IdTruth
from refervid.datasets.item import Item
from refervid.datasets.problems import Problems
from refervid.datasets.tables import read_model

# fmt: off
YOUTUBE_VOS = (
    "airplane", "ape", "bear", "bike", "bird", "boat", "bucket", "bus", "camel", "cat", "cow",
    "crocodile", "deer", "dog", "dolphin", "duck", "eagle", "earless_seal", "elephant", "fish",
    "fox", "frisbee", "frog", "giant_panda", "giraffe", "hand", "hat", "hedgehog", "horse", "knife",
    "leopard", "lion", "lizard", "monkey", "motorbike", "mouse", "others", "owl", "paddle",
    "parachute", "parrot", "penguin", "person", "plant", "rabbit", "raccoon", "sedan", "shark",
    "sheep", "sign", "skateboard", "snail", "snake", "snowboard", "squirrel", "surfboard",
    "tennis_racket", "tiger", "toilet", "train", "truck", "turtle", "umbrella", "whale", "zebra",
)
# fmt: on
"""The 65 names of YouTube-VOS; a label is the place in this list."""


class _Object(BaseModel):
    model_config = ConfigDict(frozen=True)

    category: str


class _Video(BaseModel):
    model_config = ConfigDict(frozen=True)

    objects: dict[str, _Object]


class _Meta(BaseModel):
    model_config = ConfigDict(frozen=True)

    videos: dict[str, _Video]


def categories_of(folder: Path, items: Sequence[Item]) -> list[int]:
    """The label of every item by `folder/meta.json`. Raises `DatasetError`."""
    file = folder / "meta.json"
    problems = Problems()
    meta = read_model(file, _Meta, problems)
    labels = []
    for item in items:
        number = str(cast(IdTruth, item.truth).object_ids[0])
        video = meta.videos.get(item.video.name)
        entry = None if video is None else video.objects.get(number)
        if entry is None or entry.category not in YOUTUBE_VOS:
            raise DatasetError(f"{file}: object {number} of {item.video.name} has no class of YouTube-VOS")
        labels.append(YOUTUBE_VOS.index(entry.category))
    return labels
