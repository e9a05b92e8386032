"""Frames of a camera, a network stream or a pipe, as they arrive."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from threading import Condition, Thread
from typing import Any, BinaryIO, Literal, Self
from urllib.parse import urlsplit

import av
from av.container import InputContainer
from av.error import FFmpegError

from refervid.core.errors import (
    EmptyClip,
    MediaNotFound,
    NoVideoStream,
    SettingsError,
    UnreadableMedia,
)
from refervid.core.types import Frame
from refervid.media.container import FORMATS, THREADS, decode_packets, reason, video_stream
from refervid.media.limits import DEFAULT_MAX_PIXELS, check_size, frame_limit
from refervid.media.picture_format import DisplayFormat
from refervid.media.timing import ends_early

Late = Literal["drop", "wait"]
"""What becomes of frames that arrive while another one is worked on: left out, or the source has to wait."""

PIPE = "-"
_STREAM_FORMATS = f"{FORMATS},mpjpeg,mjpeg,jpeg_pipe,rtsp,h264,hevc"
_UNTIMED = {"mpjpeg", "mjpeg", "jpeg_pipe", "h264", "hevc"}
"""Formats that carry no times: a frame's time is that of its arrival."""
_PROTOCOLS = {
    "rtsp": "rtsp,rtp,udp,tcp",
    "rtsps": "rtsps,rtsp,rtp,udp,tcp,tls,crypto",
    "http": "http,tcp",
    "https": "https,http,tls,tcp,crypto",
}
_SYSTEM = {"linux": ("/dev/video{}", "v4l2"), "darwin": ("{}", "avfoundation")}
_TIMEOUT_US = "10000000"
_PATIENCE_S = 10.0
_PIPE_PATIENCE_S = 1.0
_ANEW = "the source's clock began anew: its times go on from there"


@dataclass(frozen=True)
class LivePicture:
    """A frame (H, W, 3) uint8 RGB, `time_s` after the first one by the source's own clock.

    `arrived_s` is when it was decoded, by this machine's monotonic clock; `dropped` frames were left out
    before it, as they came while another one was worked on.
    """

    frame: Frame
    time_s: float
    arrived_s: float
    dropped: int


