"""The one place where media files from outside are opened and decoded."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition

from refervid.core.errors import MediaNotFound, MediaTooLarge, NoAudioStream, NoVideoStream, UnreadableMedia
from refervid.media.limits import frame_limit

THREADS = 1
"""Of a decoder. Several make other pictures of a damaged file at every run. And where the caller listens to
libav's log, they wait for the interpreter's lock to report something, while PyAV holds it and waits for them.
"""
MOST_STREAMS = 100
"""Of a file: on opening each has a decoder of its own, with a frame as large as the file claims."""
_PICTURE_CODECS = ("mjpeg", "png", "bmp", "gif", "webp", "tiff")
"""Of covers, though some videos have them too."""

log = logging.getLogger(__name__)

# Formats that hold their own data. Play lists (ffconcat, hls, dash, sdp, image patterns) are left out:
# such a "video" would read the files, or dial the hosts, that it names.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,mxf,ivf,gif,"
    "wav,w64,mp3,aac,flac,aiff,au,caf,amr,ac3,eac3,wv"
)


def existing_file(path: str | Path) -> Path:
    """The path made absolute, which also keeps it from being read as a URL. Raises `MediaNotFound`."""
    file = Path(path).absolute()
    if not file.is_file():
        what = "is a folder, pipe or device, not a file" if file.exists() else "does not exist"
        raise MediaNotFound(f"{path} {what}: check the path")
    return file


@contextmanager
def open_video(path: Path, max_pixels: int) -> Iterator[tuple[InputContainer, Any]]:
    """A container and its stream of moving pictures.

    The decoder refuses frames that are too large for `max_pixels` even where the header hides them.
    Raises as `open_container`, and `NoVideoStream`.
    """
    codec_options = {"max_pixels": str(frame_limit(max_pixels))}
    with open_container(path, codec_options) as container:
        stream = video_stream(container)
        if stream is not None:
            stream.codec_context.options = codec_options
            stream.codec_context.thread_count = THREADS
            yield container, stream
            return
    raise NoVideoStream(f"{path} holds no moving pictures; sound goes beside a video, as `audio` (--audio)")


def video_stream(container: InputContainer) -> Any:
    """The first stream of moving pictures that can be decoded, or None; a cover is none.

    A cover that is not marked as one is told by its codec, where another stream has a video's.
    """
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic and stream.codec_context is not None
    ]
    return min(streams, key=lambda stream: stream.codec_context.name in _PICTURE_CODECS, default=None)


@contextmanager
def open_sound(path: Path) -> Iterator[tuple[InputContainer, Any]]:
    """A container and its first sound stream that is not silent throughout, else its first.

    Raises as `open_container`, and `NoAudioStream`.
    """
    number = _first_heard(path)
    with open_container(path) as container:
        for stream in _sound_streams(container)[number : number + 1]:
            yield container, stream
            return
    raise NoAudioStream(f"{path} has no sound; pass a sound file as `audio` (--audio)")


def _first_heard(path: Path) -> int:
    """Which of the sound streams that can be decoded is the first one with any sound; 0 if none is."""
    with open_container(path) as container:
        streams = _sound_streams(container)
        numbers = {stream.index: number for number, stream in enumerate(streams)}
        first = len(streams)
        for packet in read_packets(container, *streams) if len(streams) > 1 else ():
            number = numbers[packet.stream.index]
            # What does not vary is silent, also where the samples are numbers around 128.
            if number < first and any(np.ptp(frame.to_ndarray()) for frame in _decode(packet)):
                first = number
            if first == 0:
                break
    return first % len(streams) if streams else 0


def _sound_streams(container: InputContainer) -> list[Any]:
    streams: list[Any] = [one for one in container.streams.audio if one.codec_context is not None]
    for stream in streams:
        stream.codec_context.thread_count = THREADS
    return streams


def open_container(path: Path, codec_options: dict[str, str] | None = None) -> InputContainer:
    """Open a local media file. Raises `MediaNotFound`, `UnreadableMedia`, `MediaTooLarge`."""
    file = existing_file(path)
    options = {
        "format_whitelist": FORMATS,
        "protocol_whitelist": "file",
        "max_streams": str(MOST_STREAMS + 1),
        **(codec_options or {}),
    }
    try:
        container: InputContainer = av.open(str(file), options=options)
    except PermissionError as error:
        raise MediaNotFound(f"{path} cannot be read: permission denied; check its access rights") from error
    except av.error.MemoryError as error:  # as some formats have it where there are more streams
        raise _too_many(path) from error
    except (FFmpegError, OSError, ValueError) as error:
        raise _unreadable(path, reason(error)) from error
    if len(container.streams) > MOST_STREAMS:
        container.close()
        raise _too_many(path)
    if not container.streams.video and not container.streams.audio:
        container.close()
        raise _unreadable(path, "it lists neither pictures nor sound")
    return container


def _too_many(path: Path) -> MediaTooLarge:
    return MediaTooLarge(f"{path} has more than {MOST_STREAMS} tracks: leave those out that are not needed")


def _unreadable(path: Path, reason: str) -> UnreadableMedia:
    return UnreadableMedia(
        f"{path} is no video or sound that can be decoded ({reason}); "
        "it may be damaged, cut short, or of an unsupported format (of pictures, .jpg and .png are read)"
    )


def read_packets(container: InputContainer, *streams: Any) -> Iterator[av.Packet]:
    """Packets of the streams named, else of all; reading ends where the file is too damaged to go on."""
    try:
        yield from container.demux(*streams)
    except (FFmpegError, IndexError) as error:  # IndexError: PyAV at the end, if streams turned up on the way
        log.warning("reading of %s ended early: %s", container.name, reason(error))


def seek_key_frame(container: InputContainer, stream: Any, stamp: int) -> bool:
    """Go to the last key frame at or before `stamp`; False where the file does not allow it."""
    try:
        container.seek(stamp, stream=stream)
    except FFmpegError as error:
        log.debug("cannot seek in %s: %s", container.name, reason(error))
        return False
    return True


def decode_frames(container: InputContainer, stream: Any) -> Iterator[Any]:
    """Decoded frames of one stream from the current position, as `decode_packets` gives them."""
    return decode_packets(read_packets(container, stream), stream)


def decode_packets(packets: Iterable[av.Packet], stream: Any) -> Iterator[Any]:
    """Frames of a stream's packets; those that cannot be decoded are skipped."""
    for packet in packets:
        yield from _decode(packet)
    try:
        yield from stream.decode(None)  # what the decoder still holds when reading ended early
    except FFmpegError:
        return


def _decode(packet: av.Packet) -> list[Any]:
    try:
        return list(packet.decode())
    except FFmpegError as error:
        log.debug("skipped a damaged packet: %s", reason(error))
        return []


def reason(error: Exception) -> str:
    """Why, without the address: that is in the text of PyAV's errors, and may hold a password."""
    return getattr(error, "strerror", None) or str(error)
