"""Weighs the regions of one frame against an expression.

Every attribute gives each region a fit in 0..1. The plausibility of a region is its score as an object times
its fits, each softened by how far that kind of attribute can err: a thing that stands out is not thrown away
for one attribute, but among comparable things the attributes decide. What can only be judged by comparison
(size, place, order, "the fastest") is judged last, against the rivals that are plausible by everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refervid.engines.lite.chooser import appearance, motion
from refervid.engines.lite.chooser.joints import uprightness
from refervid.engines.lite.chooser.motion import Motions, motions_of
from refervid.engines.lite.chooser.naming import NAMED, called_so, is_anything, noun_fit
from refervid.engines.lite.chooser.point_tracks import PointTracks
from refervid.engines.lite.chooser.region import Region, same_thing
from refervid.engines.lite.chooser.relations import relation_fit, relations_of
from refervid.engines.lite.language import Attribute, Expression, Relation
from refervid.engines.lite.language.lexicon import PATTERNED, PRIORS

FLOORS = {
    "colour": 0.03,
    "part": 0.15,
    "position": 0.15,
    "rank": 0.05,
    "size": 0.2,
    "shape": 0.25,
    "motion": 0.25,
    "order": 0.1,
    "relation": 0.2,
    "somewhere": 0.6,
    "noun": 0.02,
    "named": 0.02,
    "prior": 0.5,
}
"""What is left of a region's plausibility if it does not fit at all: the surer the measure, the less.
"somewhere": a relation to something of which nothing is known, which may be anywhere.
"""
OBJECTNESS_POWER = 0.7
"""Scores of detectors are steeper than the odds that the sentence means something else."""
SCATTERED = 0.3
"""What is left of a region in pieces far apart where one thing is asked for."""
ONE_COLOURED_POWER = 0.3
"""The same where a colour is asked for of a thing that has only one: it tells more than standing out."""
ONE_COLOURED = ("ware", "ball", "figure", "garment", "furniture")
"""Classes of things that mostly have one colour all over; people, animals and cars have several."""
NEARLY = 0.2
"""What a neighbouring colour is worth, which a camera may make of it: then the colour is not denied."""
MOST_LIKE = 0.3
"""What it is worth to come nearest to the colour of all that are on the frame."""
ALMOST = 0.49
"""Neither makes the colour hold (`selection.HOLDS`)."""
CLEARLY = 0.04
"""Difference in Oklab that tells two things apart: twice what the eye just sees side by side."""
REJECT = {"colour": 0.12, "part": 0.04, "motion": 0.08}
"""If no region reaches this fit, what the sentence describes is not there."""
POSTURE = 0.2
"""What is left for a person whose legs do not look like it: knees and hips alone never deny it."""
_SURE_MOTIONS = {"moving", "still", "left", "right", "up", "down", "fast"}


def lack_is_sure(attribute: Attribute) -> bool:
    """Can it be seen that a thing is not so? Not of all: who comes nearer from afar hardly grows."""
    return attribute.kind == "colour" or attribute.values[0] in _SURE_MOTIONS


@dataclass(frozen=True)
class Statement:
    """One statement of the sentence with the fit (N,) of every region."""

    words: str
    kind: str
    fits: NDArray[np.float64]
    missing: bool = False


@dataclass(frozen=True)
class Weighing:
    """`plausible` (N,) weighs the regions of a frame; `statements` says by what.

    `alone` (N,) leaves out all that compares a region with its rivals.
    """

    plausible: NDArray[np.float64]
    alone: NDArray[np.float64]
    statements: tuple[Statement, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Statements that clearly fit no region."""
        return tuple(each.words for each in self.statements if each.missing)

    @property
    def said(self) -> list[Statement]:
        """Without what is only usual of such things."""
        return [each for each in self.statements if each.kind != "prior"]