class LiveSource:
    """A context in which frames are read by a thread of their own, and handed out by iteration.

    `source` is the address of an rtsp, http or https stream, the number of a camera, or "-" for a video that
    comes by `pipe` (standard input). `late` says what becomes of frames that nobody has asked for yet.
    `notes` in plain words. Raises `UnreadableMedia`, `MediaNotFound` for a camera that is not there,
    `NoVideoStream`, `SettingsError`.
    """

    def __init__(
        self,
        source: str,
        *,
        late: Late,
        pipe: BinaryIO | None = None,
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> None:
        self.name = without_password(source)
        self.notes: list[str] = []
        self._late = late
        self._max_pixels = max_pixels
        self._container = _open(source, self.name, pipe, frame_limit(max_pixels))
        self._stream = video_stream(self._container)
        if self._stream is None:
            self._container.close()
            raise NoVideoStream(f"{self.name} holds no moving pictures")
        self._stream.codec_context.thread_count = THREADS
        self._timed = self._container.format.name not in _UNTIMED
        if not self._timed:
            self.notes.append("the source carries no times: those of arrival are taken")
        self._slot: LivePicture | None = None
        self._change = Condition()
        self._ended = self._closed = False
        self._error: Exception | None = None
        self._patience_s = _PIPE_PATIENCE_S if source == PIPE else _PATIENCE_S
        self._thread = Thread(target=self._read, name="refervid-live", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._closed = True
            self._change.notify_all()
        self._thread.join(self._patience_s)  # a reader gives up a dead source by itself, but not a pipe

    def __iter__(self) -> Iterator[LivePicture]:
        """Until the source ends. Raises `EmptyClip`; `MediaTooLarge` for a frame that is; `UnreadableMedia`
        after the last picture for a source that broke off, or ended before the length that it states; what a
        pipe raises.

        A camera that sends single JPEGs has no other end than breaking off."""
        began = False
        while True:
            with self._change:
                self._change.wait_for(lambda: self._slot is not None or self._ended)
                picture, self._slot = self._slot, None
                self._change.notify_all()
            if picture is not None:
                began = True
                yield picture
            elif isinstance(self._error, FFmpegError | ValueError | OSError):
                why = f"broke off ({reason(self._error)})"
                raise UnreadableMedia(
                    f"the source {self.name} {why}: check that it is still there, and start again"
                ) from self._error
            elif self._error is not None:
                raise self._error
            elif not began:
                raise EmptyClip(f"{self.name} ended before a frame could be decoded")
            else:
                return

    def _read(self) -> None:
        try:
            for picture in self._pictures():
                if not self._offer(picture):
                    break
        except Exception as error:  # told where pictures are asked for: in this thread nobody sees it
            self._error = error
        finally:
            with suppress(FFmpegError):
                self._container.close()
            with self._change:
                self._ended = True
                self._change.notify_all()

    def _offer(self, picture: LivePicture) -> bool:
        """False once nobody wants frames any more."""
        with self._change:
            if self._late == "wait":
                self._change.wait_for(lambda: self._slot is None or self._closed)
            dropped = 0 if self._slot is None else self._slot.dropped + 1
            self._slot = replace(picture, dropped=dropped)
            self._change.notify_all()
            return not self._closed

    def _packets(self) -> Iterator[av.Packet]:
        """Where reading breaks off, what has come is decoded to its end: the error waits for that."""
        reached_s = 0.0
        try:
            for packet in self._container.demux():  # of all streams: a container may state their length alone
                stamp = packet.pts if packet.pts is not None else packet.dts
                if stamp is not None:
                    reached_s = max(reached_s, float((stamp + (packet.duration or 0)) * packet.time_base))
                if packet.stream_index == self._stream.index:
                    yield packet
        except IndexError:  # PyAV at the end, if streams turned up on the way
            pass
        except (FFmpegError, ValueError, OSError) as error:
            self._error = error
            return
        if self._timed:
            self._check_length(reached_s)

    def _check_length(self, reached_s: float) -> None:
        """A file in a pipe states its length, and that it is cut short shows by this alone."""
        stream, promised_s = self._stream, None
        if stream.duration is not None:
            promised_s = float(stream.duration * stream.time_base)
        elif self._container.duration is not None:
            promised_s = self._container.duration / av.time_base
        step_s = float(1 / (stream.average_rate or stream.guessed_rate or 25))
        if ends_early(promised_s, reached_s, step_s):
            self._error = OSError(f"after {reached_s:.1f} s of {promised_s:.1f} s")

    def _pictures(self) -> Iterator[LivePicture]:
        shown: DisplayFormat | None = None
        times = _Times(self._stream.time_base if self._timed else None)
        last = -1.0
        for frame in decode_packets(self._packets(), self._stream):
            check_size(self.name, frame.width, frame.height, 1, self._max_pixels)
            if shown is None:
                shown = DisplayFormat.of(frame, self._stream.sample_aspect_ratio)
                self.notes += shown.notes
            arrived = time.monotonic()
            time_s = times.of(frame, arrived)
            if times.began_anew:
                self._note(_ANEW)
            if (frame.width, frame.height) != shown.stored_size:
                width, height = shown.display_size
                self._note(f"the picture size changes: all frames are scaled to {width}x{height}")
            if time_s == last:  # the same picture once more
                continue
            last = time_s
            yield LivePicture(shown.convert(frame), time_s, arrived, 0)

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


class _Times:
    """Seconds after the first frame, never decreasing, by the frames' own times in units of `unit_s`, or by
    their arrival.

    Of the first frames of a network camera FFmpeg may not know the time: they have that of arrival too.
    A clock that goes back has begun anew, as after a camera's restart: its times go on from there.
    """

    def __init__(self, unit_s: Fraction | None) -> None:
        self.began_anew = False
        self._unit_s = unit_s
        self._first: float | None = None
        self._shift: float | None = None
        self._last = self._step = 0.0

    def of(self, frame: av.VideoFrame, arrived_s: float) -> float:
        self._first = arrived_s if self._first is None else self._first
        time_s = elapsed = arrived_s - self._first
        if self._unit_s is not None and frame.pts is not None:
            stamp = float(frame.pts * self._unit_s)  # what a decoder still held has no unit of its own
            self._shift = elapsed - stamp if self._shift is None else self._shift
            time_s = stamp + self._shift
            if time_s < self._last:
                self.began_anew = True
                time_s = self._last + self._step
                self._shift = time_s - stamp
        self._step = time_s - self._last or self._step
        self._last = time_s
        return time_s


class _Pipe:
    """Standard input as it comes, for libav, which otherwise waits until its whole buffer is full."""

    def __init__(self) -> None:
        # Read past Python's own buffer, whose lock is waited for when the program ends.
        self._number = sys.stdin.fileno()

    def read(self, size: int) -> bytes:
        return os.read(self._number, size)


def _open(source: str, name: str, pipe: BinaryIO | None, limit: int) -> InputContainer:
    options = {"format_whitelist": _STREAM_FORMATS, "max_pixels": str(limit)}
    file: Any = source
    kind: str | None = None
    scheme = urlsplit(source).scheme.lower() if "://" in source else ""
    if source == PIPE:
        file = pipe or (sys.stdin.buffer if sys.stdin.buffer.seekable() else _Pipe())
    elif source.isdecimal() and sys.platform in _SYSTEM:
        (file, kind), options = _camera(int(source)), {}
        name = f"camera {name}"
    elif scheme in _PROTOCOLS:
        options |= {"protocol_whitelist": _PROTOCOLS[scheme], "rw_timeout": _TIMEOUT_US}
        if scheme.startswith("rtsp"):
            options |= {"rtsp_transport": "tcp", "timeout": _TIMEOUT_US}
    else:
        raise SettingsError(
            f"{name} is no live source: give an address (rtsp://, http://, https://), a camera's number (on "
            "Linux and macOS), or - for a pipe; a file is for `refervid segment` or `refervid track`"
        )
    try:
        return _opened(file, kind, options)
    except (FFmpegError, OSError, ValueError) as error:
        raise UnreadableMedia(
            f"{name} cannot be read ({reason(error)}): check that it is there, and that it is a video"
        ) from error


def _opened(file: Any, kind: str | None, options: dict[str, str]) -> InputContainer:
    """Opened by a thread of its own: libav hears nothing of Ctrl-C, and who waits for it does."""
    found = Future[InputContainer]()

    def work() -> None:
        try:
            found.set_result(av.open(file, format=kind, options=options))
        except Exception as error:
            found.set_exception(error)

    Thread(target=work, name="refervid-live-opening", daemon=True).start()
    return found.result()


def _camera(number: int) -> tuple[str, str]:
    """The device, and how it is read. Raises `MediaNotFound`."""
    device, kind = _SYSTEM[sys.platform]
    file = device.format(number)
    if file.startswith("/") and not Path(file).exists():
        there = sorted(int(path.name[5:]) for path in Path("/dev").glob("video[0-9]*"))
        those = f"its cameras are {', '.join(map(str, there))}" if there else "it has none"
        raise MediaNotFound(f"this machine has no camera {number}: {those}")
    return file, kind


def without_password(source: str) -> str:
    """An address to show: user names and passwords in it are nobody's business."""
    return re.sub(r"^([^/]*://)[^/]*@", r"\1...@", source)
