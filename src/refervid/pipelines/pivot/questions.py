"""What a run shows a chooser, and how many questions it asks at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from refervid.core.types import Reference, SoundReference, TextReference
from refervid.engines.base import PlannedQuestions
from refervid.media.clip import Clip
from refervid.media.sections import Section, even_section, sample_sections
from refervid.pipelines.pivot.settings import PivotSettings

EXPECTED_SOURCES = 3
"""Things that make a sound in one clip, where settings do not limit them."""


def sections_of(clip: Clip, settings: PivotSettings) -> list[Section]:
    """The sections that are asked about for a sentence."""
    return sample_sections(
        clip,
        frame_step=settings.sections.frame_step,
        frames_per_section=settings.sections.frames_per_section,
        minimum_frames=settings.sections.minimum_frames,
        style=settings.sections.style,
    )


def check_section(clip: Clip, frame_index: int, settings: PivotSettings) -> Section:
    """As many frames as a section has, spread over the clip, and the one with the boxes."""
    spread = even_section(clip, settings.sections.frames_per_section, settings.sections.style)
    return replace(spread, frame_indices=tuple(sorted({*spread.frame_indices, frame_index})))


def distinct_texts(references: Sequence[Reference]) -> list[str]:
    """Sentences that hold words, each once."""
    texts = [reference.text for reference in references if isinstance(reference, TextReference)]
    return [text for text in dict.fromkeys(texts) if text.strip()]


def planned_questions(
    clip: Clip, references: Sequence[Reference], settings: PivotSettings
) -> list[PlannedQuestions]:
    """One frame question and at most one box question per sentence and section; one on the sound, and
    at most one per thing that makes it.
    """
    texts = len(distinct_texts(references))
    planned = []
    if texts and settings.text.check:
        planned.append(PlannedQuestions("check", texts, *check_section(clip, 0, settings).size))
    for section in sections_of(clip, settings) if texts else ():
        planned.append(PlannedQuestions("frame", texts, *section.size))
        if settings.text.ask_box:
            planned.append(PlannedQuestions("box", texts, *section.size))
    if SoundReference() in references:
        size = even_section(clip, settings.sound.frames, settings.sound.style).size
        sources = settings.sound.max_objects or EXPECTED_SOURCES
        planned.append(PlannedQuestions("objects", 1, *size))
        if settings.text.ask_box:
            planned.append(PlannedQuestions("sounding", sources, *size))
    return planned
