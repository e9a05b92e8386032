"""The roles. A pipeline knows engines only by these protocols, and takes whatever fulfils them.
`engines.questions` has what choosers are asked.

Every method takes a batch, so that an engine may share work inside it: frames, texts, objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeVar, cast, get_args, runtime_checkable

from pydantic import BaseModel

from refervid.config.frozen import Frozen
from refervid.core.track import Track
from refervid.core.types import (
    Candidate,
    Decision,
    Frame,
    Hook,
    Interval,
    Label,
    Mask,
    Pivot,
    SoundingObject,
    Spending,
    Waveform,
)
from refervid.engines.inventory import Inventory
from refervid.engines.questions import (
    BoxChoice,
    BoxQuestion,
    CheckQuestion,
    FrameChoice,
    FrameQuestion,
    SoundChoice,
    SoundQuestion,
)
from refervid.media.clip import Clip

T = TypeVar("T")

Dtype = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class Runtime:
    """Where an engine computes and what it may do there.

    `device` is resolved ("cpu", "cuda:0", "mps"); `allow_remote` permits requests beyond loopback;
    `cache` is the folder for answers and downloads; `max_cost` in US dollars is what a paid engine may
    spend (None: no limit). With `remember` what is found in clips may be kept in `cache`.
    """

    device: str
    dtype: Dtype
    allow_remote: bool
    cache: Path
    max_cost: float | None = None
    remember: bool = False
    _shared: dict[type, Any] = field(default_factory=dict, repr=False, compare=False)

    def shared(self, kind: type[T], make: Callable[[], T]) -> T:
        """The one of its kind that all engines built with this runtime have in common."""
        if kind not in self._shared:
            self._shared[kind] = make()
        return cast(T, self._shared[kind])


EngineOptions = Mapping[str, Any]
"""`{"kind": ..., setting: value, ...}`, validated by the engine itself."""

LOADED = "loaded"
"""Marks settings that name a file, a folder or a hub id: a run is not resumed with other contents of it."""

Weights = Annotated[str, LOADED]


def loaded_by(settings: BaseModel) -> list[str]:
    """What settings name in fields so marked, alone, optional or in a tuple."""
    found: list[str] = []
    for name, info in type(settings).model_fields.items():
        if LOADED in info.metadata or _marked(info.annotation):
            value = getattr(settings, name)
            found += map(str, value if isinstance(value, tuple) else [] if value is None else [value])
    return found


def _marked(annotation: Any) -> bool:
    return LOADED in getattr(annotation, "__metadata__", ()) or any(map(_marked, get_args(annotation)))


class EngineSettings(Frozen):
    """Base of every engine's settings; `kind` picks the engine in its role.

    A field that names weights has the type `Weights`. A field that results do not depend on has
    `exclude=True`: a run may be resumed with another value.
    """

    kind: str


class Engine(Protocol):
    """What every engine tells about itself; `version` is whatever its results depend on."""

    name: str
    version: str


class EngineClass(Protocol):
    """How an engine is built that settings name by its kind.

    `Settings` validates what a user sets; `missing` names, in words a person can act on, what this machine
    lacks to run the engine so (weights, a package, a key).
    """

    Settings: type[EngineSettings]

    def missing(self, settings: Any) -> list[str]: ...

    def build(self, settings: Any, runtime: Runtime) -> Engine: ...


class Chooser(Engine, Protocol):
    """Answers which frame, which box, and what makes the sound: one choice per question, in order.

    What could not be asked comes back as a choice with its `error`.
    """

    def pick_frames(self, questions: Sequence[FrameQuestion]) -> list[FrameChoice]: ...

    def pick_boxes(self, questions: Sequence[BoxQuestion]) -> list[BoxChoice]: ...

    def sounding_objects(self, question: SoundQuestion) -> SoundChoice: ...


@runtime_checkable
class CheckingChooser(Protocol):
    """What a chooser that can judge a finished result can do besides."""

    def check(self, questions: Sequence[CheckQuestion]) -> list[BoxChoice]:
        """The same picks where the result is right, others where it is wrong; none: wrong, but no
        candidate is right either.
        """
        ...


@dataclass(frozen=True)
class PlannedQuestions:
    """`count` questions of one kind, each with a picture of `width` x `height` pixels.

    `words` are the characters that its text has beyond its file's, `reply` the tokens of its answer; None:
    as of most questions.
    """

    kind: Literal["frame", "box", "check", "objects", "sounding", "vision", "concepts", "tracks"]
    count: int
    width: int
    height: int
    words: int = 0
    reply: int | None = None


@runtime_checkable
class PaidChooser(Protocol):
    """What a chooser whose questions cost something can do besides."""

    @classmethod
    def estimate(cls, settings: Any, questions: Sequence[PlannedQuestions]) -> Spending:
        """What these questions would cost if all were asked; needs neither key nor server."""
        ...

    def spending(self) -> Spending:
        """Of all questions so far."""
        ...


@dataclass(frozen=True)
class DetectorRequest:
    """Find `text` on frame `frame_index`; `last_resort` asks for the best guess however weak."""

    frame_index: int
    text: str
    last_resort: bool = False


class Detector(Engine, Protocol):
    """Proposes on single frames what a text may name."""

    def detect(self, clip: Clip, requests: Sequence[DetectorRequest]) -> list[list[Candidate]]:
        """One list per request, best first, possibly empty."""
        ...


@runtime_checkable
class PreparingDetector(Protocol):
    """What a detector can do besides that has to know the whole clip before it answers a request."""

    def prepare(self, clip: Clip, hook: Hook) -> None:
        """Gather that now, and tell how far it is."""
        ...


class Tracker(Engine, Protocol):
    """Carries objects from pivots through a clip."""

    def track(self, clip: Clip, objects: Sequence[Sequence[Pivot]], hook: Hook) -> list[Track]:
        """One track over the whole clip per object; each object has at least one pivot.

        A box without area inside the frame marks nothing: an engine leaves it out, or takes it to say that
        the object is away on that frame.

        Reports `Underway` tracks as the artefacts of the stage "track": what is written in them stays.
        """
        ...

    def correct(self, clip: Clip, pivots: Sequence[Pivot], track: Track, mark: Pivot, hook: Hook) -> Track:
        """An object's track anew from `mark`, both ways as far as the neighbouring `pivots`.

        `track` is what they gave; `mark` is on another frame than all of them. Points alone correct the
        mask that `track` has on their frame, a box or a mask replaces it. Reports as `track` does; frames
        that are yet to be made anew are not written.
        """
        ...


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """Per object id the mask (H, W) and how sure the tracker is that the object is in the frame, 0..1."""

    index: int
    masks: dict[int, Mask]
    presence: dict[int, float]


class LiveTracking(Protocol):
    """Objects in an endless run of frames of one size; memory does not grow with their number."""

    def push(self, frame: Frame, pivots: Mapping[int, Sequence[Pivot]] | None = None) -> LiveFrame:
        """Masks of all objects on the next frame, uint8 RGB (H, W, 3).

        `pivots` by object id introduce objects or correct them on this frame; ids are the caller's own.
        Raises `SettingsError` for a frame of another size and for pivots of another frame.
        """
        ...

    def drop(self, number: int) -> None:
        """Stop tracking an object."""
        ...


@runtime_checkable
class LiveTracker(Protocol):
    """What a tracker that can work while frames arrive can do besides."""

    def live(self, height: int, width: int) -> LiveTracking: ...


@dataclass(frozen=True)
class Elimination:
    """What is left of an inventory's tracks after a sentence was held against all of them.

    `objects` are the pivots of each thing that is meant, none where it is not there; `confidence` in 0..1 is
    how likely that is right, `guess` says that something could not be checked or fits in part only.
    """

    objects: Sequence[Sequence[Pivot]]
    guess: bool
    confidence: float
    decisions: Sequence[Decision]
    notes: Sequence[str] = ()


@runtime_checkable
class EliminatingChooser(Protocol):
    """What a chooser that can judge whole tracks can do besides."""

    def eliminate(self, clip: Clip, inventory: Inventory, texts: Sequence[str]) -> list[Elimination | None]:
        """One answer per text; None: no track is what the text names, and the frames have to be searched."""
        ...


class Finder(Engine, Protocol):
    """Finds what is in a clip, without a sentence."""

    def find(self, clip: Clip, hook: Hook) -> Inventory:
        """The clip's inventory; a second call for the same clip costs nothing."""
        ...


