"""Reference unification for sound (AL-Ref-SAM 2, section "language-binded reference unification").

The sound becomes names of objects; these go the way of sentences; then every frame keeps only the
objects that sound at its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Candidate, Details, Interval, SoundingObject, Waveform
from refervid.engines.base import (
    Binder,
    BoxQuestion,
    Chooser,
    Detector,
    DetectorRequest,
    SoundQuestion,
    Tagger,
)
from refervid.media.clip import Clip
from refervid.media.sections import Section, even_section
from refervid.pipelines.pivot.select import Found, best_of, choose_boxes, in_frame, to_pivot
from refervid.pipelines.pivot.settings import SoundSettings, TextSettings
from refervid.pipelines.stages import Stages


@dataclass(kw_only=True)
class SoundFound(Found):
    """What was found in `waveform`.

    `named` are all things that were said to sound, `boxes` the numbers of the boxes that were chosen for them
    where there were several, from 1. `things` are those that were found, and what `objects` are, in the same
    order; `intervals` are when anything sounds.
    """

    waveform: Waveform
    named: Sequence[SoundingObject] = ()
    boxes: dict[str, int] = field(default_factory=dict)
    things: list[SoundingObject] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)

    def summary(self) -> Details:
        """As `result.json` holds it: frames are those of the clip, from 0; times are in seconds."""
        return {
            "objects": {thing.name: thing.frame_index for thing in self.named},
            "boxes": self.boxes,
            "intervals": [[interval.start_s, interval.end_s] for interval in self.intervals],
        }


def find_sounding(
    clip: Clip,
    waveform: Waveform,
    chooser: Chooser,
    detector: Detector,
    tagger: Tagger,
    settings: SoundSettings,
    text: TextSettings,
    stages: Stages,
) -> SoundFound:
    """The objects that make the clip's sound, with their pivots; candidates are treated as `text` says."""
    found = SoundFound(waveform=waveform)
    if not len(waveform.samples) or float(np.abs(waveform.samples).max()) < settings.silence_peak:
        found.note(["the clip's sound is silent"])
        return found
    with stages.stage("listen"):
        labels = tagger.tag(waveform)
        found.intervals = tagger.intervals(waveform)
    section = even_section(clip, settings.frames, settings.style)
    with stages.stage("choose objects"):
        choice = chooser.sounding_objects(
            SoundQuestion(section, labels, settings.vocabulary, settings.max_objects)
        )
    found.add(choice)
    found.named = choice.objects
    with stages.stage("propose", len(choice.objects)):
        proposals = _propose(clip, detector, choice.objects, text)
    with stages.stage("choose boxes"):
        picks = _pick(section, chooser, choice.objects, proposals, text, found)
    for thing, candidates, pick in zip(choice.objects, proposals, picks, strict=True):
        if candidates:
            found.things.append(thing)
            found.objects.append([to_pivot(thing.frame_index, candidates[pick])])
        else:
            found.note([f"{thing.name!r} sounds, but was not found on frame {thing.frame_index}"])
    return found


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
    found: SoundFound,
) -> list[int]:
    """Positions of the boxes: asked for where there are several, the best one where the answer is none."""
    picks = [0] * len(things)
    unsure = [number for number, boxes in enumerate(proposals) if len(boxes) > 1]
    questions = [
        BoxQuestion(section, things[n].frame_index, proposals[n], things[n].name, sounding=True)
        for n in unsure
    ]
    for number, choice in zip(unsure, choose_boxes(chooser, questions, settings), strict=True):
        found.add(choice)
        if choice.picks:
            picks[number] = choice.picks[0]
        found.boxes[things[number].name] = picks[number] + 1
    return picks


def heard_frames(
    clip: Clip,
    waveform: Waveform,
    named: Sequence[SoundingObject],
    things: Sequence[SoundingObject],
    intervals: Sequence[Interval],
    binder: Binder,
    *,
    last_goes_on: bool,
) -> list[NDArray[np.bool_]]:
    """(T,) bool per thing: the frames at whose time it sounds.

    All that was `named` may be what an interval sounds like, also what was not found in the picture.
    Times of intervals are those of the waveform, shifted onto the clip's time axis by its `start_s`.
    """
    sounding = binder.bind(waveform, intervals, named)
    times_s = clip.times_s - waveform.start_s
    heard = [np.zeros(len(clip), bool) for _ in things]
    for number, (interval, names) in enumerate(zip(intervals, sounding, strict=True), 1):
        endless = last_goes_on and number == len(intervals)
        inside = (interval.start_s <= times_s) & (endless | (times_s < interval.end_s))
        for thing, frames in zip(things, heard, strict=True):
            if thing.name in names:
                frames |= inside
    return heard
