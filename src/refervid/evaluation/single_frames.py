"""Data sets that annotate single frames, asked of a pipeline that scores several masks per frame."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from refervid.core.types import Mask, ScoredMask
from refervid.datasets.item import Item
from refervid.media.clip import Clip
from refervid.pipelines.base import Pipeline

Scored = Sequence[ScoredMask]
"""Of one frame."""


def scored_frames(
    items: Sequence[Item], clip: Clip, pipeline: Pipeline
) -> dict[str, dict[str, Scored]] | None:
    """By item name and frame name; None if the pipeline has one answer only.

    Sentences about one frame are asked together.
    """
    asked: Mapping[tuple[int, str], list[Item]] = defaultdict(list)
    for item in items:
        for index, frame in zip(item.indices, item.frames, strict=True):
            asked[index, frame].append(item)
    found: dict[str, dict[str, Scored]] = {item.name: {} for item in items}
    for (index, frame), group in asked.items():
        answers = pipeline.scored_masks(clip, [item.reference for item in group], index)
        if answers is None:
            return None
        for item, scored in zip(group, answers, strict=True):
            found[item.name][frame] = scored
    return found


def best_mask(scored: Scored) -> Mask:
    """The one with the highest score."""
    return scored[int(np.argmax([one.score for one in scored]))].mask
