"""Where on a person garments and parts of the body are: by the joints, else by an artist's rule of thumb."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Pivot
from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.chooser.joints import (
    BODY_PLACES,
    BodyPlace,
    Joints,
    box_by_joints,
    has_several,
    joints_of,
)
from refervid.engines.lite.language import Expression
from refervid.engines.lite.language.words import PART_KINDS, head_word

FIGURE = 2.5
"""Height over width of a person who is seen whole; less: the lower part is hidden or cut off."""
HEAD_WIDTH = 0.16
"""Of the whole figure's height, with a hat or hair."""
LEAST_SEEN = 0.5
"""Of a part that must be inside the frame."""
SOMEBODY = Expression("somebody", "person", "person")


def wearer(expression: Expression) -> Expression | None:
    """Whose garment or part of the body is meant, if its place on a person is known: `SOMEBODY`'s where
    nobody is named, who is then where it is said to be. The colours that are said of it are said of the
    person who wears it in them.
    """
    noun = expression.noun or ""
    word = head_word(noun)
    if word not in BODY_PLACES or expression.noun_class not in PART_KINDS:
        return None
    on = [one.targets[0] for one in expression.relations if one.kind == "on" or one.action == "wear"]
    there = tuple(one for one in expression.attributes if one.kind == "position")
    several = expression.plural and not has_several(word)
    count = expression.count if several else None
    somebody = replace(SOMEBODY, attributes=there, plural=several, count=count)
    owner = next((one for one in (expression.owner, *on) if one is not None), somebody)
    if owner.noun_class != "person":
        return None
    colours = [one for one in expression.attributes if one.kind == "colour"]
    worn = [replace(one, part=noun, words=f"{one.words} {noun}") for one in colours]
    return replace(owner, attributes=(*owner.attributes, *worn))


def part_of(pivot: Pivot, part: Expression, scene: Scene) -> Pivot | None:
    """The pivot's box cut down to the part; None where it is not in sight."""
    assert pivot.box_xyxy is not None
    if (pivot.box_xyxy[2:] <= pivot.box_xyxy[:2]).any():
        return pivot  # it says that the person is away
    joints = joints_of(scene, pivot.frame_index, pivot.box_xyxy)
    box = part_box(pivot.box_xyxy, str(part.noun), joints, both=part.plural)
    return None if box is None else replace(pivot, box_xyxy=box.astype(np.float32))


def part_box(
    person: NDArray[np.floating], noun: str, joints: Joints | None, *, both: bool = True
) -> NDArray[np.float64] | None:
    """(4,) xyxy of a part of the person in a box; None where it is not in sight. See `box_by_joints`."""
    by_joints = None if joints is None else box_by_joints(joints, noun, both=both)
    return _box_by_thumb(person, noun) if by_joints is None else by_joints


def _box_by_thumb(person: NDArray[np.floating], noun: str) -> NDArray[np.float64] | None:
    down = BODY_PLACES.get(head_word(noun), BodyPlace()).down
    if down is None:
        return None
    x0, y0, x1, y1 = (float(side) for side in person)
    figure = max(y1 - y0, FIGURE * (x1 - x0))
    top, bottom = (y0 + share * figure for share in down)
    if min(bottom, y1) - top < LEAST_SEEN * (bottom - top):
        return None
    middle, half = (x0 + x1) / 2, (x1 - x0) / 2
    if down[1] <= HEAD_WIDTH:
        half = min(half, HEAD_WIDTH * figure / 2)
    return np.array([middle - half, top, middle + half, min(bottom, y1)])
