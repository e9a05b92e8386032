"""Chooses by the language of attributes, without learned weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np

from refervid.core.spread import spread
from refervid.core.types import Candidate, Decision, Interval, SoundingObject, Source
from refervid.engines.base import Elimination, EngineSettings
from refervid.engines.inventory import Inventory, covering, tracks_at
from refervid.engines.lite.analysis import ClipAnalysis, Scene
from refervid.engines.lite.analysis.colour import membership
from refervid.engines.lite.analysis.proposals import things_on
from refervid.engines.lite.analysis.sound import envelopes, stretches
from refervid.engines.lite.chooser.elimination import Eliminator
from refervid.engines.lite.chooser.naming import surely_not
from refervid.engines.lite.chooser.notes import NOTHING_SAID, language_notes
from refervid.engines.lite.chooser.point_tracks import PointTracks
from refervid.engines.lite.chooser.region import Region
from refervid.engines.lite.chooser.selection import Answer, answer
from refervid.engines.lite.chooser.sounding import sounding_regions
from refervid.engines.lite.chooser.synchrony import INCOMPARABLE
from refervid.engines.lite.language import Expression, parse
from refervid.engines.lite.rules_engine import RulesEngine
from refervid.engines.questions import (
    BoxChoice,
    BoxQuestion,
    FrameChoice,
    FrameQuestion,
    SoundChoice,
    SoundQuestion,
)
from refervid.media.clip import Clip

BY_CHANCE = 0.01
"""A sound fits a motion surely if no more than this share of its shifts in time would fit as well."""
UNNAMED = 0.15
"""How often what no network named was right: 13, 19 and 11 of 100 times on 20, 48 and 24 clips that nobody
had looked at, 34 on 24 others."""
MOST_SECTIONS = 32
ENOUGH_COLOUR = 0.6
"""A frame shows a colour that is asked for if it has this share of what the section's fullest frame has."""


class RulesSettings(EngineSettings):
    kind: Literal["rules"] = "rules"


class RulesChooser(RulesEngine[RulesSettings]):
    """Parses the sentence and measures colours, sizes, places, shapes, motions and relations.

    What a noun means is unknown to it: "the dog" is whatever stands out most, and a note says so.
    """

    Settings = RulesSettings
    name = "rules"
    version = "1"

    def pick_frames(self, questions: Sequence[FrameQuestion]) -> list[FrameChoice]:
        """Per section the frame that is sharp, central and shows the colours asked for.

        Of a long clip's sections at most `MOST_SECTIONS`, evenly spread, are looked at.
        """
        asked: dict[Clip, set[int]] = {}
        for question in questions:
            asked.setdefault(question.section.clip, set()).add(question.section.index)
        looked_at = {
            clip: set(np.array(sorted(numbers))[spread(len(numbers), MOST_SECTIONS)].tolist())
            for clip, numbers in asked.items()
        }
        return [
            _pick_frame(self._analyses.of(question.section.clip).scene, question, parse(question.text))
            if question.section.index in looked_at[question.section.clip]
            else _pass_over(question)
            for question in questions
        ]

    def pick_boxes(self, questions: Sequence[BoxQuestion]) -> list[BoxChoice]:
        """All sections of a clip and a sentence are decided together, so that they mean the same thing."""
        choices: dict[int, BoxChoice] = {}
        for clip in {question.section.clip: None for question in questions}:
            choices.update(
                _pick_boxes(
                    self._analyses.of(clip).scene,
                    {n: question for n, question in enumerate(questions) if question.section.clip is clip},
                )
            )
        return [choices[number] for number in range(len(questions))]

    def eliminate(self, clip: Clip, inventory: Inventory, texts: Sequence[str]) -> list[Elimination | None]:
        """Whole tracks against each sentence; None where no network knows what is named."""
        eliminator = Eliminator(clip, self._analyses.of(clip), inventory)
        return [eliminator.eliminate(parse(text)) for text in texts]

    def sounding_objects(self, question: SoundQuestion) -> SoundChoice:
        """The things whose motion goes with the sound; none for silence, or if nothing moves with it."""
        spans = stretches(question.waveform)
        if not spans:
            return _silent("the sound is silent")
        regions = _moving_regions(self._analyses.of(question.section.clip), question)
        if not regions:
            return _silent("there is sound, but nothing that moves")
        sources, best = sounding_regions(regions, envelopes(question.waveform), spans)
        if not sources and best in INCOMPARABLE:  # so "nothing makes the sound" is not known either
            return _silent(f"no motion goes with the sound: {best}", "fallback")
        if not sources:
            return _silent(f"no motion goes with the sound: {best}{' at best' if best.seconds else ''}")
        sources = sources[: question.max_objects]
        objects = [
            SoundingObject(
                f"object {number}", each.region.frame_index, each.region.candidate, tuple(each.spans)
            )
            for number, each in enumerate(sources, 1)
        ]
        reasons = [
            f"{thing.name}, heard {_times(each.spans)}: {max(each.reasons, key=lambda reason: reason.weight)}"
            for thing, each in zip(objects, sources, strict=True)
        ]
        answer = ", ".join(each.name for each in objects)
        alone = max(min(reason.chance for reason in each.reasons) for each in sources)
        guess = alone > BY_CHANCE
        chance = f"shifted in time the sound fits the motion as well in {alone:.1%} of cases"
        notes = [chance] if guess else []
        decision = Decision("objects", answer, "rules", "; ".join(reasons))
        return SoundChoice(
            objects, decision, notes, guess=guess, confidence=1 - max(each.chance for each in sources)
        )


