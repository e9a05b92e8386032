"""Pivot selection for sentences (AL-Ref-SAM 2, section "GPT-assisted pivot selection").

For every section the chooser names the frame that shows the referred object best; the detector
proposes boxes on it; the chooser names the box. All sentences of a clip go through together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from refervid.core.errors import ChooserError
from refervid.core.types import Candidate, Decision, Pivot
from refervid.engines.base import (
    BoxChoice,
    BoxQuestion,
    CheckQuestion,
    Chooser,
    Detector,
    DetectorRequest,
    FrameChoice,
    FrameQuestion,
    SoundChoice,
)
from refervid.media.clip import Clip
from refervid.media.sections import Section
from refervid.pipelines.pivot.settings import TextSettings
from refervid.pipelines.stages import Stages


@dataclass
class Found:
    """What was chosen for one reference: the pivots of each object, and how it came to it.

    `others` are pivots that may belong to one of the objects or to a further one: only tracks can tell.
    `answered` are the box questions with their answers; `guess`: what was picked is not known to fit.
    """

    objects: list[list[Pivot]] = field(default_factory=list)
    others: list[Pivot] = field(default_factory=list)
    answered: list[tuple[BoxQuestion, BoxChoice]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    guess: bool = False
    error: ChooserError | None = None
    """Why a question could not be asked; the reference may be tried again."""

    @property
    def confidence(self) -> float:
        """Mean score of the boxes that were picked; without any, 1: nothing was claimed."""
        scores = [
            question.candidates[pick].score for question, choice in self.answered for pick in choice.picks
        ]
        return sum(scores) / len(scores) if scores else float(not self.guess)

    def add(self, choice: FrameChoice | BoxChoice | SoundChoice) -> None:
        """Keep what a chooser said."""
        self.decisions.append(choice.decision)
        self.note(choice.notes)
        if choice.error is not None:
            self.error = choice.error
            self.note([str(choice.error)])

    def note(self, notes: Sequence[str]) -> None:
        self.notes += [note for note in dict.fromkeys(notes) if note not in self.notes]


def find_pivots(
    clip: Clip,
    texts: Sequence[str],
    sections: Sequence[Section],
    chooser: Chooser,
    detector: Detector,
    settings: TextSettings,
    stages: Stages,
) -> dict[str, Found]:
    """The pivots of every distinct text."""
    found = {text: Found() for text in texts}
    questions = [FrameQuestion(section, text) for text in found for section in sections]

    with stages.stage("choose frames", len(questions)):
        frame_choices = chooser.pick_frames(questions)
    picked: list[tuple[FrameQuestion, int]] = []
    for question, choice in zip(questions, frame_choices, strict=True):
        found[question.text].add(choice)
        if choice.frame_index is not None:
            picked.append((question, choice.frame_index))

    requests = [DetectorRequest(frame_index, question.text) for question, frame_index in picked]
    with stages.stage("propose", len(requests)):
        proposals = _detect(clip, detector, requests, settings, found)

    box_questions = [
        BoxQuestion(question.section, frame_index, candidates, question.text)
        for (question, frame_index), candidates in zip(picked, proposals, strict=True)
        if candidates
    ]
    with stages.stage("choose boxes", len(box_questions)):
        box_choices = choose_boxes(chooser, box_questions, settings)
    for box_question, box_choice in zip(box_questions, box_choices, strict=True):
        found[box_question.text].add(box_choice)
        found[box_question.text].guess |= box_choice.guess and bool(box_choice.picks)
        found[box_question.text].answered.append((box_question, box_choice))

    guesses: list[DetectorRequest] = []
    for text, entry in found.items():
        if entry.error is not None:
            continue
        entry.objects, entry.others = _objects(entry.answered, settings.pivots)
        if not entry.objects and settings.fallback != "none":
            frames = [0]
            if settings.fallback == "picked_frames":
                frames = [frame for question, frame in picked if question.text == text] or frames
            guesses += [DetectorRequest(frame, text, last_resort=True) for frame in frames]
    _fall_back(clip, detector, guesses, settings, found)
    return found


def choose_boxes(
    chooser: Chooser, questions: Sequence[BoxQuestion], settings: TextSettings
) -> list[BoxChoice]:
    """Without `ask_box` the detector's best box of each."""
    return chooser.pick_boxes(questions) if settings.ask_box else [_best_box(each) for each in questions]


