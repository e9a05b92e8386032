"""Reference unification for sound (AL-Ref-SAM 2, section "language-binded reference unification").

The sound becomes names of objects; these go the way of sentences; then every frame keeps only the
objects that sound at its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Candidate, SoundingObject, SoundReference, Waveform
from refervid.engines.base import Binder, Chooser, Detector, DetectorRequest, Tagger
from refervid.engines.questions import BoxChoice, BoxQuestion, SoundQuestion
from refervid.media.clip import Clip
from refervid.media.sections import Section, even_section
from refervid.pipelines.pivot.select import best_of, choose_boxes, in_frame, to_pivot
from refervid.pipelines.pivot.selection import Heard, Selection
from refervid.pipelines.pivot.settings import SoundSettings, TextSettings
from refervid.pipelines.stages import Stages


def select_sounding(
    clip: Clip,
    waveform: Waveform,
    chooser: Chooser,
    detector: Detector,
    tagger: Tagger,
    settings: SoundSettings,
    text: TextSettings,
    stages: Stages,
) -> Selection:
    """The objects that make the clip's sound, with their pivots; candidates are treated as `text` says."""
    selection = Selection(SoundReference())
    if not len(waveform.samples) or float(np.abs(waveform.samples).max()) < settings.silence_peak:
        return replace(selection, sure=1.0, heard=Heard((), ())).noted(["the clip's sound is silent"])
    with stages.stage("listen") as stage:
        labels, intervals = tagger.tag(waveform), tagger.intervals(waveform)
        stage.artefact = (labels, intervals)
    section = even_section(clip, settings.frames, settings.style)
    question = SoundQuestion(section, waveform, labels, settings.vocabulary, settings.max_objects)
    with stages.stage("choose objects") as stage:
        stage.artefact = choice = chooser.sounding_objects(question)
    named = choice.objects
    with stages.stage("propose", len(named)) as stage:
        stage.artefact = proposals = _propose(clip, detector, named, text)
    with stages.stage("choose boxes") as stage:
        stage.artefact = choices = _pick(section, chooser, named, proposals, text)
    selection = selection.told(choice)
    picks = [0] * len(named)  # the best box stands in where the answer is none
    for number, box_choice in choices.items():
        selection = selection.told(box_choice)
        picks[number] = box_choice.picks[0] if box_choice.picks else 0
    seen = [number for number, candidates in enumerate(proposals) if candidates]
    unseen = [thing for number, thing in enumerate(named) if number not in seen]
    heard = Heard(
        tuple(intervals),
        tuple(named),
        tuple(named[number] for number in seen),
        {named[number].name: picks[number] + 1 for number in choices},
    )
    objects = tuple((to_pivot(named[n].frame_index, proposals[n][picks[n]]),) for n in seen)
    notes = [f"{one.name!r} sounds, but was not found on frame {one.frame_index}" for one in unseen]
    return replace(
        selection.noted(notes), objects=objects, heard=heard, guess=choice.guess, sure=choice.confidence
    )


def _propose(
    clip: Clip, detector: Detector, things: Sequence[SoundingObject], settings: TextSettings
) -> list[list[Candidate]]:
    """The boxes that each object may be; one where the chooser pointed at it."""
    named = [thing for thing in things if thing.candidate is None]
    requests = [DetectorRequest(thing.frame_index, thing.name) for thing in named]
    found = iter(detector.detect(clip, requests) if requests else ())
    return [
        best_of(in_frame(next(found), clip, settings), settings.candidates)
        if thing.candidate is None
        else [thing.candidate]
        for thing in things
    ]


def _pick(
    section: Section,
    chooser: Chooser,
    things: Sequence[SoundingObject],
    proposals: Sequence[list[Candidate]],
    settings: TextSettings,
) -> dict[int, BoxChoice]:
    """By the number of a thing the choice among its boxes, where there are several."""
    unsure = [number for number, boxes in enumerate(proposals) if len(boxes) > 1]
    questions = [
        BoxQuestion(section, things[n].frame_index, proposals[n], things[n].name, sounding=True)
        for n in unsure
    ]
    return dict(zip(unsure, choose_boxes(chooser, questions, settings), strict=True))


def heard_frames(
    clip: Clip, waveform: Waveform, heard: Heard, binder: Binder, *, last_goes_on: bool
) -> list[NDArray[np.bool_]]:
    """(T,) bool per thing: the frames at whose time it sounds.

    All that was `named` may be what an interval sounds like, also what was not found in the picture.
    """
    sounding = binder.bind(waveform, heard.intervals, heard.named)
    frames = [np.zeros(len(clip), bool) for _ in heard.things]
    for number, (interval, names) in enumerate(zip(heard.intervals, sounding, strict=True), 1):
        endless = last_goes_on and number == len(heard.intervals)
        inside = (interval.start_s <= clip.times_s) & (endless | (clip.times_s < interval.end_s))
        for thing, shown in zip(heard.things, frames, strict=True):
            if thing.name in names:
                shown |= inside
    return frames
