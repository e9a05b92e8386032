"""What all pipelines share: how they are called, and how a call becomes results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, overload

from refervid.core.errors import SettingsError
from refervid.core.files import slug
from refervid.core.types import (
    Hook,
    Pivot,
    Reference,
    ScoredMask,
    SoundReference,
    Spending,
    TextReference,
    no_hook,
    words_of,
)
from refervid.engines.base import Tracker
from refervid.media.clip import Clip
from refervid.media.opening import Source, open_clip
from refervid.pipelines.correct import correct
from refervid.pipelines.first_look import FirstLook
from refervid.report.result import Result

Video = Source | Clip
Texts = list[str] | tuple[str, ...]
"""Not any sequence: a single text is a sequence of texts too."""


class CallOptions(TypedDict, total=False):
    """What a pipeline's call takes besides its video and references."""

    audio: str | Path | None
    hook: Hook


class Pipeline(ABC):
    """From a clip and references to results. Engines are built once and kept.

    >>> pipeline = refervid.load("lite", device="cpu")
    >>> [result.query for result in pipeline(clip, text=["the red disc", "the blue square"])]
    ['the red disc', 'the blue square']
    """

    preset: str

    background_logit: float = -1.0
    """Where the masks of several sentences make one map, the logit of no object: AL-Ref-SAM 2's merge for
    Ref-DAVIS17 (public repository)."""

    @abstractmethod
    def run(self, clip: Clip, references: Sequence[Reference], hook: Hook = no_hook) -> list[Result]:
        """One result per reference; the clip's features are computed once for all of them."""

    @abstractmethod
    def plan(self) -> dict[str, Any]:
        """Everything that results depend on besides the clip, ready for JSON.

        `contents` are digests of the files that engines load, by the names that the settings give them.
        """

    def check_ready(self, references: Sequence[Reference]) -> None:  # noqa: B027 - most lack nothing
        """Raises `NotReady` or `MissingWeights` where `run` would, before anything is done or written."""

    def look_ahead(self, clip: Clip, hook: Hook = no_hook) -> None:  # noqa: B027 - most have nothing to do
        """Do what the first question about a clip will need, before it is asked."""

    def first_look(
        self, parts: Sequence[Clip], texts: Sequence[str], hook: Hook = no_hook
    ) -> FirstLook | None:
        """Something to show while `run` looks at a whole clip for the first time, where a look is cheap; the
        `parts` are those of `parts_to_look_at`.
        """
        return None

    def scored_masks(
        self, clip: Clip, references: Sequence[Reference], index: int
    ) -> list[list[ScoredMask]] | None:
        """For each reference all masks (H, W) that may answer it on frame `index`, with their scores.

        Data sets that annotate single frames score them. None: there is one answer only, that of `run`.
        """
        return None

    @property
    @abstractmethod
    def tracker(self) -> Tracker:
        """What corrections are tracked with."""

    def correct(self, result: Result, mark: Pivot, *, afresh: bool = False, hook: Hook = no_hook) -> Result:
        """A result with its object tracked anew from a mark of yours: points, a box or a mask on one frame.

        See `refervid.pipelines.correct.correct`; `candidate_pivot` there makes a mark of a candidate.
        """
        return correct(self.tracker, result, mark, afresh=afresh, hook=hook)

    def transcribe(self, audio: str | Path) -> str:
        """The sentence that is spoken in a sound file, to be read, corrected, and given as `text`.

        Raises `SettingsError` where nothing is understood or the preset hears no speech, `MissingWeights`,
        and whatever reading the sound does.
        """
        raise SettingsError(f"preset {self.preset!r} hears no speech: type the sentence")

    def estimate(self, clip: Clip, references: Sequence[Reference]) -> Spending | None:
        """What `run` would ask of a language model at most, where one is asked. Nothing is computed."""
        return None

    def spending(self) -> Spending | None:
        """What was asked of a language model so far, where one is asked."""
        return None

    @overload
    def __call__(
        self, video: Video, *, text: str, sound: Literal[False] = False, **options: Unpack[CallOptions]
    ) -> Result: ...

    @overload
    def __call__(
        self, video: Video, *, text: None = None, sound: Literal[True], **options: Unpack[CallOptions]
    ) -> Result: ...

    @overload
    def __call__(
        self, video: Video, *, text: str, sound: Literal[True], **options: Unpack[CallOptions]
    ) -> list[Result]: ...

    @overload
    def __call__(
        self, video: Video, *, text: Texts, sound: bool = False, **options: Unpack[CallOptions]
    ) -> list[Result]: ...

    def __call__(
        self,
        video: Video,
        *,
        text: str | Texts | None = None,
        sound: bool = False,
        audio: str | Path | None = None,
        hook: Hook = no_hook,
    ) -> Result | list[Result]:
        """Segment what `text` says, what makes the sound, or both.

        One reference gives one result; a list of texts, and text with sound, a list of them.
        `audio` names a sound file to use in place of the clip's own sound.
        Raises `SettingsError` where nothing is asked, and whatever `open_clip` does.
        """
        texts = [] if text is None else sentences(text)
        if not texts and not sound:
            raise SettingsError("nothing to look for: give text=..., sound=True, or both")
        references: list[Reference] = [TextReference(one) for one in texts]
        if sound:
            references.append(SoundReference())
        clip = video if isinstance(video, Clip) else open_clip(video, audio=audio)
        results = self.run(clip, references, hook)
        is_single = len(results) == 1 and (text is None or isinstance(text, str))
        return results[0] if is_single else results


def sentences(text: str | Sequence[str]) -> Sequence[str]:
    """One sentence or several, as several. Raises `SettingsError` for what is neither."""
    texts = [text] if isinstance(text, str) else text
    if not isinstance(texts, Sequence) or not all(isinstance(one, str) for one in texts):
        raise SettingsError(f"text={text!r:.60} is no sentence and no list of sentences")
    return texts


def reference_slugs(references: Sequence[Reference]) -> list[str]:
    """Folder names of the references, unique among them."""
    slugs: list[str] = []
    for reference in references:
        slugs.append(slug(words_of(reference), slugs))
    return slugs