def _times(spans: Sequence[Interval]) -> str:
    return ", ".join(f"{max(each.start_s, 0):.1f}-{each.end_s:.1f}" for each in spans) + " s"


def _silent(reason: str, source: Source = "rules") -> SoundChoice:
    return SoundChoice((), Decision("objects", None, source, reason), (reason,))


def _moving_regions(analysis: ClipAnalysis, question: SoundQuestion) -> list[Region]:
    """What moves, or stands out by its colour, on the section's frames."""
    return [
        Region(analysis.scene, frame, candidate)
        for frame in question.section.frame_indices
        for candidate in things_on(analysis, frame)
    ]


def _pass_over(question: FrameQuestion) -> FrameChoice:
    reason = f"a long clip: {MOST_SECTIONS} sections are looked at, this is none of them"
    return FrameChoice(None, Decision("frame", None, "rules", reason, question.section.index))


def _pick_frame(scene: Scene, question: FrameQuestion, expression: Expression) -> FrameChoice:
    """The same frame for every sentence where possible: what is known of a frame is shared. None for a
    sentence that was not understood.
    """
    section = question.section
    if expression.says_nothing:
        decision = Decision("frame", None, "fallback", NOTHING_SAID, section.index)
        return FrameChoice(None, decision, (NOTHING_SAID, *language_notes(expression)))
    frames = section.frame_indices
    middle = (len(frames) - 1) / 2
    central = [1 - 0.2 * abs(number - middle) / max(middle, 1) for number in range(len(frames))]
    sharpness = [_sharpness(scene, frame) for frame in frames]
    worth = np.array(central) * sharpness
    reason = "sharp and central"
    for colour in expression.attributes:
        if colour.kind == "colour" and not colour.negated:
            shown = np.array([membership(scene.small(frame), colour.values).mean() for frame in frames])
            worth *= shown >= ENOUGH_COLOUR * shown.max()
            reason = "sharp and central among those that show the colours asked for"
    best = int(frames[int(worth.argmax())])
    return FrameChoice(best, Decision("frame", best, "rules", reason, section.index, best))


def _sharpness(scene: Scene, frame: int) -> float:
    grey = cv2.cvtColor(scene.small(frame), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std())


def _pick_boxes(scene: Scene, questions: Mapping[int, BoxQuestion]) -> dict[int, BoxChoice]:
    """Answers by number to the questions about one clip."""
    known: dict[tuple[int, bytes, float, str], Region] = {}
    regions: dict[int, list[Region]] = {}
    for number, question in questions.items():
        # Sentences share their candidates, and following them is what costs.
        regions[number] = [
            known.setdefault(
                (question.frame_index, candidate.box_xyxy.tobytes(), candidate.score, candidate.phrase),
                Region(scene, question.frame_index, candidate, names),
            )
            for candidate, names in _recognised(question)
        ]
    point_tracks = PointTracks(list(known.values()))
    choices = {}
    for text in {question.text: None for question in questions.values()}:
        numbers = [number for number, question in questions.items() if question.text == text]
        replies = answer(parse(text), [regions[number] for number in numbers], point_tracks)
        for number, reply in zip(numbers, replies, strict=True):
            choices[number] = _choice(questions[number], reply)
    return choices


def _recognised(question: BoxQuestion) -> list[tuple[Candidate, Mapping[str, float] | None]]:
    """The candidates, each with the names of what was recognised there, and worth the less the surer that is
    not what is meant.
    """
    expression = parse(question.text)
    tracks = tracks_at(question.recognised, question.frame_index)
    found: list[tuple[Candidate, Mapping[str, float] | None]] = []
    for one in question.candidates:
        here = [track.names for track in covering(tracks, one.box_xyxy)]
        surely = max((surely_not(expression, names) for names in here), default=0.0)
        found.append((replace(one, score=one.score * (1 - surely)), here[0] if here else None))
    return found


def _choice(question: BoxQuestion, reply: Answer) -> BoxChoice:
    chosen = ", ".join(str(pick + 1) for pick in reply.picks)
    decision = Decision(
        "box",
        chosen or None,
        "rules",
        reply.reason,
        question.section.index,
        question.frame_index,
        candidates=tuple(question.candidates),
        chosen=tuple(reply.picks),
    )
    # No network named what was chosen, however well it fits.
    notes = reply.notes or (("not checked: what it is",) if reply.picks else ())
    return BoxChoice(reply.picks, decision, notes, guess=True, confidence=UNNAMED)
