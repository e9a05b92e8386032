"""What the names that networks gave to a thing say about what a sentence calls it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from refervid.core.types import Candidate
from refervid.engines.lite.language import Expression
from refervid.engines.lite.language.vocabulary import COCO_CLASSES, Concept, kind_of

NAMED = 0.5
"""Fit of a name from which on a thing is recognised: more likely it than not."""
LIVELY = ("person", "animal", "vehicle", "cycle")
"""Kinds that the detector takes for nothing else."""
CALLED = 0.25
"""Score of a candidate of the noun's name from which on nothing else is likelier."""


def is_anything(meant: Concept) -> bool:
    """ "thing": every class stands for it, none well."""
    return meant.kind == "thing"


def noun_fit(meant: Concept, names: Mapping[str, float]) -> float:
    """How surely what has these names is meant: its probability, less where a foreign name is likelier.

    Where the noun itself is among the names that is its probability.
    """
    if meant.noun in names and meant.noun not in COCO_CLASSES:
        return names[meant.noun]
    own = max((weight * names.get(name, 0.0) for name, weight in meant.detector.items()), default=0.0)
    other = max((p for name, p in names.items() if name not in meant.detector), default=0.0)
    return own * own / max(own, other) if own else 0.0


def surely_another(meant: Concept, names: Mapping[str, float]) -> float:
    """How surely what has these names is something else. For what it has no class for the detector finds some
    name, a banana for a pepper, but hardly ever one of the `LIVELY`.
    """
    return max(
        (
            p
            for name, p in names.items()
            if name not in meant.detector
            and (meant.has_class or (kind_of(name) in LIVELY and kind_of(name) != meant.kind))
        ),
        default=0.0,
    )


def surely_not(expression: Expression, names: Mapping[str, float]) -> float:
    """How surely what has these names is not meant: something else, or what the sentence says it is not."""
    meant = expression.concept
    another = 0.0 if meant is None or is_anything(meant) else surely_another(meant, names)
    return max([another, *(noun_fit(one, names) for one in _excluded(expression.excluded))])


def _excluded(others: Sequence[Expression]) -> Iterator[Concept]:
    """Whole kinds that names can tell: "not an animal", but neither "not a boy" nor "not the black dog"."""
    for one in others:
        if (meant := one.concept) is not None and not (meant.unchecked or one.attributes or one.relations):
            yield meant


def doubtful(others: Sequence[Expression]) -> tuple[Expression, ...]:
    """Those that may be there unseen, or not be told from others."""
    return tuple(
        one for one in others if (meant := one.concept) is None or not meant.known or meant.unchecked
    )


def untold(others: Sequence[Expression]) -> tuple[Expression, ...]:
    """Those that names alone do not tell: what is `doubtful`, or is described ("not the black dog")."""
    return tuple(one for one in others if one.attributes or one.relations or doubtful((one,)))


def called_so(candidate: Candidate, noun: str) -> float:
    """How surely a detector without classes proposed it for this noun."""
    called = noun == candidate.phrase or noun in candidate.phrase.split()
    return min(1.0, candidate.score / CALLED) if called else 0.0
