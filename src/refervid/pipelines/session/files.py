"""Files of a session that never change: each is named by the digest of what it holds."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Base64Bytes, Field, ValidationError

from refervid.config.frozen import Frozen
from refervid.config.problems import problems_of
from refervid.core.errors import BadResult
from refervid.core.files import inside, read_file, write_text
from refervid.core.rle import checked_runs, decode_mask, encode_mask
from refervid.core.track import Track
from refervid.core.types import Decision, Pivot
from refervid.report.objects import TrackedObject
from refervid.report.outcome import Outcome
from refervid.report.record import PivotRecord, QueryRecord, query_content

Runs = list[tuple[int, int]]
"""Frames as runs, ends exclusive."""


class PivotFile(PivotRecord):
    """`mask` are COCO's compressed run lengths."""

    mask: str | None

    @classmethod
    def of(cls, pivot: Pivot) -> Self:
        box, mask, points, labels = pivot.box_xyxy, pivot.mask, pivot.points_xy, pivot.point_labels
        return cls(
            frame=pivot.frame_index,
            box_xyxy=None if box is None else tuple(box.tolist()),
            mask=None if mask is None else encode_mask(mask).decode(),
            points_xy=None if points is None else points.tolist(),
            point_labels=None if labels is None else labels.tolist(),
        )


class ObjectFile(Frozen):
    """One object. `masks` and `presence` have an entry for every frame; null: not there.

    `unwritten` are frames that its tracker has not come to; `shown` those on which it counts, null: all.
    """

    height: int = Field(ge=1)
    width: int = Field(ge=1)
    pivots: list[PivotFile]
    masks: list[str | None]
    presence: list[float]
    unwritten: Runs
    shown: Runs | None

    @classmethod
    def of(cls, one: TrackedObject) -> Self:
        track = one.whole
        areas = track.areas()
        masks = [str(track.rle(index)["counts"]) if area else None for index, area in enumerate(areas)]
        return cls(
            height=track.height,
            width=track.width,
            pivots=[PivotFile.of(pivot) for pivot in one.pivots],
            masks=masks,
            presence=track.presence.tolist(),
            unwritten=runs_of(~track.written),
            shown=None if one.shown is None else runs_of(one.shown),
        )

    def tracked(self, number: int, name: str) -> TrackedObject:
        """Raises ValueError for lists, masks or frames that do not fit each other."""
        track = Track(len(self.masks), self.height, self.width)
        if any(pivot.frame >= len(track) for pivot in self.pivots):
            raise ValueError(f"a mark on a frame beyond the last of {len(track)}")
        with np.errstate(over="ignore"):
            track.presence[:] = self.presence
        if not np.isfinite(track.presence).all():
            raise ValueError("a presence that is no number")
        for index, counts in enumerate(self.masks):
            if counts is not None:
                checked_runs(counts.encode(), self.height, self.width)
                track.put_rle(index, counts)
        track.written[:] = ~_filled(self.unwritten, len(track))
        size = self.height, self.width
        masks = [None if one.mask is None else decode_mask(one.mask.encode(), *size) for one in self.pivots]
        pivots = tuple(one.pivot(mask) for one, mask in zip(self.pivots, masks, strict=True))
        shown = None if self.shown is None else _filled(self.shown, len(track))
        return TrackedObject(number, pivots, track, name, shown)


class AnswerFile(Frozen):
    """What was found out for a reference; its objects lie in files of their own.

    `plan` is all that it depends on besides the clip. For each decision `pictures` has what was looked at,
    and `masks` those of its candidates, where there are.
    """

    query: QueryRecord
    preset: str
    engines: dict[str, str]
    plan: dict[str, Any]
    pictures: list[Base64Bytes | None]
    masks: list[list[str | None]]

    @classmethod
    def of(cls, outcome: Outcome, plan: Mapping[str, Any]) -> Self:
        query = QueryRecord.model_validate(query_content(replace(outcome, objects=(), pivots=())))
        query = query.model_copy(update={"areas": [], "boxes_xyxy": [], "presence": []})
        return cls(
            query=query,
            preset=outcome.preset,
            engines=dict(outcome.engines),
            plan=dict(plan),
            pictures=[one.jpeg and base64.b64encode(one.jpeg) for one in outcome.decisions],
            masks=[
                [None if each.mask is None else encode_mask(each.mask).decode() for each in one.candidates]
                for one in outcome.decisions
            ],
        )

    def decisions(self, recorded: Sequence[Decision], height: int, width: int) -> list[Decision]:
        """The `recorded` ones, with what no record holds. Raises ValueError for masks that do not fit."""
        found = []
        for one, jpeg, masks in zip(recorded, self.pictures, self.masks, strict=True):
            pairs = zip(one.candidates, masks, strict=True)
            candidates = [
                each if mask is None else replace(each, mask=decode_mask(mask.encode(), height, width))
                for each, mask in pairs
            ]
            found.append(replace(one, jpeg=jpeg, candidates=tuple(candidates)))
        return found


Kind = TypeVar("Kind", bound=Frozen)


class Files:
    """Those of one session, in two folders below `root`; `place` is for what is not whole yet."""

    def __init__(self, root: Path, place: Path) -> None:
        self._root = root
        self._place = place

    def write(self, folder: Literal["objects", "answers"], value: Frozen) -> str:
        """The digest by which it is found again."""
        text = value.model_dump_json()
        digest = hashlib.sha256(text.encode()).hexdigest()
        write_text(self._path(folder, digest), text, self._place)
        return digest

    def read(self, folder: Literal["objects", "answers"], digest: str, kind: type[Kind]) -> Kind:
        """Raises `BadResult` for a file that is missing or not as it was written."""
        path, back = self._path(folder, digest), "undo the edit that made it"
        try:
            data = read_file(path)
        except OSError as error:
            raise BadResult(f"{path} cannot be read ({error.strerror}): {back}") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise BadResult(f"{path} was changed since it was written: {back}")
        try:
            return kind.model_validate_json(data)
        except ValidationError as error:
            raise BadResult(f"{path} is not as this program writes it: {problems_of(error)[:300]}") from error

    def remove(self, folder: Literal["objects", "answers"], digest: str) -> None:
        self._path(folder, digest).unlink(missing_ok=True)

    def _path(self, folder: str, digest: str) -> Path:
        return inside(self._root, folder, f"{digest}.json")


def runs_of(frames: NDArray[np.bool_]) -> Runs:
    """[1, 1, 0, 1] -> [(0, 2), (3, 4)]."""
    edges = np.flatnonzero(np.diff(frames.astype(np.int8), prepend=0, append=0))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _filled(runs: Iterable[tuple[int, int]], frames: int) -> NDArray[np.bool_]:
    filled = np.zeros(frames, bool)
    for start, end in runs:
        filled[start:end] = True
    return filled