def weigh(
    expression: Expression, regions: Sequence[Region], point_tracks: PointTracks, *, called: bool = False
) -> Weighing:
    """`regions` are those of one frame; `point_tracks` know what they do over the clip. `called`: what the
    noun names was surely proposed on some frame, so that what was not is unlikely on all of them.
    """
    pure = expression.noun_class in ONE_COLOURED and not PATTERNED & set(expression.unchecked)
    coloured = any(each.kind == "colour" and not each.negated for each in expression.attributes)
    power = ONE_COLOURED_POWER if pure and coloured else OBJECTNESS_POWER
    scores = np.array([max(region.candidate.score, 0.01) for region in regions]) ** power
    if not expression.plural:
        scores *= [SCATTERED if region.scattered else 1.0 for region in regions]
    statements = _noun(expression, regions, called)
    sequence = [each for each in expression.attributes if each.phase]
    plain = [each for each in expression.attributes if not each.phase]
    statements += [_absolute(each, regions, point_tracks, pure) for each in plain if not _comparing(each)]
    if sequence:
        fits = [motion.sequence_fit(each, sequence) for each in _motions(regions, point_tracks)]
        words = " then ".join(each.words for each in sequence)
        statements.append(Statement(words, "motion", np.array(fits)))
    statements += [
        _related(each, expression.noun, regions, point_tracks) for each in relations_of(expression)
    ]
    statements += _priors(expression, regions)
    alone = _combine(scores, statements)
    for attribute in plain:
        if _comparing(attribute):
            weights = _combine(scores, statements)
            count = expression.count or 0 if expression.plural else 1
            statements.append(_compared(attribute, regions, point_tracks, weights / weights.max(), count))
    return Weighing(_combine(scores, statements), alone, tuple(statements))


def _combine(scores: NDArray[np.float64], statements: Sequence[Statement]) -> NDArray[np.float64]:
    total = scores.copy()
    for each in statements:
        # What is recognised is so: that another thing is so more surely does not make it the likelier answer.
        fits = np.minimum(each.fits / NAMED, 1) if each.kind == "named" else each.fits
        total *= FLOORS[each.kind] + (1 - FLOORS[each.kind]) * fits
    return total


def _comparing(attribute: Attribute) -> bool:
    return attribute.degree != "plain" or attribute.kind in ("position", "rank", "size", "order")


def _absolute(
    attribute: Attribute, regions: Sequence[Region], point_tracks: PointTracks, pure: bool
) -> Statement:
    """`pure`: what is asked for has one colour all over."""
    kind: str = attribute.kind
    if attribute.kind == "colour":
        kind = "part" if attribute.part else "colour"
        fits = [appearance.colour_fit(region, attribute, pure) for region in regions]
    elif attribute.kind == "shape":
        fits = [appearance.shape_fit(region, attribute.values[0]) for region in regions]
    else:
        moves = _motions(regions, point_tracks)
        fits = [
            min(motion.motion_fit(each, attribute.values[0]), _posture_fit(region, attribute.words))
            for region, each in zip(regions, moves, strict=True)
        ]
    array = np.array([1 - fit if attribute.negated else fit for fit in fits])
    missing = lack_is_sure(attribute) and bool(array.max() < REJECT.get(kind, 0))
    if attribute.kind == "colour":
        near = np.array([appearance.near_colour_fit(region, attribute) for region in regions])
        array = _denied_surely(array, near) if attribute.negated else _lifted(array, near, attribute, regions)
    return Statement(described(attribute), kind, array, missing)


def _lifted(
    fits: NDArray[np.float64], near: NDArray[np.float64], attribute: Attribute, regions: Sequence[Region]
) -> NDArray[np.float64]:
    """What nearly has a colour, or has more of it than all others, is not without it."""
    lifted = fits + (NEARLY * near + MOST_LIKE * _leaning(attribute, regions)) * (1 - fits)
    return np.maximum(fits, np.minimum(lifted, ALMOST))


