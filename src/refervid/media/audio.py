"""Sound as mono float32, decoded and resampled as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import MediaTooLarge, NoAudioStream
from refervid.core.types import Waveform
from refervid.media.container import decode_frames, open_container, open_sound
from refervid.media.timing import JUMP_S

MAX_SECONDS = 4 * 3600.0
"""Longest sound that is read: at 16 kHz just below a gigabyte."""

GAP_S = 0.1, JUMP_S
"""Jumps of the sound's time stamps between these are filled with silence: less is rounding, more damage."""

CANCELLED = 0.1
"""Share of the power that unrelated channels keep in their mean: two keep less of it only if they are nearly
each other's negative (correlation below -0.9)."""


@dataclass(frozen=True)
class SoundSource:
    """The sound stream of the file `path` that `open_sound` takes; `clip_start_s` is the time in it of the
    first video frame.
    """

    path: Path
    clip_start_s: float = 0.0

    def frames(self) -> Iterator[av.AudioFrame]:
        """The sound as it is in the file, for carrying it over: own rate, channels and time stamps.

        `frame.time - clip_start_s` is a frame's place on the clip's time axis in seconds.
        """
        with open_sound(self.path) as (container, stream):
            yield from decode_frames(container, stream)


def has_sound(path: Path) -> bool:
    """Whether a media file holds a sound stream that can be decoded."""
    with open_container(path) as container:
        return any(stream.codec_context is not None for stream in container.streams.audio)


def read_waveform(
    path: str | Path, sample_rate: int = 16_000, *, from_s: float = 0.0
) -> tuple[Waveform, list[str]]:
    """The sound of a sound or video file (see `open_sound`), and notes in plain words on what was mended.

    The channels are averaged; where they cancel each other, the loudest is taken. The first sample is that
    at `from_s` of the file's time: what comes before is left out, and where the sound begins later there is
    silence. NaN and infinite samples become silence, samples beyond full scale are clipped.
    Raises `MediaNotFound`, `UnreadableMedia`, `NoAudioStream`, `MediaTooLarge`.
    """
    mixer = _Mixer()
    samples, start_s, notes = _resample(Path(path), sample_rate, mixer)
    if mixer.cancelled:
        loudest = int(mixer.channel_power.argmax())
        samples, start_s, notes = _resample(Path(path), sample_rate, _Mixer(loudest))
        notes.append(f"the sound's channels cancel each other: channel {loudest + 1} alone is heard")
    notes += _sanitise(samples)
    late = round((start_s - from_s) * sample_rate)
    if late + len(samples) > MAX_SECONDS * sample_rate:
        raise MediaTooLarge(f"the sound of {path} ends later than {MAX_SECONDS:.0f} s; cut it")
    samples = samples[-late:] if late <= 0 else np.pad(samples, (late, 0))
    return Waveform(samples, sample_rate), notes


class _Mixer:
    """From blocks (n, channels) to mono (n,): their mean, or one `channel`."""

    def __init__(self, channel: int | None = None) -> None:
        self._channel = channel
        self._power = 0.0
        self.channel_power = np.zeros(1)

    def __call__(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._channel is not None:
            return block[:, min(self._channel, block.shape[1] - 1)]
        # The plain mean: libav's own downmix of two equal channels would be louder than either.
        mono: NDArray[np.float32] = block.mean(axis=1)
        self._power += float(np.square(np.nan_to_num(mono), dtype=np.float64).sum())
        power = np.square(np.nan_to_num(block), dtype=np.float64).sum(axis=0)
        self.channel_power = _padded(self.channel_power, len(power)) + _padded(power, len(self.channel_power))
        return mono

    @property
    def cancelled(self) -> bool:
        """Whether the mean lost far more than that of channels which have nothing to do with each other."""
        count = len(self.channel_power)
        unrelated = self.channel_power.sum() / count**2
        return self._channel is None and bool(self._power < CANCELLED * unrelated)


def _padded(power: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    return np.pad(power, (0, max(count - len(power), 0)))


def _resample(path: Path, sample_rate: int, mix: _Mixer) -> tuple[NDArray[np.float32], float, list[str]]:
    """Mono samples, gaps filled with silence, the time of the first one in the file, and notes."""
    with open_sound(path) as (container, stream):
        return _resampled(decode_frames(container, stream), container.name, sample_rate, mix)


def _resampled(
    frames: Iterator[av.AudioFrame], name: str, sample_rate: int, mix: _Mixer
) -> tuple[NDArray[np.float32], float, list[str]]:
    resampler = av.AudioResampler(format="flt", rate=sample_rate)
    layout = None
    data = bytearray()
    start_s: float | None = None
    arrived_s = jump_s = 0.0
    for frame in frames:
        if start_s is None:
            start_s = frame.time or 0.0
        if layout not in (None, (frame.format.name, frame.layout.name, frame.sample_rate)):
            data += _mono_bytes(resampler.resample(None), mix)
            resampler = av.AudioResampler(format="flt", rate=sample_rate)
        layout = (frame.format.name, frame.layout.name, frame.sample_rate)
        gap_s = 0.0 if frame.time is None else frame.time - start_s - jump_s - arrived_s
        if abs(gap_s) > GAP_S[1]:
            jump_s += gap_s
        if not GAP_S[0] <= gap_s <= GAP_S[1]:
            gap_s = 0.0
        arrived_s += gap_s + frame.samples / frame.sample_rate
        if arrived_s > MAX_SECONDS:
            raise MediaTooLarge(f"the sound of {name} is longer than {MAX_SECONDS:.0f} s; cut it")
        data += bytes(4 * round(gap_s * sample_rate))
        frame.pts = None
        data += _mono_bytes(resampler.resample(frame), mix)
    if start_s is None:
        raise NoAudioStream(f"{name} has a sound stream, but nothing in it can be decoded")
    data += _mono_bytes(resampler.resample(None), mix)
    notes = [f"the sound's times jump by {jump_s:.0f} s: it goes on there without a pause"] if jump_s else []
    return np.frombuffer(data, np.float32), start_s, notes


def _mono_bytes(resampled: list[av.AudioFrame], mix: _Mixer) -> bytes:
    return b"".join(
        mix(frame.to_ndarray().reshape(-1, frame.layout.nb_channels)).tobytes() for frame in resampled
    )


def _sanitise(samples: NDArray[np.float32]) -> list[str]:
    """Make the samples finite and -1..1 in place."""
    notes = []
    bad = ~np.isfinite(samples)
    if bad.any():
        samples[bad] = 0
        notes.append(f"{int(bad.sum())} sound samples were not finite and are silent now")
    over = int(np.count_nonzero(samples > 1) + np.count_nonzero(samples < -1))
    # Resampling overshoots full scale by a little on honest recordings; only plenty of it is worth a word.
    if over > 0.001 * len(samples):
        notes.append(f"{over / len(samples):.1%} of the sound is beyond full scale and was clipped")
    np.clip(samples, -1, 1, out=samples)
    return notes