def _best_box(question: BoxQuestion) -> BoxChoice:
    scores = [candidate.score for candidate in question.candidates]
    best = scores.index(max(scores))
    reason = f"the detector's best box, score {scores[best]:.2f}"
    place = question.section.index, question.frame_index
    return BoxChoice(
        [best], Decision("box", best + 1, "rules", reason, *place, candidates=question.candidates)
    )


def _objects(
    answered: Sequence[tuple[BoxQuestion, BoxChoice]], most: int | None
) -> tuple[list[list[Pivot]], list[Pivot]]:
    """The pivots of each object in the order of frames, and those that are yet to be linked to one.

    One pick per section is one object seen in several sections, of which at most `most` are used. Where a
    section has several, the picks of the fullest section are the objects: boxes 50 frames apart do not tell
    which is which, but tracks do.
    """
    per_section = [picked_pivots(question, choice.picks) for question, choice in answered if choice.picks]
    if not per_section:
        return [], []
    fullest = max(per_section, key=len)
    if len(fullest) == 1:
        pivots = [pivot for [pivot] in per_section]
        count = min(most or len(pivots), len(pivots))
        return [[pivots[int((i + 0.5) * len(pivots) / count)] for i in range(count)]], []
    others = [pivot for picks in per_section if picks is not fullest for pivot in picks]
    return [[pivot] for pivot in fullest], others


def picked_pivots(question: BoxQuestion | CheckQuestion, picks: Sequence[int]) -> list[Pivot]:
    return [to_pivot(question.frame_index, question.candidates[pick]) for pick in picks]


def _detect(
    clip: Clip,
    detector: Detector,
    requests: Sequence[DetectorRequest],
    settings: TextSettings,
    found: dict[str, Found],
) -> list[list[Candidate]]:
    proposals = []
    for request, candidates in zip(requests, detector.detect(clip, requests), strict=True):
        inside = in_frame(candidates, clip, settings)
        if dropped := len(candidates) - len(inside):
            found[request.text].note([f"{dropped} candidate(s) without area in the frame were left out"])
        proposals.append(best_of(inside, settings.candidates))
    return proposals


def _fall_back(
    clip: Clip,
    detector: Detector,
    requests: Sequence[DetectorRequest],
    settings: TextSettings,
    found: Mapping[str, Found],
) -> None:
    """The detector's best guess on any of the frames that are requested for a text."""
    guesses: dict[str, list[tuple[int, Candidate]]] = {request.text: [] for request in requests}
    if requests:
        for request, candidates in zip(requests, detector.detect(clip, requests), strict=True):
            inside = in_frame(candidates, clip, settings)
            guesses[request.text] += [(request.frame_index, candidate) for candidate in inside]
    for text, own in guesses.items():
        entry = found[text]
        if not own:
            entry.note(["no box was chosen, and the detector has no guess either"])
            continue
        entry.guess = True
        frame, best = max(own, key=lambda guess: guess[1].score)
        entry.objects = [[to_pivot(frame, best)]]
        entry.note([f"no box was chosen: the detector's best guess on frame {frame} is used"])
        entry.decisions.append(
            Decision("box", 1, "fallback", "the detector's best guess", frame_index=frame, candidates=(best,))
        )


def to_pivot(frame_index: int, candidate: Candidate) -> Pivot:
    return Pivot(frame_index, candidate.box_xyxy, candidate.mask)


def best_of(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """The `count` with the highest scores, best first; fewer stay in the detector's order, as published."""
    if len(candidates) < count:
        return list(candidates)
    return sorted(candidates, key=lambda candidate: -candidate.score)[:count]


def in_frame(candidates: Sequence[Candidate], clip: Clip, settings: TextSettings) -> list[Candidate]:
    """Without the candidates that have no area in the frame; the others as `clip_boxes` says."""
    kept = []
    for candidate in candidates:
        inside = np.clip(candidate.box_xyxy, 0, [clip.width, clip.height] * 2).astype(np.float32)
        if np.isfinite(candidate.box_xyxy).all() and inside[0] < inside[2] and inside[1] < inside[3]:
            box = inside if settings.clip_boxes else candidate.box_xyxy
            kept.append(Candidate(box, candidate.score, candidate.phrase, candidate.mask))
    return kept
