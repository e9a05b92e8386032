"""Questions about whole tracks, for choosers and finders that can answer them.

A sentence names concepts, a finder follows their instances through the clip, and a chooser keeps, drops or
stays unsure about each, round by round, on frames that show what is undecided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args, runtime_checkable

from refervid.core.errors import ChooserError
from refervid.core.types import Decision, Hook, Interval, Label
from refervid.engines.base import Engine
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.media.clip import Clip
from refervid.media.sections import Section

Verdict = Literal["keep", "drop", "unsure"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class ConceptQuestion:
    """What does `text` name? `section` shows the whole clip."""

    section: Section
    text: str


@dataclass(frozen=True)
class ConceptChoice:
    """Short nouns: what could be `meant`, and what that is `related` to in the sentence.

    `error` is set where the question could not be asked.
    """

    meant: Sequence[str]
    related: Sequence[str]
    decision: Decision
    notes: Sequence[str] = ()
    error: ChooserError | None = None


@dataclass(frozen=True)
class HeardSound:
    """A stretch of the clip's sound, and what it may be, likeliest first."""

    interval: Interval
    labels: Sequence[Label]


@dataclass(frozen=True)
class TracksQuestion:
    """Which of `tracks` does `text` mean, by the frames of `section`? The picture shows them by number.

    `others` are drawn too, for orientation alone. `round` counts from 1; after the `last` one nothing more
    is shown. `heard` is what the sentence may speak of besides, in order.
    """

    section: Section
    tracks: Sequence[ObjectTrack]
    others: Sequence[ObjectTrack]
    text: str
    round: int
    last: bool
    heard: Sequence[HeardSound] = ()


@dataclass(frozen=True)
class Judgement:
    """`span` is when it does what the sentence says, where the sentence speaks of something done."""

    verdict: Verdict
    reason: str = ""
    span: Interval | None = None


@dataclass(frozen=True)
class TracksChoice:
    """By number; a track without judgement is as undecided as one that is "unsure".

    `usable` is False where the model gave no answer that could be read: asking again will not help.
    """

    judgements: Mapping[int, Judgement]
    decision: Decision
    notes: Sequence[str] = ()
    error: ChooserError | None = None
    usable: bool = True


class Reader(Engine, Protocol):
    """Says what sentences name."""

    def concepts(self, questions: Sequence[ConceptQuestion]) -> list[ConceptChoice]: ...


@runtime_checkable
class JudgingChooser(Reader, Protocol):
    """What a chooser that can look at tracks does besides; it reads sentences too."""

    def judge_tracks(self, questions: Sequence[TracksQuestion]) -> list[TracksChoice]: ...


@runtime_checkable
class ConceptFinder(Protocol):
    """What a finder does that looks for what it is told to look for."""

    def find_concepts(self, clip: Clip, concepts: Sequence[str], hook: Hook) -> Inventory:
        """The instances of all `concepts`, whose names each track has with a score.

        A second call for the same clip and concepts costs nothing.
        """
        ...
