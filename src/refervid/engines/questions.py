"""What choosers are asked, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from refervid.core.errors import ChooserError
from refervid.core.types import Candidate, Decision, Label, Mask, SoundingObject, Waveform
from refervid.engines.inventory import ObjectTrack
from refervid.media.sections import Section

UNSEEN = 0.9
"""How sure "not there" is at most: sampled frames alone are searched, and networks overlook things. Not
measured: a modest guess."""


@dataclass(frozen=True)
class FrameQuestion:
    """Which frame of `section` shows best what `text` refers to?"""

    section: Section
    text: str


@dataclass(frozen=True)
class BoxQuestion:
    """Which of `candidates` on frame `frame_index` of the clip does `text` refer to?

    With `sounding` the text is the name of things of which one makes the sound. `recognised` is what
    a finder knows to be in the clip, where one looked.
    """

    section: Section
    frame_index: int
    candidates: Sequence[Candidate]
    text: str
    sounding: bool = False
    recognised: Sequence[ObjectTrack] = ()


@dataclass(frozen=True)
class FrameChoice:
    """`frame_index` in the clip, or None: not to be seen in this section.

    `error` is set where the question could not be asked; the reference it belongs to has failed then,
    and may be tried again.
    """

    frame_index: int | None
    decision: Decision
    notes: Sequence[str] = ()
    error: ChooserError | None = None


@dataclass(frozen=True)
class BoxChoice:
    """Positions in the question's candidates; empty: none fits. `notes` are in plain words.

    `guess`: the picks fit as far as it could be checked, and that was not everything. `confidence` in 0..1,
    None: the chooser does not say.
    """

    picks: Sequence[int]
    decision: Decision
    notes: Sequence[str] = ()
    error: ChooserError | None = None
    guess: bool = False
    confidence: float | None = None


@dataclass(frozen=True)
class CheckQuestion:
    """Is what came of it what `text` refers to? Or is it one of the other `candidates`?

    `section` holds frames of the whole clip, with the result's `masks` (H, W) by frame index; the positions
    `picks` of the candidates on frame `frame_index` were chosen before.
    """

    section: Section
    masks: Mapping[int, Mask]
    frame_index: int
    candidates: Sequence[Candidate]
    picks: Sequence[int]
    text: str


@dataclass(frozen=True)
class SoundQuestion:
    """Which objects in `section` make the sound of `waveform` that was heard as `labels`?

    `vocabulary` are names to prefer, if given; `max_objects` limits their number.
    """

    section: Section
    waveform: Waveform
    labels: Sequence[Label]
    vocabulary: Sequence[str] | None = None
    max_objects: int | None = None


@dataclass(frozen=True)
class SoundChoice:
    """The sounding objects, most certain first; empty: nothing that is seen makes the sound.

    `guess`: chance may have brought them together; `confidence` in 0..1, None: the chooser does not say.
    """

    objects: Sequence[SoundingObject]
    decision: Decision
    notes: Sequence[str] = ()
    error: ChooserError | None = None
    guess: bool = False
    confidence: float | None = None
