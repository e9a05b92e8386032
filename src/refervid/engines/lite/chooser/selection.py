"""From weighed regions on several frames to picks that mean the same thing everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from refervid.engines.lite.chooser.naming import NAMED, called_so, untold
from refervid.engines.lite.chooser.notes import (
    NOTHING_SAID,
    language_notes,
    noun_notes,
    target_notes,
    unmeasured,
)
from refervid.engines.lite.chooser.point_tracks import ARRIVED, PointTracks
from refervid.engines.lite.chooser.region import Region, looks_alike, same_thing
from refervid.engines.lite.chooser.scoring import Weighing, weigh
from refervid.engines.lite.language import Expression

PLURAL_SHARE = 0.45
"""Of several things that are asked for, each must be so plausible compared to the best."""
MOST_ALIKE = 8
"""So many things are meant at most where no number is said: each is tracked."""
SEEDS = 4
"""So many regions of each frame may be the thing."""
LATER = 0.7
"""Things change places: "the left cup" is the one that is left when the clip begins, if it is seen then."""
AS_PLAUSIBLE = 0.4
"""The same thing on another frame must be so plausible there, compared to where it was found first."""
HOLDS = 0.5
"""Fit of a statement from which on it holds."""
ALIKE = 0.5
"""A thing that was lost on the way is taken up again where one thing, and one only, is so alike."""


@dataclass(frozen=True)
class Answer:
    """Positions among the candidates of one frame, why, and what the user should know."""

    picks: tuple[int, ...]
    reason: str
    notes: tuple[str, ...]


def answer(
    expression: Expression, sections: Sequence[Sequence[Region]], point_tracks: PointTracks
) -> list[Answer]:
    """One answer per frame; `sections[s]` are the regions of a frame, all of one clip."""
    if expression.says_nothing:
        return [Answer((), NOTHING_SAID, (NOTHING_SAID, *language_notes(expression)))] * len(sections)
    regions = [region for section in sections for region in section]
    if any(region.names for region in regions):
        expression = replace(expression, excluded=untold(expression.excluded))
    picks: list[list[int]] = [[] for _ in sections]
    reasons: list[list[str]] = [[] for _ in sections]
    notes = [*language_notes(expression), *noun_notes(expression), *target_notes(expression, regions)]
    for part in (expression, *expression.others):
        replies = _answer_one(part, sections, point_tracks)
        answered = [reply for reply in replies if reply.picks]
        if not answered:
            notes += dict.fromkeys(reply.reason for reply in replies)
        elif weak := [words for words in answered[0].weak if all(words in reply.weak for reply in answered)]:
            notes.append(f"fits only in part: {', '.join(weak)}")
        for number, reply in enumerate(replies):
            picks[number] += [pick for pick in reply.picks if pick not in picks[number]]
            reasons[number].append(reply.reason)
    return [
        Answer(tuple(chosen), "; ".join(dict.fromkeys(reason)), tuple(notes))
        for chosen, reason in zip(picks, reasons, strict=True)
    ]


@dataclass(frozen=True)
class _Reply:
    """For one thing on one frame; `weak` are statements that the first pick does not fit."""

    picks: Sequence[int]
    reason: str
    weak: Sequence[str] = ()


def _answer_one(
    expression: Expression, sections: Sequence[Sequence[Region]], point_tracks: PointTracks
) -> list[_Reply]:
    if not any(sections):
        return [_Reply((), "no candidates")] * len(sections)
    noun = expression.noun
    called = noun is not None and any(
        called_so(region.candidate, noun) >= NAMED for section in sections for region in section
    )
    weighings = [
        weigh(expression, section, point_tracks, called=called) if section else None for section in sections
    ]
    missing = _missing_everywhere([weighing for weighing in weighings if weighing is not None])
    if _looks_unknown(expression):
        colours = {each.words for each in expression.attributes if each.kind == "colour"}
        missing = [words for words in missing if words not in colours]
    if missing:
        return [_Reply((), f"nothing here fits: {', '.join(missing)}")] * len(sections)
    fading = LATER if _tells_places(expression) else 1.0
    best = _best_object(sections, weighings, point_tracks, fading)
    found: list[_Reply] = []
    for section, weighing in zip(sections, weighings, strict=True):
        if weighing is None:
            found.append(_Reply((), "no candidates"))
            continue
        here = [number for number, region in enumerate(section) if region in best]
        if expression.plural:
            chosen = _several(section, weighing, expression.count)
        else:
            chosen = sorted(here, key=lambda number: -weighing.plausible[number])[:1]
        if chosen:
            weak = [each.words for each in weighing.said if each.fits[chosen[0]] < HOLDS]
            found.append(_Reply(chosen, _reason(weighing, chosen[0], expression), weak))
        else:
            found.append(_Reply((), "not recognised on this frame"))
    return found


def _looks_unknown(expression: Expression) -> bool:
    """Is it a thing of which nothing is known but its colour? It may not even be among the candidates."""
    meant = expression.concept
    if meant is None or meant.known or meant.has_class:
        return False
    return meant.kind not in ("thing", "figure")


def _missing_everywhere(weighings: Sequence[Weighing]) -> list[str]:
    """Statements that no region of any frame fits."""
    return [
        words for words in weighings[0].missing if all(words in weighing.missing for weighing in weighings)
    ]


def _best_object(
    sections: Sequence[Sequence[Region]],
    weighings: Sequence[Weighing | None],
    point_tracks: PointTracks,
    fading: float,
) -> set[Region]:
    """The object whose regions are the most plausible over all sections, each counting `fading` times the one
    before it.
    """
    weights: dict[Region, float] = {}
    alone: dict[Region, float] = {}
    for section, weighing in zip(sections, weighings, strict=True):
        if weighing is not None:
            weights.update(zip(section, weighing.plausible.tolist(), strict=True))
            alone.update(zip(section, weighing.alone.tolist(), strict=True))
    seeds = [
        seed for section in sections for seed in sorted(section, key=lambda each: -weights[each])[:SEEDS]
    ]
    others = {seed: [each for each in sections if each and seed not in each] for seed in seeds}
    carried = {
        seed: [seed, *(_carried(seed, each, weights, point_tracks) for each in others[seed])]
        for seed in others
    }
    # Squares: seen well a few times tells more than half seen everywhere.
    counting = {each: fading**number for number, section in enumerate(sections) for each in section}
    chain = max(
        carried.values(),
        key=lambda regions: sum(counting[each] * weights[each] ** 2 for each in regions if each),
    )
    members = {each for each in chain if each}
    head = max(members, key=lambda each: weights[each])
    missed = [each for each in sections if each and not members & set(each)]
    members.update(
        each for section in missed if (each := _alike(head, section, weights, alone, point_tracks))
    )
    return {each for each in members if weights[each] >= AS_PLAUSIBLE * weights[head]}


def _tells_places(expression: Expression) -> bool:
    """Does the sentence say where the thing is?"""
    return any(each.kind in ("position", "rank") for each in expression.attributes) or any(
        each.kind in ("left_of", "right_of", "above", "below", "between") for each in expression.relations
    )


def _carried(
    seed: Region, section: Sequence[Region], weights: Mapping[Region, float], point_tracks: PointTracks
) -> Region | None:
    """The region of another frame to which the flow carries the seed."""
    links = {region: point_tracks.carried_overlap(seed, region) for region in section}
    match = max(section, key=lambda region: links[region] * weights[region])
    return match if links[match] >= ARRIVED else None


def _alike(
    seed: Region,
    section: Sequence[Region],
    weights: Mapping[Region, float],
    alone: Mapping[Region, float],
    point_tracks: PointTracks,
) -> Region | None:
    """The most plausible region of a frame that the seed cannot be followed to, unless it has a double."""
    if point_tracks.box(seed, section[0].frame_index) is not None:
        return None
    best = max(section, key=lambda region: weights[region])
    doubles = [
        other
        for other in section
        if alone[other] >= AS_PLAUSIBLE * alone[best]
        and looks_alike(best, other) >= ALIKE
        and not same_thing(best.box, other.box)
    ]
    return best if looks_alike(seed, best) >= ALIKE and not doubles else None


def _several(section: Sequence[Region], weighing: Weighing, count: int | None) -> list[int]:
    chosen: list[int] = []
    for number in np.argsort(-weighing.plausible):
        plausible = weighing.plausible[number] >= PLURAL_SHARE * weighing.plausible.max()
        again = any(same_thing(section[number].box, section[other].box) for other in chosen)
        if plausible and not again and len(chosen) < (count or MOST_ALIKE):
            chosen.append(int(number))
    return chosen


def _reason(weighing: Weighing, chosen: int, expression: Expression) -> str:
    said = weighing.said
    fitting = [each for each in said if each.fits[chosen] >= HOLDS]
    fits = ", ".join(f"{each.words} {each.fits[chosen]:.2f}" for each in said)
    text = f"{len(fitting)} of {len(said)} attributes fit: {fits}" if said else "stands out most"
    unchecked = [*_unchecked_noun(expression, weighing), *unmeasured(expression), *expression.unknown]
    return f"{text}; not checked: {', '.join(repr(word) for word in unchecked)}" if unchecked else text


def _unchecked_noun(expression: Expression, weighing: Weighing) -> list[str]:
    named = any(each.kind == "noun" for each in weighing.statements)
    return [expression.noun] if expression.noun and expression.noun_class != "thing" and not named else []
