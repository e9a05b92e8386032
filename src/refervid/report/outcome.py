"""What one reference on one clip gave, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import ChooserError
from refervid.core.track import Masked, Track
from refervid.core.types import Decision, Details, Pivot, Reference, Spending, Status, words_of
from refervid.media.clip import Clip
from refervid.report.objects import TrackedObject


@dataclass(frozen=True)
class Outcome(Masked):
    """Masks of what `reference` means, with everything that led to them.

    `confidence` in 0..1 is how likely the answer is right: calibrated for preset `lite`, with other presets
    the engines' own score, and 1 where a person said so.
    `slug` is the name of the result's folder, unique among results of one call; `notes` are sentences
    for a person; `timings_s` are seconds per stage; `engines` maps each role to "name version";
    `objects` are what the masks were made of; `error` is why a question could not be asked
    (status "failed"); `spending` is what a language model was asked for all results of one call; `sound` is
    what was found out about the clip's sound, ready for JSON.
    """

    clip: Clip = field(repr=False)
    reference: Reference
    slug: str
    status: Status
    track: Track = field(repr=False)
    preset: str
    confidence: float = 1.0
    pivots: Sequence[Pivot] = field(default=(), repr=False)
    decisions: Sequence[Decision] = field(default=(), repr=False)
    notes: Sequence[str] = ()
    timings_s: Mapping[str, float] = field(default_factory=dict, repr=False)
    engines: Mapping[str, str] = field(default_factory=dict, repr=False)
    objects: Sequence[TrackedObject] = field(default=(), repr=False)
    error: ChooserError | None = field(default=None, repr=False)
    spending: Spending | None = field(default=None, repr=False)
    sound: Details | None = field(default=None, repr=False)

    @property
    def query(self) -> str:
        """The sentence, the name of what was pointed at, or "sound"."""
        return words_of(self.reference)

    @property
    def label(self) -> str:
        """What is drawn beside its masks; a guess has a question mark."""
        return f"{self.query} ?" if self.status == "guess" else self.query

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(T,) seconds from the first frame."""
        return self.clip.times_s

    def without_guess(self) -> Self:
        """The result itself; where it is a guess, with empty masks, as sure as it was not, and a note."""
        if self.status != "guess":
            return self
        return replace(
            self,
            status="not_found",
            track=Track(len(self.clip), self.clip.height, self.clip.width),
            confidence=1 - self.confidence,
            objects=(),
            notes=[*self.notes, "a guess was found, and is left out as guesses are not wanted"],
        )


Kind = TypeVar("Kind", bound=Outcome)


def status_of(clip: Clip, track: Track, *, guess: bool = False) -> Status:
    """`not_found` for empty masks; `guess`, wherever the clip ends; `partial` if it broke off; else `ok`."""
    if not track.areas().any():
        return "not_found"
    if guess:
        return "guess"
    return "ok" if clip.complete else "partial"


def overall_status(results: Sequence[Outcome]) -> Status:
    """That of all results where they agree; `partial` if some failed or broke off; `guess` if some are
    guesses; else `ok`.
    """
    statuses = {result.status for result in results}
    if len(statuses) == 1:
        return statuses.pop()
    if statuses & {"failed", "partial"}:
        return "partial"
    return "guess" if "guess" in statuses else "ok"
