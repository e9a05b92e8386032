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

MAX_SECONDS = 4 * 3600.0
"""Longest sound that is read: at 16 kHz just below a gigabyte."""

GAP_S = 0.1, 600.0
"""Jumps of the sound's time stamps between these are filled with silence: less is rounding, more damage."""


@dataclass(frozen=True)
class SoundSource:
    """The first sound stream of the file `path`; `clip_start_s` is the first video frame's time in it."""

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
    path: str | Path, sample_rate: int = 16_000, *, from_s: float = 0.0, max_seconds: float = MAX_SECONDS
) -> tuple[Waveform, list[str]]:
    """The first sound stream of a sound or video file, and notes in plain words on what was mended.

    The channels are averaged. The first sample is that at `from_s` of the file's time: what comes before is
    left out, and where the sound begins later there is silence. NaN and infinite samples become silence,
    samples beyond full scale are clipped.
    Raises `MediaNotFound`, `UnreadableMedia`, `NoAudioStream`, `MediaTooLarge`.
    """
    with open_sound(Path(path)) as (container, stream):
        samples, start_s = _resample(
            decode_frames(container, stream), container.name, sample_rate, max_seconds
        )
    notes = _sanitise(samples)
    late = round((start_s - from_s) * sample_rate)
    if late + len(samples) > max_seconds * sample_rate:
        raise MediaTooLarge(f"the sound of {path} ends later than {max_seconds:.0f} s; cut it")
    samples = samples[-late:] if late <= 0 else np.pad(samples, (late, 0))
    return Waveform(samples, sample_rate), notes


def _resample(
    frames: Iterator[av.AudioFrame], name: str, sample_rate: int, max_seconds: float
) -> tuple[NDArray[np.float32], float]:
    """Mono samples, gaps filled with silence, and the time of the first one in the file."""
    resampler = av.AudioResampler(format="flt", rate=sample_rate)
    layout = None
    data = bytearray()
    start_s: float | None = None
    arrived_s = 0.0
    for frame in frames:
        if start_s is None:
            start_s = frame.time or 0.0
        if layout not in (None, (frame.format.name, frame.layout.name, frame.sample_rate)):
            data += _mono_bytes(resampler.resample(None))
            resampler = av.AudioResampler(format="flt", rate=sample_rate)
        layout = (frame.format.name, frame.layout.name, frame.sample_rate)
        gap_s = 0.0 if frame.time is None else frame.time - start_s - arrived_s
        if not GAP_S[0] <= gap_s <= GAP_S[1]:
            gap_s = 0.0
        arrived_s += gap_s + frame.samples / frame.sample_rate
        if arrived_s > max_seconds:
            raise MediaTooLarge(f"the sound of {name} is longer than {max_seconds:.0f} s; cut it")
        data += bytes(4 * round(gap_s * sample_rate))
        frame.pts = None
        data += _mono_bytes(resampler.resample(frame))
    if start_s is None:
        raise NoAudioStream(f"{name} has a sound stream, but nothing in it can be decoded")
    data += _mono_bytes(resampler.resample(None))
    return np.frombuffer(data, np.float32), start_s


def _mono_bytes(resampled: list[av.AudioFrame]) -> bytes:
    # The plain mean: libav's own downmix of two equal channels would be louder than either.
    return b"".join(
        frame.to_ndarray().reshape(-1, frame.layout.nb_channels).mean(axis=1).tobytes() for frame in resampled
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
