"""Settings of the pivot pipeline. Field by field they are what `--set name=value` changes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from refervid.config.frozen import Frozen
from refervid.engines.base import EngineOptions
from refervid.media.sections import READABLE, PictureStyle


class SectionSettings(Frozen):
    """How a clip is sampled for the chooser.

    Every `frame_step`-th frame is sampled, `frames_per_section` of them form a section; sections with
    fewer than `minimum_frames` are not asked about (AL-Ref-SAM 2 uses 10, 5 and 2).
    """

    frame_step: int = Field(10, ge=1)
    frames_per_section: int = Field(5, ge=1, le=20)
    minimum_frames: int = Field(1, ge=1)
    style: PictureStyle = READABLE


class TextSettings(Frozen):
    """`candidates` boxes per frame are shown; with `clip_boxes` they end where the frame does, else they may
    stick out, as published. `fallback` is what happens when no pivot was chosen: the detector's best guess on
    the first frame (as AL-Ref-SAM 2), on the frames that were picked, or `none`: the answer is "not found".
    With `agreement` pivots of one object start the tracker together only if each is found again when another
    is followed. Without `ask_box` the detector's best box is taken unasked (AL-Ref-SAM 2's ablation "temporal
    only"); at most `pivots` of an object are used, evenly spread. With `check` a chooser that can do so
    looks at the result, and may reject it once.
    """

    candidates: int = Field(3, ge=1, le=50)
    clip_boxes: bool = True
    fallback: Literal["first_frame", "picked_frames", "none"] = "none"
    agreement: bool = False
    ask_box: bool = True
    pivots: int | None = Field(None, ge=1)
    check: bool = False


class SoundSettings(Frozen):
    """`frames` are sampled evenly over the clip for the question about the sound; at most `max_objects`
    are taken; `vocabulary` are names that the chooser should prefer. With `last_goes_on` the last interval
    of the sound goes on to the end of the clip, as in AL-Ref-SAM 2. A sound whose samples all stay below
    `silence_peak` (of full scale 1; the default is -60 dB) has no source; with 0 all are asked about, as
    published. Without `bind` all objects sound throughout.
    """

    frames: int = Field(10, ge=1, le=20)
    max_objects: int | None = Field(None, ge=1)
    vocabulary: tuple[str, ...] | None = None
    last_goes_on: bool = False
    bind: bool = True
    silence_peak: float = Field(1e-3, ge=0, le=1)
    style: PictureStyle = READABLE


class RoundSettings(Frozen):
    """How a language model eliminates tracks: in at most `rounds`, shown `frames` frames each (AgentRVOS: 3
    and 16), and asked about at most `tracks` tracks by one question. With `listen` a sentence that speaks of
    something heard gets the clip's sounds as evidence.
    """

    rounds: int = Field(3, ge=1, le=10)
    frames: int = Field(16, ge=1, le=16)
    tracks: int = Field(12, ge=1, le=50)
    listen: bool = True
    style: PictureStyle = PictureStyle(short_side=1152)


TRANSCRIBER = {"kind": "whisper"}


class PivotSettings(Frozen):
    """The pipeline of AL-Ref-SAM 2 with its five engines; before it, with `tracks`, a finder.

    With a `namer` what sounds gets names of `sound.vocabulary` (AVSS). `reader` says what sentences name to a
    finder that looks for what it is told; None: the chooser does. The `transcriber` hears spoken sentences.
    """

    pipeline: Literal["pivot", "tracks"] = "pivot"
    sections: SectionSettings = SectionSettings()
    text: TextSettings = TextSettings()
    sound: SoundSettings = SoundSettings()
    rounds: RoundSettings = RoundSettings()
    chooser: EngineOptions
    detector: EngineOptions
    tracker: EngineOptions
    tagger: EngineOptions
    binder: EngineOptions
    namer: EngineOptions | None = None
    finder: EngineOptions | None = None
    reader: EngineOptions | None = None
    transcriber: EngineOptions = TRANSCRIBER
