"""Judges whole tracks against a sentence, and says what is not there.

Tracks are held against the sentence on several frames of the clip; what a track is worth, and how well each
statement of the sentence fits it, are means over the frames on which it is seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Candidate, Decision
from refervid.engines.base import Elimination
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.engines.lite.analysis import ClipAnalysis
from refervid.engines.lite.chooser.actions import BELONGS, HOW, action_fit
from refervid.engines.lite.chooser.body import SOMEBODY, part_of, wearer
from refervid.engines.lite.chooser.confidence import confidence
from refervid.engines.lite.chooser.joints import may_be_alone, shows_body
from refervid.engines.lite.chooser.keyframes import keyframes
from refervid.engines.lite.chooser.naming import NAMED, doubtful, is_anything, noun_fit, surely_another
from refervid.engines.lite.chooser.notes import article, language_notes, neighbour_seen, said_besides
from refervid.engines.lite.chooser.point_tracks import PointTracks
from refervid.engines.lite.chooser.region import Region
from refervid.engines.lite.chooser.scoring import (
    FLOORS,
    REJECT,
    Weighing,
    denied,
    described,
    lack_is_sure,
    weigh,
)
from refervid.engines.lite.chooser.selection import HOLDS
from refervid.engines.lite.chooser.stuff import has_usual_colours, stuff_pivots
from refervid.engines.lite.chooser.things import (
    WeighedTrack,
    chosen_groups,
    pivots_of,
    prominence,
    same_place,
)
from refervid.engines.lite.language import Concept, Expression, Relation
from refervid.engines.lite.language.vocabulary import ANY
from refervid.engines.lite.objects.classifier import TrackNames
from refervid.engines.questions import UNSEEN
from refervid.media.clip import Clip

MOST_REGIONS = 16
"""Of the surest tracks, on one keyframe."""
PERHAPS = 0.15
"""Fit of a name below which a thing is something else."""
DESCRIBED = 2
"""So many things said besides the noun can single something out where no network has the name for it: drawn,
made up or unusually seen things are not what the networks learned from. The answer is a guess."""
HEARSAY = 0.45
"""What ImageNet's name is worth for a thing that COCO's network knows, and did not see: never recognised."""
ANIMALS = 398
"""ImageNet's classes begin with so many kinds of animals."""
TOUCHING = 0.1
"""Shared area, over the smaller's, from which on a thing is in use by a person."""
PLACE_CONFIDENCE = 0.5
"""Of stuff and of parts, known by their place: 48 of 77 were right on thirty-six clips (33 of 44 on the same
clips as `chooser.UNNAMED`), of which twelve were never looked at."""
BARE_PLACE = 0.25
"""Of stuff that has none of its usual colours: not measured, but no more than half as sure."""


