"""How well two regions of one frame stand in a relation to each other."""

from __future__ import annotations

import numpy as np

from refervid.engines.lite.chooser.region import Region, overlap
from refervid.engines.lite.fuzzy import rise
from refervid.engines.lite.language import Expression, Relation, RelationKind
from refervid.engines.lite.language.words import PART_KINDS


def relations_of(expression: Expression) -> tuple[Relation, ...]:
    """All that is said, and whose it is: a part is in its owner, a thing is with them."""
    owner = expression.owner
    if owner is None:
        return expression.relations
    kind: RelationKind = "inside" if expression.noun_class in PART_KINDS else "with"
    return (*expression.relations, Relation(kind, (owner,), "of"))


def relation_fit(relation: Relation, one: Region, other: Region) -> float:
    """Fit of `one` standing to `other` as the relation says; distances count in sizes of the two."""
    dx, dy = map(float, (one.box[:2] + one.box[2:] - other.box[:2] - other.box[2:]) / 2)
    top, bottom = map(float, (one.box - other.box)[[1, 3]])
    gap = _gap(one, other)
    size = float(np.sqrt(one.area) + np.sqrt(other.area)) / 2
    near = rise(gap / size, 2.0, 0.2)
    match relation.kind:
        case "left_of":
            return rise(-dx / size, 0.1, 0.7) * rise(abs(dy) / size, 3.0, 1.0)
        case "right_of":
            return rise(dx / size, 0.1, 0.7) * rise(abs(dy) / size, 3.0, 1.0)
        case "above":
            return rise(-dy / size, 0.1, 0.7) * rise(abs(dx) / size, 3.0, 1.0)
        case "below":
            return rise(dy / size, 0.1, 0.7) * rise(abs(dx) / size, 3.0, 1.0)
        case "far_from":
            return rise(gap / size, 0.2, 3.0)
        case "on":
            # What sits on something overlaps it or touches it from above.
            return rise(gap / size, 0.5, 0.0) * rise(top / size, 0.3, -0.1)
        case "inside":
            return overlap(one.box, other.box) * float(one.area <= other.area)
        case "behind":
            return near * rise(bottom / size, 0.1, -0.15)
        case "in_front_of":
            return near * rise(bottom / size, -0.1, 0.15)
        case _:  # near, with
            return near


def _gap(one: Region, other: Region) -> float:
    """Pixels between the two boxes; 0 if they touch."""
    apart = np.maximum(np.maximum(one.box[:2] - other.box[2:], other.box[:2] - one.box[2:]), 0)
    return float(np.hypot(*apart))