def _denied_surely(fits: NDArray[np.float64], near: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nor does what nearly has a colour clearly lack it: a white sheep in the shade is grey."""
    return np.maximum(np.minimum(fits, 1 - near), np.minimum(fits, ALMOST))


def _posture_fit(region: Region, words: str) -> float:
    """How well a person's legs fit standing or sitting; 1 where nothing of it is said or they are hidden."""
    stands, sits = words.startswith(("stand", "stood")), words.startswith(("sit", "sat", "seat"))
    if not (stands or sits) or not region.is_person or region.joints is None:
        return 1.0
    upright = uprightness(region.joints)
    if upright is None:
        return 1.0
    return POSTURE + (1 - POSTURE) * (upright if stands else 1 - upright)


def _leaning(attribute: Attribute, regions: Sequence[Region]) -> NDArray[np.float64]:
    """(N,) 1 for the region that leans most towards the colour, 0 for what clearly leans less, or away."""
    leans = np.array([appearance.tint(region, attribute) for region in regions])
    foremost = np.clip(1 - (leans.max() - leans) / CLEARLY, 0, 1)
    return np.asarray(foremost * np.clip(leans / CLEARLY, 0, 1), np.float64)


def _compared(
    attribute: Attribute,
    regions: Sequence[Region],
    point_tracks: PointTracks,
    weights: NDArray[np.float64],
    count: int,
) -> Statement:
    """`count` things are asked for together (0: any number)."""
    value = attribute.values[0]
    measure, margin = _measure(attribute, point_tracks)
    least = attribute.negated and attribute.degree != "plain"
    ordered = (lambda region: -measure(region)) if least else measure
    if attribute.rank:
        further = max(count, 1) - 1  # "the first three", "the last three"
        first = attribute.rank - (further if attribute.rank < 0 else 0)
        fits = appearance.rank_fit(regions, ordered, weights, range(first, first + further + 1))
    elif count > 1:
        fits = appearance.rank_fit(regions, ordered, weights, range(1, count + 1))
    elif attribute.kind == "position" and count == 0:
        fits = [appearance.place_fit(region, value) for region in regions]
    else:
        fits = appearance.foremost_fit(regions, ordered, weights, margin)
        if attribute.kind == "position" and attribute.degree == "plain":
            alone = [appearance.place_fit(region, value) for region in regions]
            # Less than half for being the only one: that alone does not put it there.
            fits = [(0.45 * first + 0.55 * place) for first, place in zip(fits, alone, strict=True)]
            if attribute.negated:
                fits = [1 - place for place in alone]
    array = np.nan_to_num(np.array(fits))
    too_few = bool(attribute.rank) and not array.any()
    return Statement(described(attribute), attribute.kind, array, too_few)


def _measure(attribute: Attribute, point_tracks: PointTracks) -> tuple[Callable[[Region], float], float]:
    """What things are compared by, and by how much more of it one has surely more than another."""
    value = attribute.values[0]

    def moves(region: Region) -> Motions:
        return motions_of(point_tracks[region], region.scene)

    match attribute.kind:
        case "position" | "rank":
            return lambda region: appearance.place_of(region, value), 0.12
        case "size" | "shape":
            return lambda region: appearance.size_of(region, value), 0.5
        case "colour":
            return lambda region: appearance.colour_share(region, attribute), 0.2
        case "order":
            return lambda region: -motion.onset(moves(region), attribute.event), 0.1
    return lambda region: motion.amount(moves(region), value), 0.1


def _related(
    relation: Relation, noun: str | None, regions: Sequence[Region], point_tracks: PointTracks
) -> Statement:
    """Each region against the best of the others as the relation's target."""
    if relation.kind == "compared" and relation.attribute is not None:
        return _more_than(relation, relation.attribute, regions, point_tracks)
    apart = np.array(
        [[one is not other and _may_relate(relation, one, other) for other in regions] for one in regions]
    )
    targets = [_target(each, regions, point_tracks) for each in relation.targets]
    if relation.kind == "between":
        sides = (np.where(apart, each.weights, 0) for each in (targets[0], targets[-1]))
        pairs = zip(*sides, strict=True)
        fits = np.array([_between(number, regions, *pair) for number, pair in enumerate(pairs)])
    else:
        each_fits = [_fits_to(relation, each, noun, regions, apart) for each in targets]
        fits = np.minimum.reduce([np.ones(len(regions)), *each_fits])
    if relation.superlative and fits.max() > 0:
        fits = (fits / fits.max()) ** 3
    words = f"{relation.words} {relation.targets[0].noun or ''}".strip()
    fits = denied(fits) if relation.negated else fits
    kind = "relation" if all(each.known for each in targets) else "somewhere"
    missing = any(each.missing for each in targets) and not relation.negated
    return Statement(words, kind, fits, missing)


@dataclass(frozen=True)
class _Target:
    """`weights` (N,): how plausibly each region is the target of a relation; `named` (N,) how surely by its
    name, where names tell. `known`: it was recognised, or something looks like it; `missing`: nothing does.
    """

    expression: Expression
    weights: NDArray[np.float64]
    named: NDArray[np.float64] | None
    known: bool
    missing: bool


def _target(expression: Expression, regions: Sequence[Region], point_tracks: PointTracks) -> _Target:
    weighing = weigh(expression, regions, point_tracks)
    named = next((each.fits for each in weighing.statements if each.kind == "named"), None)
    # The likeliest target is still none if it is something else.
    weights = weighing.plausible / weighing.plausible.max() * (1 if named is None else named)
    known = named is not None or any(each.fits.max() >= NAMED for each in weighing.said)
    return _Target(expression, weights, named, known, bool(weighing.missing))


def _fits_to(
    relation: Relation,
    target: _Target,
    noun: str | None,
    regions: Sequence[Region],
    apart: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """(N,): how well each region stands to the target, `apart` [region, other] being those that may."""
    geometry = np.array([[relation_fit(relation, one, other) for other in regions] for one in regions])
    geometry = geometry.T if relation.passive else geometry
    best = (np.where(apart, geometry, 0) * target.weights).max(axis=1)
    meant = target.expression
    if not meant.plural and meant.noun != noun and target.named is not None and target.named.max() >= NAMED:
        best[target.weights.argmax()] = 0  # "the car next to the van" is not the van
    return np.asarray(best, np.float64)


def _between(
    number: int, regions: Sequence[Region], one: NDArray[np.float64], other: NDArray[np.float64]
) -> float:
    """How well two things lie on opposite sides of a region; `one`, `other` (N,) weigh what they may be."""
    ways = np.array([region.centre for region in regions]) - regions[number].centre
    ways /= np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-6)
    opposite = np.clip(-(ways @ ways.T), 0, 1)
    return float((opposite * np.minimum(one[:, None], other)).max())


def denied(fits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a relation that shall not be: what is more likely than not there is there."""
    return 1 - np.minimum(fits / NAMED, 1)


def _may_relate(relation: Relation, one: Region, other: Region) -> bool:
    """Parts of a thing are no second thing, except where the relation is to be in, on or with it."""
    return relation.kind in ("on", "inside", "with", "near") or not same_thing(one.box, other.box)


def _more_than(
    relation: Relation, attribute: Attribute, regions: Sequence[Region], point_tracks: PointTracks
) -> Statement:
    """ "bigger than the ball": against the region that is the ball most plausibly."""
    target = int(weigh(relation.targets[0], regions, point_tracks).plausible.argmax())
    pairs = [
        _compared(attribute, [region, regions[target]], point_tracks, np.ones(2), 1)
        for i, region in enumerate(regions)
    ]
    fits = np.array([0.0 if i == target else pair.fits[0] for i, pair in enumerate(pairs)])
    return Statement(relation.words, "relation", 1 - fits if relation.negated else fits)


def _noun(expression: Expression, regions: Sequence[Region], called: bool) -> list[Statement]:
    """By names where they tell: all regions have them, or some is recognised; else by what was proposed."""
    noun, meant = expression.noun, expression.concept
    if noun is None:
        return []
    named = np.array([0.0 if meant is None else noun_fit(meant, region.names or {}) for region in regions])
    recognised = meant is not None and meant.has_class and bool(named.max() >= NAMED)
    if recognised or all(region.names is not None for region in regions):
        return [] if meant is None or is_anything(meant) else [Statement(noun, "named", named)]
    fits = np.array([called_so(region.candidate, noun) for region in regions])
    return [Statement(noun, "noun", fits)] if called or fits.any() else []


def _priors(expression: Expression, regions: Sequence[Region]) -> list[Statement]:
    return [
        Statement(
            f"{expression.noun} as {value}",
            "prior",
            np.array([_prior_fit(kind, value, region) for region in regions]),
        )
        for kind, value in PRIORS.get(expression.noun or "", PRIORS.get(expression.noun_class, ()))
    ]


def _prior_fit(kind: str, value: str, region: Region) -> float:
    if kind == "shape":
        fit = appearance.shape_fit(region, value.removeprefix("not "))
        return 1 - fit if value.startswith("not ") else fit
    return appearance.colour_fit(region, Attribute("colour", tuple(value.split()), value))


def described(attribute: Attribute) -> str:
    return f"not {attribute.words}" if attribute.negated else attribute.words


def _motions(regions: Sequence[Region], point_tracks: PointTracks) -> list[Motions]:
    return [motions_of(point_tracks[region], region.scene) for region in regions]
