"""Ref-DAVIS17: one annotator's objects merged into one label map per frame, by who is surer of a pixel."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from refervid.core.track import Track
from refervid.datasets.item import Item
from refervid.datasets.ref_davis17 import annotator_videos, merge_logits
from refervid.datasets.submission import indexed_png
from refervid.metrics.davis import LabelMap
from refervid.report.result import Result

_ABSENT = -1024.0
"""The logit that SAM 2 gives to an object that is not in the frame."""


def label_maps(
    items: Sequence[Item], results: Sequence[Result], background: float
) -> dict[str, dict[tuple[str, str], dict[str, bytes]]]:
    """Where tracks keep logits: pictures `{(folder, folder): {file name: content}}` by item name.

    They are filed under the annotator's first item, so that they are on disk before any item of theirs
    counts as done. AL-Ref-SAM 2 and SOC merge so, with a `background` logit of their own; masks alone
    cannot tell who is surer of a pixel.
    """
    found: dict[str, dict[tuple[str, str], dict[str, bytes]]] = {}
    if any(result.status == "failed" for result in results):
        return found
    by_name = {item.name: result for item, result in zip(items, results, strict=True)}
    for unit in annotator_videos(list(items)):
        tracks = [by_name[item.name].track for item in unit.items]
        if all(track.logits is not None or not track.areas().any() for track in tracks) and any(
            track.logits is not None for track in tracks
        ):
            first = unit.items[0]
            frames = zip(first.frames, first.indices, strict=True)
            maps = {f"{name}.png": indexed_png(_merged(tracks, index, background)) for name, index in frames}
            found[first.name] = {(f"anno_{unit.annotator}", first.video.name): maps}
    return found


def _merged(tracks: Sequence[Track], index: int, background: float) -> LabelMap:
    planes = []
    for track in tracks:
        size = (track.width, track.height)
        if track.logits is None:
            planes.append(np.full(size[::-1], _ABSENT, np.float32))
        else:
            logits = track.logits[index].astype(np.float32)
            planes.append(np.asarray(cv2.resize(logits, size, interpolation=cv2.INTER_LINEAR), np.float32))
    return merge_logits(np.stack(planes), background)
