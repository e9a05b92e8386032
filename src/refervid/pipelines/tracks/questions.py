"""How many questions the rounds ask at most."""

from __future__ import annotations

from collections.abc import Sequence

from refervid.core.types import Reference
from refervid.engines.base import PlannedQuestions
from refervid.media.clip import Clip
from refervid.media.sections import even_section
from refervid.pipelines.pivot.questions import check_section, distinct_texts
from refervid.pipelines.pivot.settings import PivotSettings

EXPECTED_TRACKS = 4
"""That one question is about: what is in a clip is not known before it was looked at."""
TRACK_WORDS, FRAME_WORDS, SENTENCE_WORDS = 54, 18, 40
"""Characters of a track's line, of a frame's time, and of a sentence with what else is filled in."""
FORM_WORDS = 280
"""Of the form of an answer."""
SCENE_REPLY, TRACK_REPLY = 110, 45
"""Tokens of an answer: what is said of the scene and the sentence, and of each track."""
CONCEPTS_REPLY = 60


def planned_rounds(
    clip: Clip, references: Sequence[Reference], settings: PivotSettings, *, reads: bool
) -> list[PlannedQuestions]:
    """For every sentence one question in each round, one for the closing check, and where the chooser `reads`
    it, one about what it names.
    """
    rounds, texts = settings.rounds, len(distinct_texts(references))
    size = even_section(clip, rounds.frames, rounds.style).size
    words = EXPECTED_TRACKS * TRACK_WORDS + rounds.frames * FRAME_WORDS + SENTENCE_WORDS + FORM_WORDS
    reply = SCENE_REPLY + EXPECTED_TRACKS * TRACK_REPLY
    planned = [PlannedQuestions("tracks", texts * rounds.rounds, *size, words, reply)]
    if reads:
        planned.append(
            PlannedQuestions("concepts", texts, *size, SENTENCE_WORDS + FORM_WORDS // 3, CONCEPTS_REPLY)
        )
    if settings.text.check:
        planned.append(PlannedQuestions("check", texts, *check_section(clip, 0, settings).size))
    return planned if texts else []
