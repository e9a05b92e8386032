"""A part of a clip, as a clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from refervid.core.arguments import need_number
from refervid.core.errors import SettingsError
from refervid.core.types import Frame, Waveform
from refervid.media.clip import Clip
from refervid.media.timing import frame_edges


class PartClip(Clip):
    """The frames of `whole` from `start_s` up to `end_s` (seconds of `whole`; None: to its end), every
    `every`-th of them.

    Frames keep the names and the times that they have in `whole`: `start_s` of the part is where its first
    frame lies. Raises `SettingsError` for a part that holds no frame.
    """

    def __init__(
        self, whole: Clip, *, start_s: float = 0.0, end_s: float | None = None, every: int = 1
    ) -> None:
        need_number("start_s", start_s)
        need_number("every", every, 1, whole=True)
        if end_s is not None:
            need_number("end_s", end_s)
            if end_s <= start_s:
                raise SettingsError(
                    f"the part ends at {end_s:g} s, and must end after its start, {start_s:g} s"
                )
        end_s = np.inf if end_s is None else end_s
        times_s = whole.times_s
        inside = np.flatnonzero((times_s >= start_s) & (times_s < end_s))[::every]
        if not len(inside):
            until = "" if np.isinf(end_s) else f" to {end_s:g} s"
            lasts = float(frame_edges(times_s)[-1])
            raise SettingsError(
                f"{whole.name} has no frame from {start_s:g} s{until}: it lasts {lasts:.2f} s"
            )
        self._whole = whole
        self._indices = inside
        self.source, self.name = whole.source, whole.name
        self.files, self.as_stored = whole.files, whole.as_stored
        self.height, self.width = whole.height, whole.width
        self.start_s = whole.start_s + float(times_s[inside[0]])
        self.times_s = times_s[inside] - times_s[inside[0]]
        self.notes = whole.notes
        self.complete = whole.complete or bool(times_s[-1] >= end_s)
        if whole.sound is not None:
            self.sound = replace(
                whole.sound, clip_start_s=whole.sound.clip_start_s + float(times_s[inside[0]])
            )

    def frame(self, index: int) -> Frame:
        self._check_index(index)
        return self._whole.frame(int(self._indices[index]))

    def origin(self, index: int) -> tuple[Clip, int]:
        return self._whole.origin(int(self._indices[index]))

    def frame_name(self, index: int) -> str:
        return self._whole.frame_name(int(self._indices[index]))

    def frames(self, indices: Sequence[int] | None = None) -> Iterator[tuple[int, Frame]]:
        wanted = range(len(self)) if indices is None else sorted(set(indices))
        read = self._whole.frames([int(self._indices[index]) for index in wanted])
        for index, (_, frame) in zip(wanted, read, strict=True):
            yield index, frame

    def waveform(self, sample_rate: int = 16_000) -> Waveform:
        """The part's own sound: it ends where the part's last frame does."""
        waveform = super().waveform(sample_rate)
        length = round(float(frame_edges(self.times_s)[-1]) * sample_rate)
        return replace(waveform, samples=waveform.samples[:length])
