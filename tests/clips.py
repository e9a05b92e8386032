"""Small media files made for tests, whole and broken in the ways that files from outside are."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

Frames = NDArray[np.uint8]

BITS = 8
QUARTER_TURN = ((0, 1), (-1, 0))
"""Display matrix of a picture to be turned a quarter clockwise."""


def numbered_frames(count: int, height: int = 96, width: int = 128, first: int = 0) -> Frames:
    """(count, height, width, 3) grey; black or white bars in the upper half tell the frame's number."""
    frames = np.full((count, height, width, 3), 128, np.uint8)
    bar = width // BITS
    for index, frame in enumerate(frames, first):
        for bit in range(BITS):
            frame[: height // 2, bit * bar : (bit + 1) * bar] = 255 * (index >> bit & 1)
    return frames


def disc_and_square(count: int) -> Frames:
    """(count, 96, 144, 3): a red disc moves right by 3 pixels a frame over a textured ground; a blue square
    stands still."""
    random = np.random.default_rng(3)
    ground = cv2.resize(random.integers(90, 150, (24, 36, 1), np.uint8).repeat(3, axis=2), (144, 96))
    frames = np.repeat(ground[None], count, axis=0).copy()
    for index, frame in enumerate(frames):
        cv2.rectangle(frame, (100, 14), (128, 42), (30, 60, 220), -1)
        cv2.circle(frame, (28 + 3 * index, 68), 15, (220, 30, 30), -1)
    return frames


def frame_number(frame: NDArray[np.uint8]) -> int:
    """The number that a frame of `numbered_frames` shows, after any compression and scaling."""
    height, width = frame.shape[:2]
    bars = [frame[height // 4, round((bit + 0.5) * width / BITS), 1] for bit in range(BITS)]
    return sum(int(value > 128) << bit for bit, value in enumerate(bars))


def write_video(
    path: Path,
    frames: Sequence[NDArray[np.uint8]] | Frames,
    *,
    fps: int = 25,
    times_s: Sequence[float] | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    gop: int = 12,
    b_frames: int = 2,
    pixel_aspect: Fraction | None = None,
    sound: NDArray[np.float32] | None = None,
    sample_rate: int = 16_000,
    sound_codec: str = "aac",
    codec_options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Encode RGB frames, at `fps` or at the given times (rounded to ms); the suffix chooses the container.

    `sound` is (N,) mono or (channels, N) float32 that starts at 0 s.
    """
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=fps, options=codec_options or {})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.gop_size = gop
        stream.codec_context.max_b_frames = b_frames
        stream.codec_context.time_base = Fraction(1, fps) if times_s is None else Fraction(1, 1000)
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        sound_stream = None
        if sound is not None:
            layout = {1: "mono", 2: "stereo", 6: "5.1"}[np.atleast_2d(sound).shape[0]]
            sound_stream = container.add_stream(sound_codec, rate=sample_rate, layout=layout)
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts = index if times_s is None else round(times_s[index] * 1000)
            frame.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound_stream is not None and sound is not None:
            _write_sound(container, sound_stream, np.atleast_2d(sound), sample_rate)
    return path


def _write_sound(container: Any, stream: Any, sound: NDArray[np.float32], sample_rate: int) -> None:
    layout = stream.layout.name
    planes = np.ascontiguousarray(sound, np.float32)
    frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
    frame.sample_rate = sample_rate
    frame.pts = 0
    frame.time_base = Fraction(1, sample_rate)
    resampler = av.AudioResampler(stream.format, layout, sample_rate)
    fifo = av.AudioFifo()
    for converted in resampler.resample(frame):
        fifo.write(converted)
    size = stream.codec_context.frame_size or 1024
    while (block := fifo.read(size, partial=True)) is not None:
        container.mux(stream.encode(block))
    container.mux(stream.encode(None))


def tone(seconds: float, hertz: float = 440.0, sample_rate: int = 16_000) -> NDArray[np.float32]:
    """(N,) mono sine of half full scale."""
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    return (0.5 * np.sin(2 * np.pi * hertz * time_s)).astype(np.float32)


def write_wav(path: Path, samples: NDArray[np.generic], sample_rate: int = 16_000) -> Path:
    """`samples` (N,) or (N, channels) as they are: int16, float32 with NaN, anything a WAV can hold."""
    wavfile.write(path, sample_rate, samples)
    return path


def set_display_matrix(path: Path, turn: tuple[tuple[int, int], tuple[int, int]]) -> Path:
    """Rewrite the picture matrix in an MP4's track header, as a phone does for a video held upright.

    `turn` ((a, b), (c, d)) shows the stored pixel (x, y) at (a x + c y, b x + d y), shifted into view.
    """
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    (a, b), (c, d) = turn
    rows = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30]
    data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in rows)
    path.write_bytes(data)
    return path


def cut(path: Path, keep: float = 2 / 3) -> Path:
    """Keep the first part of the file's bytes."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def damage(path: Path, count: int = 120) -> Path:
    """Overwrite bytes of the first pictures in an MP4."""
    data = bytearray(path.read_bytes())
    at = data.index(b"mdat") + 60
    data[at : at + count] = bytes(range(count))
    path.write_bytes(data)
    return path


def write_play_list(path: Path, target: Path | str) -> Path:
    """A text file that libav, when not told otherwise, plays as the file it names."""
    path.write_text(f"ffconcat version 1.0\nfile '{target}'\n")
    return path


def write_pictures(folder: Path, frames: Sequence[NDArray[np.uint8]] | Frames, suffix: str = ".png") -> Path:
    """Numbered pictures 0, 1, ..., 10, ... without leading zeros."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{index}{suffix}"), frame[:, :, ::-1])
    return folder


def repeat_video(path: Path, longer: Path, times: int) -> Path:
    """The same pictures `times` times over, without encoding them again."""
    with av.open(str(longer), "w") as target:
        shift = 0
        for _ in range(times):
            with av.open(str(path)) as source:
                stream = source.streams.video[0]
                if not target.streams.video:
                    target.add_stream_from_template(stream)
                length = stream.duration
                for packet in source.demux(stream):
                    if packet.size:
                        packet.pts += shift
                        packet.dts += shift
                        packet.stream = target.streams.video[0]
                        target.mux(packet)
            shift += length
    return longer
