"""Marks as they are typed: boxes, points and masks on frames of a clip."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from refervid.core.errors import SettingsError
from refervid.core.types import Pivot
from refervid.media.folder import read_picture

UNNAMED = "object"
_MARK = re.compile(r"(?:(?P<name>[^=:]+)=)?(?P<frame>\d+):(?P<rest>.+)", re.DOTALL)
_NUMBER = r"\s*(\d+(?:\.\d*)?)\s*"
_BOX = re.compile(",".join([_NUMBER] * 4))
_POINT = re.compile(f"{_NUMBER},{_NUMBER}(,\\s*[-+]\\s*)?")


def read_marks(boxes: Sequence[str], points: Sequence[str], masks: Sequence[str]) -> dict[str, list[Pivot]]:
    """Pivots by the name of their object. Raises `SettingsError` for what cannot be read."""
    objects: dict[str, list[Pivot]] = {}
    for text in boxes:
        name, frame, numbers = _split(text, "box", _BOX, "0:40,30,200,180")
        corners = np.array([float(number) for number in numbers.groups()], np.float32)
        if not (corners[:2] < corners[2:]).all():
            raise SettingsError(f"box {text!r}: its second corner must lie below and right of the first")
        objects.setdefault(name, []).append(Pivot(frame, box_xyxy=corners))
    places: dict[tuple[str, int], list[tuple[float, float, bool]]] = {}
    for text in points:
        name, frame, numbers = _split(text, "point", _POINT, "0:120,90")
        x, y, sign = numbers.groups()
        places.setdefault((name, frame), []).append((float(x), float(y), "-" not in (sign or "")))
    for (name, frame), found in places.items():
        xy = np.array([(x, y) for x, y, _ in found], np.float32)
        labels = np.array([on for _, _, on in found])
        objects.setdefault(name, []).append(Pivot(frame, points_xy=xy, point_labels=labels))
    for text in masks:
        name, frame, path = _split(text, "mask", re.compile("(.+)", re.DOTALL), "0:mask.png")
        picture = read_picture(Path(os.path.expanduser(path.group())))
        objects.setdefault(name, []).append(Pivot(frame, mask=np.asarray(picture.any(axis=2), bool)))
    return objects


def _split(text: str, kind: str, rest: re.Pattern[str], example: str) -> tuple[str, int, re.Match[str]]:
    mark = _MARK.fullmatch(text)
    found = rest.fullmatch(mark["rest"]) if mark else None
    if mark is None or found is None or len(mark["frame"]) > 9:
        raise SettingsError(f"{kind} {text!r}: write it as --{kind} {example}, or NAME={example}")
    return (mark["name"] or UNNAMED).strip() or UNNAMED, int(mark["frame"]), found