@runtime_checkable
class CompletingFinder(Protocol):
    """What a finder of named things that also sees others can do besides."""

    def complete(self, clip: Clip, inventory: Inventory, hook: Hook) -> Inventory:
        """With the things that it has no name for, after the others."""
        ...


SPEECH_RATE = 16_000
"""Samples a second of recordings of speech."""


class Transcriber(Engine, Protocol):
    """Hears spoken sentences."""

    def transcribe(self, waveform: Waveform) -> str:
        """The words that are spoken in a recording at `SPEECH_RATE`, "" for none."""
        ...


class Tagger(Engine, Protocol):
    """Says what a sound may be, and where it changes."""

    def tag(self, waveform: Waveform) -> list[Label]:
        """Labels of the whole sound, most probable first."""
        ...

    def intervals(self, waveform: Waveform) -> list[Interval]:
        """The sound cut where it changes; silence is left out."""
        ...


class Binder(Engine, Protocol):
    """Says which of several objects sounds when."""

    def bind(
        self, waveform: Waveform, intervals: Sequence[Interval], objects: Sequence[SoundingObject]
    ) -> list[frozenset[str]]:
        """For every interval the names of the objects that sound in it."""
        ...


class Namer(Engine, Protocol):
    """Puts names into the words of a vocabulary."""

    def rename(self, labels: Sequence[str], vocabulary: Sequence[str]) -> dict[str, str]:
        """For every label outside the vocabulary the name in it that means most nearly the same."""
        ...
