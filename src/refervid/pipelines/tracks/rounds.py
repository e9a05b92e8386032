"""Elimination in rounds: a chooser keeps, drops or doubts tracks, and the doubtful get frames of their own.

The shape is AgentRVOS's (arXiv 2603.23489): tracks of the named concept first, then a multimodal model that
prunes them round by round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from refervid.core.errors import ChooserError
from refervid.core.types import Decision
from refervid.engines.inventory import ObjectTrack
from refervid.engines.rounds import HeardSound, Judgement, JudgingChooser, TracksChoice, TracksQuestion
from refervid.media.clip import Clip
from refervid.media.sections import Section
from refervid.pipelines.pivot.settings import RoundSettings
from refervid.pipelines.stages import Stages
from refervid.pipelines.tracks.frames import frames_showing


@dataclass(frozen=True)
class Standing:
    """How far one sentence is: the tracks it may mean, those drawn beside them, and what was said of each.

    `seen` are the frames that were shown so far; `stuck`: the chooser gave no answer that could be used.
    """

    text: str
    tracks: tuple[ObjectTrack, ...]
    others: tuple[ObjectTrack, ...] = ()
    heard: tuple[HeardSound, ...] = ()
    judgements: Mapping[int, Judgement] = field(default_factory=dict)
    seen: tuple[int, ...] = ()
    decisions: tuple[Decision, ...] = ()
    notes: tuple[str, ...] = ()
    error: ChooserError | None = None
    stuck: bool = False

    @property
    def undecided(self) -> tuple[ObjectTrack, ...]:
        return tuple(track for track in self.tracks if self.verdict(track) == "unsure")

    @property
    def kept(self) -> tuple[ObjectTrack, ...]:
        return tuple(track for track in self.tracks if self.verdict(track) == "keep")

    @property
    def is_open(self) -> bool:
        """Whether another round can change anything."""
        return bool(self.undecided) and self.error is None and not self.stuck

    def verdict(self, track: ObjectTrack) -> str:
        judgement = self.judgements.get(track.number)
        return "unsure" if judgement is None else judgement.verdict

    def told(self, question: TracksQuestion, choice: TracksChoice) -> Standing:
        return replace(
            self,
            judgements={**self.judgements, **choice.judgements},
            seen=(*self.seen, *question.section.frame_indices),
            decisions=(*self.decisions, choice.decision),
            notes=(*self.notes, *choice.notes, *([str(choice.error)] if choice.error else [])),
            error=self.error or choice.error,
            stuck=self.stuck or not choice.usable,
        )


def eliminate(
    clip: Clip,
    standings: Sequence[Standing],
    chooser: JudgingChooser,
    settings: RoundSettings,
    stages: Stages,
) -> list[Standing]:
    """Every sentence after at most `settings.rounds` rounds, all sentences in each round together."""
    current = list(standings)
    for number in range(1, settings.rounds + 1):
        asked = [
            (place, question)
            for place, one in enumerate(current)
            if one.is_open
            for question in _questions(clip, one, number, settings)
        ]
        if not asked:
            break
        questions = [question for _, question in asked]
        with stages.stage(f"round {number}", len(asked)) as stage:
            stage.artefact = choices = chooser.judge_tracks(questions)
        for (place, question), choice in zip(asked, choices, strict=True):
            current[place] = current[place].told(question, choice)
    return current


def _questions(clip: Clip, standing: Standing, number: int, settings: RoundSettings) -> list[TracksQuestion]:
    """One, or several where more tracks are undecided than one picture can show."""
    undecided = standing.undecided
    count = -(-len(undecided) // settings.tracks)
    groups = [undecided[start::count] for start in range(count)]
    questions = []
    for group in groups:
        spans = [one.span for track in group if (one := standing.judgements.get(track.number)) and one.span]
        frames = frames_showing(clip, group, settings.frames, seen=standing.seen, spans=spans)
        section = Section(clip, number - 1, frames, settings.style)
        last = number == settings.rounds
        others = (*standing.kept, *standing.others)
        questions.append(TracksQuestion(section, group, others, standing.text, number, last, standing.heard))
    return questions
