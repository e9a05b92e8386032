"""Reference unification for sound (AL-Ref-SAM 2, section "language-binded reference unification").

The sound becomes names of objects; these go the way of sentences; then every frame keeps only the
objects that sound at its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

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
from refervid.pipelines.settings import SoundSettings
from refervid.pipelines.stages import Stages
from refervid.pipelines.text import Found, fit_to_frame, to_pivot
from refervid.types import Interval, SoundingObject, Waveform

SILENCE_PEAK = 1e-3
"""Peak amplitude (-60 dBFS) below which a sound counts as silence."""


@dataclass
class SoundFound(Found):
    """`names` are those of `objects`, in the same order; `intervals` are when anything sounds."""

    names: list[str] = field(default_factory=list)
    intervals: list[Interval] = field(default_factory=list)


def find_sounding(
    clip: Clip,
    waveform: Waveform,
    chooser: Chooser,
    detector: Detector,
    tagger: Tagger,
    settings: SoundSettings,
    candidates: int,
    stages: Stages,
) -> SoundFound:
    """The objects that make the clip's sound, with their pivots."""
    found = SoundFound()
    if not len(waveform.samples) or float(np.abs(waveform.samples).max()) < SILENCE_PEAK:
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
    with stages.stage("propose", len(choice.objects)):
        for thing in choice.objects:
            _locate(clip, section, thing, chooser, detector, candidates, found)
    return found


def _locate(
    clip: Clip,
    section: Section,
    thing: SoundingObject,
    chooser: Chooser,
    detector: Detector,
    limit: int,
    found: SoundFound,
) -> None:
    """Add the pivot of one named object, asking for the box where there are several."""
    if thing.candidate is not None:
        chosen = thing.candidate
    else:
        [proposals] = detector.detect(clip, [DetectorRequest(thing.frame_index, thing.name)])
        proposals = fit_to_frame(proposals, clip.width, clip.height)[:limit]
        if not proposals:
            found.note([f"{thing.name!r} sounds, but was not found on frame {thing.frame_index}"])
            return
        pick = 0
        if len(proposals) > 1:
            [choice] = chooser.pick_boxes(
                [BoxQuestion(section, thing.frame_index, proposals, thing.name, sounding=True)]
            )
            found.add(choice)
            pick = choice.picks[0] if choice.picks else 0
        chosen = proposals[pick]
    found.names.append(thing.name)
    found.objects.append([to_pivot(thing.frame_index, chosen)])


def heard_frames(
    clip: Clip,
    waveform: Waveform,
    names: Sequence[str],
    intervals: Sequence[Interval],
    binder: Binder,
) -> list[NDArray[np.bool_]]:
    """(T,) bool per name: the frames at whose time it sounds.

    Times of intervals are those of the waveform, shifted onto the clip's time axis by its `start_s`.
    """
    sounding = binder.bind(waveform, intervals, names)
    times_s = clip.times_s - waveform.start_s
    heard = [np.zeros(len(clip), bool) for _ in names]
    for interval, present in zip(intervals, sounding, strict=True):
        inside = (interval.start_s <= times_s) & (times_s < interval.end_s)
        for name, frames in zip(names, heard, strict=True):
            if name in present:
                frames |= inside
    return heard
