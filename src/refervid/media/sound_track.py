"""A clip's sound as blocks on the clip's own time axis, for encoding it anew."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray

from refervid.media.audio import GAP_S, MAX_SECONDS, SoundSource

RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
"""Sample rates that AAC knows (ISO 14496-3, table 1.18)."""

_DRIFT_S = 0.02
"""Time stamps that stray less than this are rounding; beyond it sound is cut or filled with silence."""


class SoundTrack:
    """Mono or stereo sound of a clip from its first frame to `end_s`, streamed.

    Time stamps that jump too far (`GAP_S`) are not followed: sound goes on there without a pause. In all
    it holds no more than `MAX_SECONDS` of silence in the place of missing sound, and ends where it would.
    `layout` is "mono" or "stereo" (more channels are mixed down), `rate` the source's if AAC knows it.
    """

    def __init__(self, source: SoundSource, first: av.AudioFrame, end_s: float) -> None:
        self._source = source
        self.layout = "mono" if first.layout.nb_channels == 1 else "stereo"
        self.rate = first.sample_rate if first.sample_rate in RATES else 48_000
        self._end = round(end_s * self.rate)

    @classmethod
    def of(cls, source: SoundSource | None, end_s: float) -> SoundTrack | None:
        """None where there is no sound, or nothing in it can be decoded."""
        first = next(source.frames(), None) if source is not None else None
        return None if source is None or first is None else cls(source, first, end_s)

    def blocks(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """`(position, samples)`: gapless (channels, n) float32 in -1..1 from position 0 on."""
        written = jump = 0
        silence_left = round(MAX_SECONDS * self.rate)
        for claimed, samples in self._decoded():
            if abs(claimed - jump - written) > GAP_S[1] * self.rate:
                jump = claimed - written
            position = claimed - jump
            if position - written > _DRIFT_S * self.rate:
                silence_left -= position - written
                if silence_left < 0:
                    return
                for start in range(written, min(position, self._end), self.rate):
                    stop = min(start + self.rate, position, self._end)
                    yield start, np.zeros((samples.shape[0], stop - start), np.float32)
                    written = stop
            elif written - position > _DRIFT_S * self.rate:
                samples = samples[:, written - position :]
            samples = samples[:, : self._end - written]
            if samples.shape[1]:
                yield written, samples
                written += samples.shape[1]
            if written >= self._end:
                return

    def _decoded(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Blocks with the position that their time stamp claims."""
        given: tuple[str, str, int] | None = None
        claimed = 0
        for frame in self._source.frames():
            if given != (given := (frame.format.name, frame.layout.name, frame.sample_rate)):
                resampler = av.AudioResampler(format="fltp", layout=self.layout, rate=self.rate)
            if frame.time is not None:
                claimed = round((frame.time - self._source.clip_start_s) * self.rate)
            frame.pts = None
            for resampled in resampler.resample(frame):
                # The encoder refuses what is not finite.
                samples = np.nan_to_num(resampled.to_ndarray(), nan=0, posinf=1, neginf=-1).clip(-1, 1)
                yield claimed, samples
                claimed += samples.shape[1]
