"""Pivot selection for sentences (AL-Ref-SAM 2, section "GPT-assisted pivot selection").

For every section the chooser names the frame that shows the referred object best; the detector
proposes boxes on it; the chooser names the box. All sentences of a clip go through together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from refervid.core.counting import counted
from refervid.core.spread import middles
from refervid.core.types import Candidate, Decision, Pivot, TextReference
from refervid.engines.base import Chooser, Detector, DetectorRequest
from refervid.engines.inventory import ObjectTrack, covering, tracks_at
from refervid.engines.questions import BoxChoice, BoxQuestion, CheckQuestion, FrameQuestion
from refervid.engines.surest import surest_pivots
from refervid.media.clip import Clip
from refervid.media.sections import Section
from refervid.pipelines.pivot.selection import Selection
from refervid.pipelines.pivot.settings import TextSettings
from refervid.pipelines.stages import Stages


def select_pivots(
    clip: Clip,
    texts: Sequence[str],
    sections: Sequence[Section],
    chooser: Chooser,
    detector: Detector,
    settings: TextSettings,
    stages: Stages,
    recognised: Sequence[ObjectTrack] = (),
) -> list[Selection]:
    """The pivots of every one of the distinct `texts`. What a finder `recognised` is a candidate, too: what
    is meant may be there under another name.
    """
    selections = {text: Selection(TextReference(text)) for text in texts}
    questions = [FrameQuestion(section, text) for text in texts for section in sections]
    with stages.stage("choose frames", len(questions)) as stage:
        stage.artefact = frame_choices = chooser.pick_frames(questions)
    picked: list[tuple[FrameQuestion, int]] = []
    for question, choice in zip(questions, frame_choices, strict=True):
        selections[question.text] = selections[question.text].told(choice)
        if choice.frame_index is not None:
            picked.append((question, choice.frame_index))

    requests = [DetectorRequest(frame_index, question.text) for question, frame_index in picked]
    with stages.stage("propose", len(requests)) as stage:
        found = detector.detect(clip, requests)
        proposals = [in_frame(candidates, clip, settings) for candidates in found]
        stage.artefact = list(zip(requests, proposals, strict=True))
    for request, candidates, inside in zip(requests, found, proposals, strict=True):
        if dropped := len(candidates) - len(inside):
            note = f"{counted(dropped, 'candidate')} without area in the frame left out"
            selections[request.text] = selections[request.text].noted([note])

    box_questions = [
        BoxQuestion(question.section, frame_index, candidates, question.text, recognised=recognised)
        for (question, frame_index), own in zip(picked, proposals, strict=True)
        if (
            candidates := [
                *best_of(own, settings.candidates),
                *(mark for _, mark in tracks_at(recognised, frame_index)),
            ]
        )
    ]
    with stages.stage("choose boxes", len(box_questions)) as stage:
        stage.artefact = box_choices = choose_boxes(chooser, box_questions, settings)
    for box_question, box_choice in zip(box_questions, box_choices, strict=True):
        selections[box_question.text] = _with_boxes(selections[box_question.text], box_question, box_choice)
    selections = {text: _with_objects(one, settings.pivots) for text, one in selections.items()}
    frames = {text: [frame for question, frame in picked if question.text == text] for text in texts}
    return list(_fall_back(clip, detector, selections, frames, settings).values())


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
    decision = Decision(
        "box", best + 1, "rules", reason, *place, candidates=question.candidates, chosen=(best,)
    )
    return BoxChoice([best], decision)


def _with_boxes(selection: Selection, question: BoxQuestion, choice: BoxChoice) -> Selection:
    return replace(
        selection.told(choice),
        answered=(*selection.answered, (question, choice)),
        guess=selection.guess or (choice.guess and bool(choice.picks)),
    )


def _with_objects(selection: Selection, most: int | None) -> Selection:
    """The pivots of each object in the order of frames, and those that are yet to be linked to one.

    One pick per section is one object seen in several sections, of which at most `most` are used. Where a
    section has several, the picks of the fullest section are the objects: boxes 50 frames apart do not tell
    which is which, but tracks do. What was recognised starts from its own sightings instead: more of them
    than one box, and the same for every sentence that means it, so that it is tracked once.
    """
    answered = [(question, choice.picks) for question, choice in selection.answered if choice.picks]
    if not answered or selection.error is not None:
        return selection
    fullest, picks = max(answered, key=lambda pair: len(pair[1]))
    if len(picks) == 1:
        return replace(selection, objects=(_one_object(answered, most),))
    tracks = [_recognised(fullest, pick) for pick in picks]
    objects = tuple(
        (pivot,) if track is None or tracks.count(track) > 1 else tuple(surest_pivots([track]))
        for track, pivot in zip(tracks, picked_pivots(fullest, picks), strict=True)
    )
    elsewhere = [pair for pair in answered if pair[0] is not fullest]
    others = tuple(pivot for question, own in elsewhere for pivot in picked_pivots(question, own))
    return replace(selection, objects=objects, others=others)


def _one_object(answered: Sequence[tuple[BoxQuestion, Sequence[int]]], most: int | None) -> tuple[Pivot, ...]:
    tracks = [_recognised(question, pick) for question, [pick] in answered]
    if tracks[0] is not None and all(track is tracks[0] for track in tracks):
        return tuple(surest_pivots([tracks[0]]))
    pivots = [pivot for question, picks in answered for pivot in picked_pivots(question, picks)]
    return tuple(pivots[place] for place in middles(len(pivots), most or len(pivots)))


def _recognised(question: BoxQuestion, pick: int) -> ObjectTrack | None:
    """The track that a candidate is, if what was recognised covers it."""
    there = tracks_at(question.recognised, question.frame_index)
    return next(iter(covering(there, question.candidates[pick].box_xyxy)), None)


def picked_pivots(question: BoxQuestion | CheckQuestion, picks: Sequence[int]) -> list[Pivot]:
    return [to_pivot(question.frame_index, question.candidates[pick]) for pick in picks]


def _fall_back(
    clip: Clip,
    detector: Detector,
    selections: dict[str, Selection],
    picked: Mapping[str, Sequence[int]],
    settings: TextSettings,
) -> dict[str, Selection]:
    """For texts without objects the detector's best guess: on the first frame, or those that were picked."""
    if settings.fallback == "none":
        return selections
    guesses: dict[str, list[tuple[int, Candidate]]] = {
        text: [] for text, one in selections.items() if not one.objects and one.error is None
    }
    first = settings.fallback == "first_frame"
    requests = [
        DetectorRequest(frame, text, last_resort=True)
        for text in guesses
        for frame in ((0,) if first else picked[text] or (0,))
    ]
    if requests:
        for request, candidates in zip(requests, detector.detect(clip, requests), strict=True):
            inside = in_frame(candidates, clip, settings)
            guesses[request.text] += [(request.frame_index, candidate) for candidate in inside]
    return selections | {text: _guessed(selections[text], own) for text, own in guesses.items()}


def _guessed(selection: Selection, guesses: Sequence[tuple[int, Candidate]]) -> Selection:
    if not guesses:
        return selection.noted(["no box was chosen, and the detector has no guess either"])
    frame, best = max(guesses, key=lambda guess: guess[1].score)
    reason = "the detector's best guess"
    decision = Decision("box", 1, "fallback", reason, frame_index=frame, candidates=(best,), chosen=(0,))
    return replace(
        selection.noted([f"no box was chosen: the detector's best guess on frame {frame} is used"]),
        objects=((to_pivot(frame, best),),),
        decisions=(*selection.decisions, decision),
        guess=True,
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
