"""Encoding a movie frame by frame at the clip's own times, with its sound beside."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import cv2
import numpy as np
from av.codec.codec import UnknownCodecError
from av.container import Flags
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from refervid.core.errors import MissingExtra
from refervid.media.clip import Clip
from refervid.media.sound_track import SoundTrack
from refervid.media.timing import frame_step, shown_edges

_BT709 = 1
"""ITU-T H.273, tables 2 to 4. Without this tag players guess the colours from the picture's size."""


@dataclass(frozen=True)
class VideoCodec:
    """An encoder with its settings; `arrays` is the layout of what it is given."""

    encoder: str
    arrays: str
    pixels: str
    time_base: Fraction
    options: dict[str, str]


H264 = VideoCodec(
    "libx264",
    "rgb24",
    "yuv420p",
    Fraction(1, 90_000),
    # MP4 derives lengths from the decoding order. Frames out of order (B-frames) would give a clip
    # of varying rate a wrong duration, and players would leave out its end.
    {"preset": "veryfast", "crf": "20", "bf": "0"},
)
"""Plays everywhere."""

VP9_ALPHA = VideoCodec(
    "libvpx-vp9",
    "rgba",
    "yuva420p",
    Fraction(1, 1000),  # WebM counts in milliseconds
    # Frames that are not shown (alternative references) have no place for their transparency.
    {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1", "auto-alt-ref": "0"},
)
"""WebM with transparency."""

PRORES_ALPHA = VideoCodec(
    "prores_ks", "rgba", "yuva444p10le", Fraction(1, 90_000), {"profile": "4444", "alpha_bits": "16"}
)
"""Apple ProRes 4444 with transparency, which editors and compositors take."""


class MovieWriter:
    """A movie with the clip's shape and times, written to `path`, whose suffix chooses the container.

    It does not wait over jumps of the times (`shown_edges`).

    Use as a context manager and call `write` with the frames in order. An odd width or height grows by
    a copy of its last column or row, as the encoders want even ones. With `sound`, the clip's sound (if
    it has any) goes along as AAC. Raises `MissingExtra` where PyAV lacks an encoder.
    """

    def __init__(self, path: Path, clip: Clip, codec: VideoCodec, *, sound: bool = False) -> None:
        self._path, self._clip, self._codec = path, clip, codec
        self._edges_s = shown_edges(clip.times_s)
        stamps = np.rint(self._edges_s / float(codec.time_base)).astype(np.int64)
        # Frames closer than the time base can tell still come one after the other.
        order = np.arange(len(stamps))
        self._stamps = np.maximum.accumulate(stamps - order) + order
        self._track = SoundTrack.of(clip.sound if sound else None, float(self._edges_s[-1]))

    def __enter__(self) -> MovieWriter:
        options = {"movflags": "+faststart"} if self._path.suffix == ".mp4" else {}
        with ExitStack() as stack:
            self._container = stack.enter_context(av.open(str(self._path), "w", options=options))
            self._container.flags |= Flags.bitexact.value  # WebM would get a random number
            try:
                self._video = self._add_video()
                self._sound = _SoundEncoder(self._container, self._track) if self._track else None
            except UnknownCodecError as error:
                raise MissingExtra(
                    f"PyAV was built without the encoder {error}: get a build that has it by "
                    "pip install --force-reinstall --only-binary av av"
                ) from error
            self._opened = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._opened:
            if kind is None:
                self._container.mux(self._video.encode(None))
                if self._sound is not None:
                    self._sound.finish()

    def write(self, index: int, picture: NDArray[np.uint8]) -> None:
        """Frame `index` of the clip as (H, W, 3) RGB or (H, W, 4) RGBA, whichever the codec takes."""
        height, width = picture.shape[:2]
        if height % 2 or width % 2:
            picture = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        frame = av.VideoFrame.from_ndarray(picture, format=self._codec.arrays).reformat(
            format=self._codec.pixels, dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        frame.pts, frame.time_base = int(self._stamps[index]), self._codec.time_base
        frame.duration = int(self._stamps[index + 1]) - frame.pts
        self._container.mux(self._video.encode(frame))
        if self._sound is not None:
            # Sound keeps pace with the picture, so that the container never has to hold back either.
            self._sound.encode_until(float(self._edges_s[index]))

    def _add_video(self) -> Any:
        clip = self._clip
        rate = Fraction(1 / frame_step(clip.times_s)).limit_denominator(1001)
        stream: Any = self._container.add_stream(self._codec.encoder, rate=rate, options=self._codec.options)
        stream.width, stream.height = clip.width + clip.width % 2, clip.height + clip.height % 2
        stream.pix_fmt = self._codec.pixels
        context = stream.codec_context
        context.time_base = self._codec.time_base
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = ColorRange.MPEG
        return stream


class _SoundEncoder:
    def __init__(self, container: Any, track: SoundTrack) -> None:
        self._container = container
        self._track = track
        self._blocks = track.blocks()
        self._stream: Any = container.add_stream("aac", rate=track.rate, layout=track.layout)
        self._written_s = 0.0

    def encode_until(self, time_s: float) -> None:
        while self._written_s <= time_s and self._encode_next():
            pass

    def finish(self) -> None:
        while self._encode_next():
            pass
        self._container.mux(self._stream.encode(None))

    def _encode_next(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        position, samples = block
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), format="fltp", layout=self._track.layout
        )
        frame.sample_rate = self._track.rate
        frame.pts, frame.time_base = position, Fraction(1, self._track.rate)
        self._container.mux(self._stream.encode(frame))
        self._written_s = (position + samples.shape[1]) / self._track.rate
        return True
