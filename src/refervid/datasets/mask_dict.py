"""Annotations as run-length codes by id, one per frame: shared by MeViS, ReVOS and OmniAVS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import RootModel

from refervid.core.errors import DatasetError
from refervid.datasets.item import Item, VideoSource
from refervid.datasets.pictures import size_of
from refervid.datasets.problems import Problems
from refervid.datasets.rle import Rle, RleTruth

Codes = list[Rle | None]
"""One per listed frame, null where the object is not visible."""
MaskDict = RootModel[dict[str, Codes]]
"""Content of `mask_dict.json`, by annotation id."""


def union_truth(
    file: Path,
    masks: Mapping[str, Codes],
    ids: Sequence[str],
    listed: Sequence[str],
    source: VideoSource,
    frames: Sequence[str],
    where: str,
) -> RleTruth:
    """The union of the annotations `ids` of one video on `frames`; empty without ids.

    `masks` of `file` have a code per `listed` frame. Raises `DatasetError`, which says `where`.
    """
    where = f"{file}: of {where}"
    unknown = [each for each in ids if each not in masks]
    if unknown:
        raise DatasetError(f"{where} annotation {', '.join(unknown)} is missing; download both files again")
    if any(len(masks[each]) != len(listed) for each in ids):
        raise DatasetError(f"{where} an annotation has not one mask per frame; download both files again")
    by_frame = {name: tuple(filter(None, (masks[each][k] for each in ids))) for k, name in enumerate(listed)}
    codes = tuple(by_frame[name] for name in frames)
    height, width = size_of(source.pictures[0])
    if any(code.size != (height, width) for each in codes for code in each):
        raise DatasetError(f"{where} a mask is not {width}x{height} as its frame; use one release")
    return RleTruth(file, height, width, codes)


def check_truths(items: Sequence[Item], problems: Problems) -> None:
    """Every annotation can be decoded."""
    for item in items:
        for position in range(len(item.frames)):
            with problems.collected():
                if item.truth:
                    item.truth.at(position)
