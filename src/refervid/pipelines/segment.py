"""One call from a video, and what to look for in it, to masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Unpack, overload

from refervid.core.types import Hook, no_hook
from refervid.engines.base import Dtype
from refervid.pipelines.base import CallOptions, Texts, Video
from refervid.pipelines.engine_set import GivenEngines
from refervid.pipelines.presets import load
from refervid.report.result import Result


class LoadOptions(GivenEngines, total=False):
    """What `load` takes."""

    preset: str
    device: str
    dtype: Dtype
    allow_remote: bool
    max_cost: float | None
    remember: bool
    settings: Sequence[str]


class Options(LoadOptions, CallOptions):
    """What `segment` takes besides its video and references."""


@overload
def segment(
    video: Video, *, text: str, sound: Literal[False] = False, **options: Unpack[Options]
) -> Result: ...


@overload
def segment(
    video: Video, *, text: None = None, sound: Literal[True], **options: Unpack[Options]
) -> Result: ...


@overload
def segment(video: Video, *, text: str, sound: Literal[True], **options: Unpack[Options]) -> list[Result]: ...


@overload
def segment(
    video: Video, *, text: Texts, sound: bool = False, **options: Unpack[Options]
) -> list[Result]: ...


def segment(
    video: Video,
    *,
    text: str | Texts | None = None,
    sound: bool = False,
    audio: str | Path | None = None,
    hook: Hook = no_hook,
    **options: Unpack[LoadOptions],
) -> Result | list[Result]:
    """Segment `video` once; `load` a pipeline to do it often.

    Options are those of `load`, `preset` among them; the other arguments are as in `Pipeline.__call__`: one
    reference gives one result, a list of texts, and text with sound, a list of them.

    >>> result = refervid.segment(clip, text="the red disc", preset="lite", device="cpu")
    >>> result.query, len(result), bool(result.areas.all())
    ('the red disc', 12, True)
    """
    pipeline: Callable[..., Result | list[Result]] = load(sound=sound, **options)
    return pipeline(video, text=text, sound=sound, audio=audio, hook=hook)
