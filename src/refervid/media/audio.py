"""Sound as mono float32, decoded and resampled as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from refervid.errors import MediaTooLarge, NoAudioStream
from refervid.media.container import decode_frames, open_container
from refervid.types import Waveform

MAX_SECONDS = 4 * 3600.0
"""Longest sound that is read: at 16 kHz just below a gigabyte."""

GAP_S = 0.1
"""Shorter jumps of the sound's time stamps are rounding; longer ones are filled with silence."""


@dataclass(frozen=True)
class SoundSource:
    """The first sound stream of the file `path`; `clip_start_s` is the first video frame's time in it."""

    path: Path
    clip_start_s: float = 0.0

    def frames(self) -> Iterator[av.AudioFrame]:
        """The sound as it is in the file, for carrying it over: own rate, channels and time stamps.

        `frame.time - clip_start_s` is a frame's place on the clip's time axis in seconds.
        """
        with open_container(self.path) as container:
            yield from decode_frames(container, _audio_stream(container))


def has_sound(path: Path) -> bool:
    """Whether a media file holds a sound stream that can be decoded."""
    with open_container(path) as container:
        return any(stream.codec_context is not None for stream in container.streams.audio)


def read_waveform(
    path: str | Path, sample_rate: int = 16_000, *, max_seconds: float = MAX_SECONDS
) -> tuple[Waveform, list[str]]:
    """The first sound stream of a sound or video file, and notes in plain words on what was mended.

    All channels are mixed to one. `start_s` is the first sample's time in the file. NaN and infinite
    samples become silence, samples beyond full scale are clipped.
    Raises `MediaNotFound`, `UnreadableMedia`, `NoAudioStream`, `MediaTooLarge`.
    """
    with open_container(Path(path)) as container:
        samples, start_s = _resample(container, sample_rate, max_seconds)
    notes = _sanitise(samples)
    return Waveform(samples, sample_rate, start_s), notes


def _audio_stream(container: Any) -> Any:
    for stream in container.streams.audio:
        if stream.codec_context is not None:
            return stream
    raise NoAudioStream(f"{container.name} has no sound; pass a sound file with `--audio FILE`")


def _resample(container: Any, sample_rate: int, max_seconds: float) -> tuple[NDArray[np.float32], float]:
    stream = _audio_stream(container)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=sample_rate)
    data = bytearray()
    start_s: float | None = None
    arrived_s = 0.0
    for frame in decode_frames(container, stream):
        if start_s is None:
            start_s = frame.time or 0.0
        if frame.time is not None and frame.time - start_s > arrived_s + GAP_S:
            gap_s = frame.time - start_s - arrived_s
            _check_length(container.name, arrived_s + gap_s, max_seconds)
            data.extend(bytes(4 * round(gap_s * sample_rate)))
            arrived_s += gap_s
        arrived_s += frame.samples / frame.sample_rate
        _check_length(container.name, arrived_s, max_seconds)
        frame.pts = None
        for resampled in resampler.resample(frame):
            data.extend(resampled.to_ndarray().tobytes())
    if start_s is None:
        raise NoAudioStream(f"{container.name} has a sound stream, but nothing in it can be decoded")
    for resampled in resampler.resample(None):
        data.extend(resampled.to_ndarray().tobytes())
    return np.frombuffer(data, np.float32), start_s


def _check_length(name: str, seconds: float, max_seconds: float) -> None:
    if seconds > max_seconds:
        raise MediaTooLarge(f"the sound of {name} is longer than {max_seconds:.0f} s (`max_seconds`); cut it")


def _sanitise(samples: NDArray[np.float32]) -> list[str]:
    """Make the samples finite and -1..1 in place."""
    notes = []
    bad = ~np.isfinite(samples)
    if bad.any():
        samples[bad] = 0
        notes.append(f"{int(bad.sum())} sound samples were not finite and are silent now")
    over = int((np.abs(samples) > 1).sum())
    # Resampling overshoots full scale by a little on honest recordings; only plenty of it is worth a word.
    if over > 0.001 * len(samples):
        notes.append(f"{over / len(samples):.1%} of the sound is beyond full scale and was clipped")
    np.clip(samples, -1, 1, out=samples)
    return notes
