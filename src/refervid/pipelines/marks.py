"""What a person points at: whether it fits the clip, and how it is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from refervid.core.arguments import need_number, need_word
from refervid.core.boxes import box_area
from refervid.core.errors import SettingsError
from refervid.core.files import well_formed
from refervid.core.types import Decision, Pivot
from refervid.media.clip import Clip
from refervid.report.record import FARTHEST


def check_marks(clip: Clip, objects: Mapping[str, Sequence[Pivot]]) -> None:
    """Raises `SettingsError` for marks that do not fit the clip."""
    if not isinstance(objects, Mapping):
        raise SettingsError(f"objects={objects!r:.60} is no mapping of names to pivots")
    for name, pivots in objects.items():
        if not isinstance(pivots, Sequence) or not all(isinstance(pivot, Pivot) for pivot in pivots):
            raise SettingsError(f"{name}: {pivots!r:.60} is no list of refervid.Pivot")
    if not objects or not all(objects.values()):
        raise SettingsError("nothing to track: give a box, points or a mask on a frame of each object")
    for name, pivots in objects.items():
        for pivot in pivots:
            _check_form(name, pivot)
            _check_place(name, pivot, clip)


def tidy_name(name: str) -> str:
    """An object's name as it is kept. Raises `SettingsError` for what is no text."""
    need_word("name", name)
    return well_formed(name).strip()


def check_frame(clip: Clip, name: str, frame: int) -> None:
    """Raises `SettingsError` for what is no frame of the clip; `name` is the object's that it is said of."""
    need_number(f"{name}: frame", frame, whole=True)
    if not 0 <= frame < len(clip):
        raise SettingsError(f"{name}: frame {frame}: the clip has frames 0 to {len(clip) - 1}")


def _check_place(name: str, pivot: Pivot, clip: Clip) -> None:
    check_frame(clip, name, pivot.frame_index)
    size = f"{clip.width}x{clip.height}"
    points, box, mask = pivot.points_xy, pivot.box_xyxy, pivot.mask
    if points is not None and not ((points >= 0) & (points <= (clip.width, clip.height))).all():
        raise SettingsError(f"{name}: a point lies outside the frame, which has {size} pixels")
    # A box without area says that the object is away.
    if box is not None and box_area(box) > 0 and not box_area(np.clip(box, 0, [clip.width, clip.height] * 2)):
        raise SettingsError(f"{name}: a box lies outside the frame, which has {size} pixels")
    if mask is not None and mask.shape != (clip.height, clip.width):
        raise SettingsError(f"{name}: a mask of {mask.shape[1]}x{mask.shape[0]} pixels on frames of {size}")


def _check_form(name: str, pivot: Pivot) -> None:
    """Raises `SettingsError` for other arrays than `Pivot` says: lists, another shape, what is no number; for
    a box whose corners are the other way round; and where nothing is marked.
    """
    need_word("name", name)
    need_number(f"{name}: frame_index", pivot.frame_index, whole=True)
    if pivot.box_xyxy is None and pivot.points_xy is None and pivot.mask is None:
        raise SettingsError(
            f"{name}: nothing is marked on frame {pivot.frame_index}: give a box, points or a mask"
        )
    points = pivot.points_xy
    count = points.shape[:1] if isinstance(points, np.ndarray) and points.ndim else (0,)
    for field, shape in (("box_xyxy", (4,)), ("points_xy", (*count, 2)), ("point_labels", count)):
        value = getattr(pivot, field)
        if value is None:
            continue
        numbers = isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
        if not numbers or value.shape != shape or not (np.abs(value) <= FARTHEST).all():
            raise SettingsError(f"{name}: {field}={value!r:.60} is no array of numbers of shape {shape}")
        if field == "point_labels" and value.dtype != bool:
            raise SettingsError(f"{name}: {field}={value!r:.60}: give True on the object, False beside it")
    box = pivot.box_xyxy
    if box is not None and (box[2:] < box[:2]).any():
        raise SettingsError(f"{name}: box {box.tolist()}: its second corner lies left of the first, or above")


def mark_decision(question: str, mark: Pivot, reason: str = "") -> Decision:
    """A person pointed, at what, and on which frame."""
    if mark.points_xy is not None:
        labels = mark.point_labels
        kept = len(mark.points_xy) if labels is None else int(labels.sum())
        answer = f"points: {kept} on it, {len(mark.points_xy) - kept} beside it"
    else:
        answer = "a box" if mark.mask is None else "a mask"
    return Decision(question, answer, "user", reason, frame_index=mark.frame_index)
