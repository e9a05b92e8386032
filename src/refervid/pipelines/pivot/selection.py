"""What was chosen for one reference: every stage takes a selection, and returns another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from refervid.core.errors import ChooserError
from refervid.core.types import Decision, Details, Interval, Pivot, Reference, SoundingObject
from refervid.engines.questions import UNSEEN, BoxChoice, BoxQuestion, FrameChoice, SoundChoice
from refervid.report.objects import TrackedObject


@dataclass(frozen=True)
class Heard:
    """What was found out about a sound; frames are those of the clip, times its seconds.

    `named` are all things that were said to sound, `boxes` the numbers of the boxes that were chosen for them
    where there were several, from 1. `things` are those that were found, and what a selection's `objects`
    are, in the same order; `intervals` are when anything sounds.
    """

    intervals: tuple[Interval, ...]
    named: tuple[SoundingObject, ...]
    things: tuple[SoundingObject, ...] = ()
    boxes: Mapping[str, int] = field(default_factory=dict)

    def summary(self) -> Details:
        """As `result.json` holds it."""
        return {
            "objects": {thing.name: thing.frame_index for thing in self.named},
            "boxes": dict(self.boxes),
            "intervals": [[interval.start_s, interval.end_s] for interval in self.intervals],
        }


@dataclass(frozen=True)
class Selection:
    """The pivots of each object that `reference` means, how it came to them, and then their tracks.

    `others` are pivots that may belong to one of the `objects` or to a further one: only tracks can tell.
    `answered` are the box questions with their answers; `guess`: what was picked is not known to fit.
    `tracked` are the objects once they are tracked, in the same order. `error` is why a question could not be
    asked; the reference may be tried again.
    """

    reference: Reference
    objects: tuple[tuple[Pivot, ...], ...] = ()
    others: tuple[Pivot, ...] = ()
    answered: tuple[tuple[BoxQuestion, BoxChoice], ...] = ()
    tracked: tuple[TrackedObject, ...] = ()
    heard: Heard | None = None
    decisions: tuple[Decision, ...] = ()
    notes: tuple[str, ...] = ()
    guess: bool = False
    sure: float | None = None
    error: ChooserError | None = None

    @property
    def confidence(self) -> float:
        """`sure` if the chooser said so, else its confidence in its picks, or the mean of their scores.

        Where none was, the share of the questions that got a usable answer, less for what was not looked at.
        """
        if self.sure is not None:
            return self.sure
        scores = [
            question.candidates[pick].score if choice.confidence is None else choice.confidence
            for question, choice in self.answered
            for pick in choice.picks
        ]
        if scores or self.guess:
            return sum(scores) / max(len(scores), 1)
        usable = [decision.source != "fallback" for decision in self.decisions]
        return UNSEEN * sum(usable) / max(len(usable), 1)

    def told(self, choice: FrameChoice | BoxChoice | SoundChoice) -> Selection:
        """With what a chooser said."""
        kept = replace(self, decisions=(*self.decisions, choice.decision)).noted(choice.notes)
        return kept if choice.error is None else replace(kept, error=choice.error).noted([str(choice.error)])

    def noted(self, notes: Sequence[str]) -> Selection:
        """With more notes, each once."""
        return replace(self, notes=tuple(dict.fromkeys([*self.notes, *notes])))