class Eliminator:
    """The tracks of one clip, measured once for all sentences."""

    def __init__(self, clip: Clip, analysis: ClipAnalysis, inventory: Inventory) -> None:
        self._analysis = analysis
        self._scene = analysis.scene
        self._tracks = {track.number: track for track in inventory.tracks}
        self._names: dict[int, dict[str, float]] = {number: {} for number in self._tracks}
        """Of the tracks, with what a sentence adds. Regions hold these dicts."""
        self._classified = TrackNames(clip)
        self._known: dict[tuple[int, int], Region] = {}
        self._frames = keyframes(self._scene, inventory)
        self._looked_at = inventory.frame_indices
        self._sampled = max(len(inventory.frame_indices), 1)

    def eliminate(self, expression: Expression) -> Elimination | None:
        """None: no track is known to be what the sentence names; the whole frame has to be searched."""
        parts = [self._one(part) for part in (expression, *expression.others)]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        return Elimination(
            objects=[pivots for part in known for pivots in part.objects],
            guess=any(part.guess for part in known),
            confidence=min(part.confidence for part in known),
            decisions=[decision for part in known for decision in part.decisions],
            notes=list(dict.fromkeys(note for part in known for note in part.notes)),
        )

    def _one(self, expression: Expression) -> Elimination | None:
        self._forget_names()
        meant = expression.concept
        if meant is not None and (meant.stuff or (not self._tracks and has_usual_colours(meant.noun))):
            return self._stuff(expression)
        if not self._tracks or (expression.noun and meant is None):
            return None
        if owner := wearer(expression):
            return self._alone(expression) or self._part(expression, owner)
        if meant is None or is_anything(meant):
            return self._by_attributes(expression, list(self._tracks))
        fits = self._fits(meant)
        best = max(fits.values(), default=0.0)
        if best < PERHAPS and has_usual_colours(meant.noun):
            return self._stuff(expression)
        if not meant.classifier and max(meant.detector.values(), default=0.0) <= ANY:
            return self._by_attributes(expression, self._unlike_others(meant))
        if best < PERHAPS:
            if not meant.known or len(expression.attributes) >= DESCRIBED:
                return None
            return _not_found(f"there is no {expression.noun} here", 1 - best, language_notes(expression))
        if best < HEARSAY and meant.classifier and not (meant.known or self._called_so(meant, fits)):
            return None  # where ImageNet's network sees it says more than a neighbour's name
        weighed = self._weighed(expression, [number for number, fit in fits.items() if fit >= PERHAPS])
        if not weighed:
            return None
        if failed := _failed(expression, weighed):
            if best < NAMED:  # none is recognised: what was meant may be a thing that no network can name
                return None
            there = f"there is {article(expression.noun or '')}, but not: {', '.join(failed)}"
            sure = 1 - max(each.weakest for each in weighed)
            return _not_found(there, sure, language_notes(expression))
        return self._found(expression, meant, weighed)

    def _forget_names(self) -> None:
        """What one sentence asked for is no rival name in the next."""
        for number, names in self._names.items():
            names.clear()
            names.update(self._tracks[number].names)

    def _stuff(self, expression: Expression) -> Elimination | None:
        """The area of the usual colours and place; where none has the colours (dry grass), of the place."""
        tracks, sure, usual = list(self._tracks.values()), PLACE_CONFIDENCE, "colours and place are"
        pivots = stuff_pivots(self._analysis, expression, tracks)
        if not pivots:
            sure, usual = BARE_PLACE, "place is"
            pivots = stuff_pivots(self._analysis, expression, tracks, of_any_colour=True)
        if not pivots:
            return None
        note = f"what {expression.noun!r} looks like is not known here: its usual {usual} taken"
        decision = Decision("tracks", "an area", "rules", note, frame_index=pivots[0].frame_index)
        return Elimination([pivots], True, sure, [decision], [note, *language_notes(expression)])

    def _alone(self, expression: Expression) -> Elimination | None:
        """Hands and arms where nobody's body is in view. COCO's people are marked whatever is seen of them,
        so its network takes each of these for somebody.
        """
        if not may_be_alone(str(expression.noun)):
            return None
        people = {number for number, names in self._names.items() if next(iter(names), "") == "person"}
        regions = [each for shown in self._regions(people).values() for each in shown.values()]
        if any(shows_body(each.joints) for each in regions):
            return None
        weighed = self._weighed(replace(expression, noun=None, owner=None), sorted(people))
        if not weighed:
            return None
        note = f"nobody's body is seen: what looks like somebody is taken for {article(str(expression.noun))}"
        found = self._found(expression, None, weighed)
        return replace(found, confidence=PLACE_CONFIDENCE, notes=[note, *found.notes])

    def _part(self, expression: Expression, owner: Expression) -> Elimination | None:
        """A garment or a part of the body: where it usually is on the person whose it is. That somebody wears
        what is named without an owner is only likely, so nothing follows where nobody does.
        """
        whole = self._one(owner)
        if whole is None or not whole.objects:
            return None if owner.text == SOMEBODY.text else whole
        noun = str(expression.noun)
        places = [[part_of(one, expression, self._scene) for one in pivots] for pivots in whole.objects]
        objects = [[one for one in parts if one is not None] for parts in places]
        objects = [parts for parts in objects if parts] if owner.plural else objects
        if not objects or not all(objects):
            return None
        said = [
            one.words for one in expression.attributes if one.kind != "colour" and one not in owner.attributes
        ]
        note = f"where a {noun} usually is on the {owner.noun} is taken: no network here knows it"
        unchecked = [f"not checked: {', '.join(said)}"] if said else []
        notes = [note, *unchecked, *whole.notes]
        return Elimination(objects, True, PLACE_CONFIDENCE, whole.decisions, list(dict.fromkeys(notes)))

    def _unlike_others(self, meant: Concept) -> list[int]:
        """Tracks that may be a thing which the detector has no class for."""
        return [number for number, names in self._names.items() if surely_another(meant, names) < NAMED]

    def _by_attributes(self, expression: Expression, numbers: Sequence[int]) -> Elimination | None:
        """The track that fits best without a name for it, unless it fits badly."""
        if not (expression.attributes or expression.relations or expression.excluded):
            return None
        weighed = self._weighed(replace(expression, noun=None), numbers)
        if not weighed or weighed[0].weakest < HOLDS:
            return None
        return self._found(expression, None, weighed)

    def _fits(self, meant: Concept) -> dict[int, float]:
        """How well the concept names each track; ImageNet's classes are asked where COCO's are not enough."""
        fits = {number: noun_fit(meant, names) for number, names in self._names.items()}
        named = meant.known or meant.has_class
        foreign = meant.narrower or not named
        if meant.classifier and (foreign or max(fits.values(), default=0.0) < PERHAPS):
            open_to = self._unlike_others(meant)
            for number, probabilities in self._classified.of(list(self._tracks.values())).items():
                called = float(probabilities[list(meant.classifier)].sum())
                if foreign and number in open_to:
                    fits[number] = (fits[number] + min(1.0, 2 * called)) / 2
                elif not foreign:  # ImageNet sees dogs in much that is none: enough for a guess
                    fits[number] = max(fits[number], HEARSAY * called)
                self._names[number][meant.noun] = fits[number]
        return fits

    def _called_so(self, meant: Concept, fits: Mapping[int, float]) -> bool:
        """Is it what the detector would call the track that fits best?"""
        track = self._tracks[max(fits, key=fits.__getitem__)]
        return meant.detector.get(next(iter(track.names), "")) == 1

    def _weighed(self, expression: Expression, numbers: Sequence[int]) -> list[WeighedTrack]:
        """The tracks that are not excluded, the worthiest first."""
        excluded = {number for other in expression.excluded for number in self._sure(other)}
        numbers = [number for number in numbers if number not in excluded]
        shown = self._regions({*numbers, *self._targets(expression)})
        doings = _doings(expression)
        expression = replace(
            expression, owner=None, relations=tuple(r for r in expression.relations if r not in doings)
        )
        points = PointTracks([region for regions in shown.values() for region in regions.values()])
        weighings = [
            (list(regions), weigh(expression, list(regions.values()), points))
            for regions in shown.values()
            if not regions.keys().isdisjoint(numbers)
        ]
        found = [one for number in numbers if (one := self._over_frames(number, weighings)) is not None]
        for one in found:
            for doing in doings:
                self._weigh_doing(one, doing)
        return sorted((one for one in found if one.worth > 0), key=lambda one: -one.worth)

    def _over_frames(
        self, number: int, weighings: Sequence[tuple[Sequence[int], Weighing]]
    ) -> WeighedTrack | None:
        """Means over the frames on which a track is among the numbers that were weighed; None: on none."""
        rows = [(one, numbers.index(number)) for numbers, one in weighings if number in numbers]
        if not rows:
            return None
        track = self._tracks[number]
        fits: dict[tuple[str, str], list[float]] = {}
        for weighing, row in rows:
            for said in weighing.statements:
                fits.setdefault((said.kind, said.words), []).append(float(said.fits[row]))
        seen = len(track.frame_indices) / self._sampled
        worth = float(np.mean([float(weighing.plausible[row]) for weighing, row in rows]))
        means = {key: float(np.mean(values)) for key, values in fits.items()}
        return WeighedTrack(track, worth * prominence(track, self._scene, seen), means)

    def _weigh_doing(self, one: WeighedTrack, doing: Relation) -> None:
        """Weigh what a track does to others, or they to it."""
        fit = 1.0
        for target in doing.targets:
            meant = target.concept
            others = self._fits(meant) if meant else dict.fromkeys(self._tracks, HEARSAY)
            done = [0.0]
            for number, named in others.items():
                agent, other = one.track, self._tracks[number]
                if agent is not other:
                    agent, other = (other, agent) if doing.passive else (agent, other)
                    done.append(named * (action_fit(doing.action, agent, other, self._scene) or 0.0))
            fit = min(fit, max(done))
        fit = float(denied(np.array(fit))) if doing.negated else fit
        words = f"{doing.words} {doing.targets[0].noun or ''}".strip()
        one.fits["relation", words] = fit
        one.worth *= FLOORS["relation"] + (1 - FLOORS["relation"]) * fit

    def _sure(self, other: Expression) -> list[int]:
        """Tracks that are recognised as something else, with all that is said of it; nobody is known to be a
        woman or a policeman.
        """
        meant = other.concept
        if meant is None or meant.unchecked:
            return []
        found = [number for number, fit in self._fits(meant).items() if fit >= NAMED]
        if not (other.attributes or other.relations):
            return found
        return [each.track.number for each in self._weighed(other, found) if each.weakest >= HOLDS]

    def _targets(self, expression: Expression) -> set[int]:
        """Tracks that the things may be to which the sentence relates."""
        found: set[int] = set()
        for relation in (*expression.relations, *_doings(expression)):
            for target in relation.targets:
                meant = target.concept
                fits = self._fits(meant) if meant else dict.fromkeys(self._tracks, 1.0)
                found |= {number for number, fit in fits.items() if fit >= PERHAPS}
                found |= self._targets(target)
        return found

    def _regions(self, numbers: set[int]) -> dict[int, dict[int, Region]]:
        """By keyframe and number, the surest `MOST_REGIONS` of these tracks."""
        shown: dict[int, dict[int, Region]] = {}
        for index in self._frames:
            here = [(track, track.box_at(index)) for track in map(self._tracks.__getitem__, numbers)]
            seen = [(track, box) for track, box in here if box is not None]
            seen.sort(key=lambda pair: -pair[0].sureness)
            shown[index] = {
                track.number: self._region(track, index, box) for track, box in seen[:MOST_REGIONS]
            }
        return shown

    def _region(self, track: ObjectTrack, index: int, box: NDArray[np.float32]) -> Region:
        """One for all sentences: what is measured of it is kept."""
        surely = min(float(track.scores.mean()) / NAMED, 1.0)
        new = Region(self._scene, index, Candidate(box, surely), self._names[track.number])
        return self._known.setdefault((track.number, index), new)

    def _uses(self, person: ObjectTrack, meant: Concept) -> bool:
        """Is a thing with the person that makes one a rider, a skier?"""
        return any(
            max(other.names.get(name, 0.0) for name in meant.uses) >= NAMED
            and same_place(person, other, TOUCHING)
            for other in self._tracks.values()
        )

    def _is_another_animal(self, meant: Concept, track: ObjectTrack) -> bool:
        """COCO has ten kinds of animals, and its network takes every other for one of them."""
        if meant.kind != "animal" or not meant.classifier:
            return False
        probabilities = self._classified.of([track]).get(track.number)
        if probabilities is None:
            return False
        own = float(probabilities[list(meant.classifier)].sum())
        return float(probabilities[:ANIMALS].sum()) - own >= NAMED > 2 * own

    def _found(
        self, expression: Expression, meant: Concept | None, weighed: list[WeighedTrack]
    ) -> Elimination:
        chosen, rivals = chosen_groups(weighed, expression)
        best = chosen[0][0]
        notes = language_notes(replace(expression, excluded=doubtful(expression.excluded)))
        if expression.plural and len(chosen) < (expression.count or 2):
            notes.append(f"{expression.count or 'several'} are asked for, {len(chosen)} seen")
        unchecked = [*(meant.unchecked if meant else ["what it is"]), *said_besides(expression)]
        if meant and meant.uses and self._uses(best.track, meant):
            unchecked = [each for each in unchecked if each not in meant.unchecked or each in meant.traits]
        fits = {said: min(group[0].fits.get(said, 1.0) for group in chosen) for said in best.fits}
        said = {words: fit for (kind, words), fit in fits.items() if kind != "prior"}
        if weak := [words for words, fit in said.items() if fit < HOLDS]:
            notes.append(f"fits only in part: {', '.join(weak)}")
        if unchecked:
            notes.append(f"not checked: {', '.join(unchecked)}")
        if meant and (seen := neighbour_seen(meant, best.track)):
            notes.append(f"what was recognised may be {article(seen)}")
        elif meant and self._is_another_animal(meant, best.track):
            notes.append("what was recognised may be another animal")
        if rivals:
            notes.append(f"there are {len(rivals) + 1} that fit alike: the most prominent is taken")
        objects = [pivots_of([each.track for each in group], self._looked_at) for group in chosen]
        numbers = ", ".join(str(each.track.number) for group in chosen for each in group)
        fitting = ", ".join(f"{words} {fit:.2f}" for words, fit in said.items())
        reason = f"how well it fits, 0 to 1: {fitting}" if said else ""
        return Elimination(
            objects=objects,
            guess=bool(notes),
            confidence=confidence(fits, rivals=len(rivals), unchecked=len(notes)),
            decisions=[Decision("tracks", numbers, "rules", reason, frame_index=objects[0][0].frame_index)],
            notes=notes,
        )


def _doings(expression: Expression) -> list[Relation]:
    """What whole tracks tell: whose it is, and what is done to what."""
    owned = [Relation("inside", (expression.owner,), "of", action=BELONGS)] if expression.owner else []
    return owned + [relation for relation in expression.relations if relation.action in HOW]


def _failed(expression: Expression, weighed: Sequence[WeighedTrack]) -> list[str]:
    """Statements that could be checked and fit no track; of what happens one after the other none is sure."""
    sure = {described(one) for one in expression.attributes if lack_is_sure(one)}
    failed = []
    for kind, words in weighed[0].fits:
        best = max(each.fits.get((kind, words), 0.0) for each in weighed)
        if best < REJECT.get(kind, 0.0) and words in sure:
            failed.append(words)
    return failed


def _not_found(reason: str, sure: float, notes: list[str]) -> Elimination:
    return Elimination(
        (), False, UNSEEN * sure, [Decision("tracks", None, "rules", reason)], [reason, *notes]
    )
