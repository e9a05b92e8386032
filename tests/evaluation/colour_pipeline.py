"""A pipeline that segments by colour: quick, exact on the samples, and able to fail when told to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from refervid.core.errors import BudgetExceeded, ServerFailed
from refervid.core.track import Track
from refervid.core.types import Frame, Hook, Mask, Reference, TextReference, no_hook
from refervid.engines.base import Tracker
from refervid.media.clip import Clip
from refervid.pipelines.base import Pipeline, reference_slugs
from refervid.report.objects import TrackedObject
from refervid.report.outcome import status_of
from refervid.report.result import Result


@dataclass
class ColourPipeline(Pipeline):
    """Red things for texts that say "red", and for sound; blue ones for others.

    Files in `orders` make it fail: `server` as a language model's server would, `mistake` by a bug,
    `budget` for good; `die-VIDEO` kills the process on that video, once per byte that the file holds.
    """

    orders: Path
    shade: int = 60
    logits: bool = False
    sounding: str = "helicopter"
    preset = "colour"

    def run(self, clip: Clip, references: Sequence[Reference], hook: Hook = no_hook) -> list[Result]:
        self._obey(clip.name, references)
        return [
            self._result(clip, reference, slug)
            for reference, slug in zip(references, reference_slugs(references), strict=True)
        ]

    @property
    def tracker(self) -> Tracker:
        raise AssertionError("nothing is corrected here")

    def plan(self) -> dict[str, Any]:
        return {"preset": self.preset, "settings": {"shade": self.shade}}

    def _obey(self, video: str, references: Sequence[Reference]) -> None:
        texts = " ".join(getattr(reference, "text", "") for reference in references)
        if (self.orders / "server").exists() and "blue" in texts:
            raise ServerFailed("the server answered 503: try again later")
        if (self.orders / "mistake").exists() and "blue" in texts:
            raise IndexError("list index out of range")
        if (self.orders / "budget").exists():
            raise BudgetExceeded("the next question would cost too much: raise the budget")
        deadly = self.orders / f"die-{video}"
        if deadly.exists() and (left := deadly.read_bytes()):
            deadly.write_bytes(left[1:])
            os._exit(1)

    def _result(self, clip: Clip, reference: Reference, slug: str) -> Result:
        by_text = isinstance(reference, TextReference)
        red = not by_text or "red" in reference.text
        track = Track(len(clip), clip.height, clip.width)
        for index, frame in clip.frames():
            track[index] = _coloured(frame, red, self.shade)
        if self.logits:
            track.logits = np.where(track.stack(), np.float16(4), np.float16(-4))
        one = TrackedObject(1, (), track, "" if by_text else self.sounding)
        return Result(clip, reference, slug, status_of(clip, track), track, self.preset, objects=[one])


def _coloured(frame: Frame, red: bool, shade: int) -> Mask:
    difference = frame[..., 0].astype(int) - frame[..., 2]
    return np.array(difference > shade if red else -difference > shade)


def priority(work: str, pipeline: Pipeline) -> int:
    """Of the process that works; it lies here as an actor would import all that a test does."""
    return os.nice(0)
