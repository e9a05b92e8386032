"""The values that flow between the stages.

Conventions, everywhere: boxes are xyxy float32 in absolute pixels of the displayed frame, right and
lower edges exclusive; masks are bool (H, W); frames are uint8 RGB (H, W, 3) in displayed orientation;
times are seconds from the first frame, from presentation timestamps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import SettingsError
from refervid.core.rle import decode_mask, encode_mask

Frame = NDArray[np.uint8]
"""(H, W, 3) uint8 RGB."""
Mask = NDArray[np.bool_]
"""(H, W) bool."""
BoxArray = NDArray[np.float32]
"""(4,) float32 xyxy, absolute pixels of the displayed frame."""

Hook = Callable[[str, object, int, int], None]
"""`hook(stage, artefact, completed, total)`: progress, intermediate results and timing in one call."""


def no_hook(stage: str, artefact: object, completed: int, total: int) -> None:
    """The hook that ignores everything."""


Status = Literal["ok", "guess", "not_found", "partial", "failed"]
"""What an answer promises.

`ok`: the thing was recognised as what the reference says, and all that could be checked holds. `guess`: there
are masks, but something could not be checked, or fits in part only; the notes say what. `not_found`: it is
not there, and the masks are empty. `partial`: as `ok`, up to where the clip breaks off. `failed`: no answer.
"""


@dataclass(frozen=True)
class TextReference:
    """A sentence that refers to something in the clip.

    >>> refervid.TextReference("the blue cup").text
    'the blue cup'
    """

    text: str


@dataclass(frozen=True)
class SoundReference:
    """Whatever makes the clip's sound.

    >>> refervid.SoundReference() == refervid.SoundReference()
    True
    """


@dataclass(frozen=True)
class MarkReference:
    """Something that a person pointed at in the clip, by the name they gave it.

    >>> refervid.MarkReference("the ball").name
    'the ball'
    """

    name: str


Reference = TextReference | SoundReference | MarkReference


def words_of(reference: Reference) -> str:
    """The sentence, the name of what was pointed at, or "sound"."""
    match reference:
        case TextReference(words) | MarkReference(words):
            return words
    return "sound"


class PackedMask:
    """A dataclass field that looks like a mask (H, W) or None, and holds its run-length code.

    Whole numbers count as a mask too, where they are not 0. Raises `SettingsError` for anything else.

    Long clips have thousands of candidates and pivots; their masks together would fill the memory.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._slot = f"_{name}"

    def __get__(self, instance: Any, owner: type) -> Mask | None:
        packed = None if instance is None else getattr(instance, self._slot)
        if packed is None:
            return None
        return decode_mask(*packed)

    def __set__(self, instance: Any, mask: Mask | None) -> None:
        is_mask = isinstance(mask, np.ndarray) and mask.ndim == 2 and mask.dtype.kind in "biu"
        if mask is not None and not is_mask:
            raise SettingsError(f"{self._slot[1:]}={mask!r:.60} is no mask: give a bool array (H, W)")
        packed = None if mask is None else (encode_mask(mask != 0), *mask.shape)
        object.__setattr__(instance, self._slot, packed)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A box that a detector proposes on one frame.

    `score` is in 0..1, higher is better. `mask` (H, W) is given by detectors that segment; every access
    unpacks it anew.

    >>> refervid.Candidate(np.array([10, 20, 50, 60], np.float32), 0.8, "a cup").phrase
    'a cup'
    """

    box_xyxy: BoxArray
    score: float
    phrase: str = ""
    mask: PackedMask = PackedMask()


@dataclass(frozen=True, eq=False)
class ScoredMask:
    """One of several masks (H, W) that may answer a sentence on one frame; higher scores are surer.

    `box_xyxy` is a box of its own, where the network gives one besides.
    """

    mask: Mask
    score: float
    box_xyxy: BoxArray | None = None


@dataclass(frozen=True, eq=False)
class Pivot:
    """What the tracker starts from on one frame: a box, a mask, points, or a box with points.

    `points_xy` is (N, 2) float32 in pixels of the displayed frame; `point_labels` is (N,) bool,
    True = belongs to the object, False = does not.

    >>> pivot = refervid.Pivot(0, points_xy=np.array([[28, 68]], np.float32), point_labels=np.array([True]))
    >>> pivot.frame_index, pivot.mask is None
    (0, True)
    """

    frame_index: int
    box_xyxy: BoxArray | None = None
    mask: PackedMask = PackedMask()
    points_xy: NDArray[np.float32] | None = None
    point_labels: NDArray[np.bool_] | None = None


Source = Literal["model", "rules", "fallback", "cache", "user", "replay"]


@dataclass(frozen=True)
class Decision:
    """One recorded answer: who chose what, from what, and why.

    `question` is the kind ("frame", "box", "objects", ...); `answer` what was chosen, in words or as
    an id (None: nothing fits); boxes are numbered from 1 as in pictures. `chosen` are the positions (from 0)
    among the `candidates` of those that were chosen. `jpeg` is the picture that was looked at, if one was;
    `raw` the unparsed reply of a language model.

    >>> refervid.Decision("frame", 3, "user", chosen=(2,)).answer
    3
    """

    question: str
    answer: str | int | None
    source: Source
    reason: str = ""
    section: int | None = None
    frame_index: int | None = None
    model: str | None = None
    prompt_version: str | None = None
    raw: str | None = None
    jpeg: bytes | None = field(default=None, repr=False, compare=False)
    candidates: Sequence[Candidate] = field(default=(), repr=False, compare=False)
    chosen: tuple[int, ...] = ()


@dataclass(frozen=True)
class Spending:
    """What questions to a language model took, or would take.

    Answers `from_cache` cost nothing and are not among those `asked`. `usd` is in US dollars, None where
    a price is not known.
    """

    model: str = ""
    asked: int = 0
    from_cache: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0

    def since(self, before: Spending) -> Spending:
        """What was added to `before`."""
        return Spending(
            self.model,
            self.asked - before.asked,
            self.from_cache - before.from_cache,
            self.input_tokens - before.input_tokens,
            self.output_tokens - before.output_tokens,
            None if self.usd is None or before.usd is None else self.usd - before.usd,
        )


@dataclass(frozen=True)
class Label:
    """A sound class that a tagger heard, with its probability in 0..1."""

    name: str
    score: float


@dataclass(frozen=True)
class Interval:
    """A stretch of time in seconds, end exclusive."""

    start_s: float
    end_s: float


@dataclass(frozen=True)
class SoundingObject:
    """An object that the chooser holds responsible for the sound.

    `candidate` is set by choosers that point at the object themselves; otherwise the detector looks
    for `name` on `frame_index`. `intervals` is when it is heard, in seconds of the clip, where the
    chooser found that out too.
    """

    name: str
    frame_index: int
    candidate: Candidate | None = None
    intervals: Sequence[Interval] | None = None


@dataclass(frozen=True)
class Waveform:
    """Mono sound: `samples` (N,) float32 in -1..1 at `sample_rate` Hz.

    Of a clip's sound the first sample is heard with the first frame, and `name` is the clip's.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    name: str = ""

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate


Details = Mapping[str, Any]
"""JSON-ready extra information."""
