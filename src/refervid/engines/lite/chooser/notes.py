"""What the user should know of a sentence: what was not understood, not measured, not recognised."""

from __future__ import annotations

from collections.abc import Sequence

from refervid.engines.inventory import ObjectTrack
from refervid.engines.lite.chooser.actions import HOW
from refervid.engines.lite.chooser.motion import TOLD_IN_PART
from refervid.engines.lite.chooser.naming import NAMED, doubtful, noun_fit
from refervid.engines.lite.chooser.region import Region
from refervid.engines.lite.chooser.relations import relations_of
from refervid.engines.lite.language import Concept, Expression, Relation, lexicon

POSTURES = ("stand", "sit", "lie", "perch", "rest", "stay", "park")
"""Doings that say no more than where a thing is to another."""
NOTHING_SAID = "the sentence names nothing that could be looked for"


def unmeasured(expression: Expression) -> list[str]:
    """What is said and has no measure in the pixels of one region."""
    excluded = [f"not {each.noun or 'that'}" for each in expression.excluded]
    targets = [target for relation in expression.relations for target in relation.targets]
    parts = [part.words for one in (expression, *targets) for part in one.parts]
    return [*expression.unchecked, *parts, *excluded]


def noun_notes(expression: Expression) -> list[str]:
    notes = []
    for part in (expression, *expression.others):
        if part.noun and part.noun_class != "thing":
            said = part.attributes or part.relations
            by = "judged by everything else" if said else "what stands out most is only a guess"
            meant = part.concept
            is_known = meant is not None and bool(meant.known or meant.has_class or meant.classifier)
            what = (
                f"no {part.noun} was recognised"
                if is_known
                else f"what {part.noun!r} looks like is not known here"
            )
            notes.append(f"{what}: {by}")
    return notes


def target_notes(expression: Expression, regions: Sequence[Region]) -> list[str]:
    """What it is related to and was not recognised among the regions, and what they do with each other."""
    notes = []
    for part in (expression, *expression.others):
        for relation in relations_of(part):
            named = [one for one in relation.targets if one.noun and one.noun_class != "thing"]
            unseen = [str(one.noun) for one in named if not _recognised(one, regions)]
            if unseen:
                notes.append(
                    f"{' and '.join(unseen)} was not recognised: {relation.words!r} is judged by places"
                )
            elif relation.action:
                notes.append(f"not checked: {relation.words}")
    return notes


def _recognised(one: Expression, regions: Sequence[Region]) -> bool:
    meant = one.concept
    return meant is not None and any(noun_fit(meant, each.names or {}) >= NAMED for each in regions)


def language_notes(expression: Expression) -> list[str]:
    """What of the sentence was not understood or cannot be measured, in words."""
    notes = []
    for part in (expression, *expression.others):
        if part.unknown:
            notes.append(f"not understood: {', '.join(repr(word) for word in part.unknown)}")
        if words := unmeasured(part):
            notes.append(f"cannot be measured: {', '.join(repr(word) for word in words)}")
    if expression.unread:
        notes.append(f"the sentence is too long: its last {expression.unread} words were not read")
    notes += [f"{written!r} was read as {read!r}" for written, read in expression.respelled]
    if expression.language:
        pairs = ", ".join(f"{written} ({english})" for written, english in expression.translated if english)
        how = f"read word by word: {pairs}" if pairs else "of which no word is known here: say it in English"
        notes.append(f"the sentence is in {expression.language}, {how}")
    return notes


def said_besides(expression: Expression) -> list[str]:
    """What is said of a thing, besides its noun, that its track over time does not tell, or not surely."""
    targets = [target.concept for relation in expression.relations for target in relation.targets]
    traits = [trait for meant in targets if meant is not None for trait in meant.traits]
    in_part = [one.words for one in expression.attributes if one.values[0] in TOLD_IN_PART]
    doings = [f"who {one.words} it" if one.passive else one.words for one in _undecided(expression)]
    return [*traits, *in_part, *doings]


def _undecided(expression: Expression) -> list[Relation]:
    """Where two things are to each other is judged, what they do is not; nor what is without a thing that is
    easily overlooked.
    """
    said = [one.values[0] for one in expression.attributes if one.kind == "motion"]
    moves = any(value not in lexicon.STAYING for value in said)
    return [
        relation
        for relation in expression.relations
        if (relation.action and relation.action not in HOW and relation.action not in POSTURES)
        or (moves and relation.words in lexicon.PATHS)
        or (relation.negated and relation.kind != "compared" and doubtful(relation.targets))
    ]


def neighbour_seen(meant: Concept, track: ObjectTrack) -> str:
    """Another thing that it was recognised as, or the neighbour that its name was taken for; "": none."""
    others = {name: p for name, p in track.names.items() if name not in meant.detector and p >= NAMED}
    own = {name: weight * track.names.get(name, 0.0) for name, weight in meant.detector.items()}
    likeliest = max(own, key=lambda name: own[name], default="")
    if not meant.narrower and likeliest and meant.detector[likeliest] < 1:
        others[likeliest] = own[likeliest]
    return max(others, key=lambda name: others[name], default="")


def article(noun: str) -> str:
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"
