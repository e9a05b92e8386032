"""Which frames a video file really has, and when each is shown."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import EmptyClip
from refervid.media.container import decode_frames, open_video, read_packets, seek_key_frame
from refervid.media.limits import check_size
from refervid.media.timing import JUMP_S, ends_early

Stamps = NDArray[np.int64]
Times = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """The decodable frames of a video stream in the order of display.

    `stamps` (T,) int64 are presentation stamps in units of the stream's time base; `keys` (K,) int64 are
    the positions from which decoding can start, first 0; `times_s` (T,) float64 strictly increasing
    seconds, first 0; `start_s` is the first frame's time in the file. `by_stamp` is False when the
    stamps are missing, repeated or disordered, so that a frame is only known by its place in the stream.
    `promised_s` is the length that the file's header states if the file ends before that, else None.
    """

    stamps: Stamps
    keys: Stamps
    times_s: Times
    start_s: float
    by_stamp: bool
    promised_s: float | None
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.times_s)

    def place_of(self, stamp: int | None) -> int | None:
        """Position of the frame with this stamp, None if there is none."""
        place = int(np.searchsorted(self.stamps, stamp)) if stamp is not None else len(self)
        return place if place < len(self) and self.stamps[place] == stamp else None

    def key_before(self, place: int) -> int:
        """The last position at or before `place` from which decoding can start."""
        return int(self.keys[np.searchsorted(self.keys, place, side="right") - 1])

    def is_key(self, place: int) -> bool:
        return self.key_before(place) == place


@dataclass
class _Scan:
    """What one pass over the video stream gave: stamps, those of key frames, and frames without stamp.

    Hours have hundreds of thousands of them, at 8 bytes each.
    """

    stamps: array[int] = field(default_factory=lambda: array("q"))
    keys: array[int] = field(default_factory=lambda: array("q"))
    unstamped: int = 0
    end: int = 0

    def add(self, stamp: int | None, duration: int | None, *, key: bool, shown: bool = True) -> None:
        if stamp is None:
            self.unstamped += 1
            return
        if key:
            self.keys.append(stamp)
        if shown:
            self.stamps.append(stamp)
            self.end = max(self.end, stamp + (duration or 0))

    def __len__(self) -> int:
        return len(self.stamps) + self.unstamped


def frame_stamp(frame: Any) -> int | None:
    """Presentation stamp, or where a format has none (AVI) the decoding stamp in order of output."""
    stamp: int | None = frame.pts if frame.pts is not None else frame.dts
    return stamp


def build_index(path: Path, max_pixels: int) -> FrameIndex:
    """List the frames from the packets, which is quick, and trust the list only if it holds for the end.

    The last group of pictures is decoded for that. Where it gives other frames than its packets promise
    (cut or damaged end, hidden or packed frames, missing stamps) the whole file is decoded once.
    Raises `NoVideoStream`, `EmptyClip`, `MediaTooLarge`.
    """
    scan, other_end_s = _scan_packets(path, max_pixels)
    if not _is_plain(scan) or not _end_decodes(path, scan, max_pixels):
        scan = _scan_frames(path, max_pixels)
    if not len(scan):
        raise EmptyClip(f"{path} has a video stream, but not one of its frames can be decoded")
    return _index(path, scan, other_end_s, max_pixels)


def _scan_packets(path: Path, max_pixels: int) -> tuple[_Scan, float]:
    """Stamps in the order of display, and the end in seconds of whatever the file holds besides."""
    scan = _Scan()
    other_end_s = 0.0
    with open_video(path, max_pixels) as (container, stream):
        size = stream.codec_context.width, stream.codec_context.height
        for packet in read_packets(container):
            if packet.stream_index != stream.index:
                if packet.pts is not None:
                    end_s = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                    other_end_s = max(other_end_s, end_s)
            elif packet.size:
                scan.add(packet.pts, packet.duration, key=packet.is_keyframe, shown=not packet.is_discard)
                check_size(path, *size, len(scan), max_pixels)
    scan.stamps, scan.keys = _ordered(scan.stamps), _ordered(scan.keys)
    if scan.keys:
        # Frames before the first key frame lean on pictures that were cut away.
        scan.stamps = scan.stamps[np.searchsorted(scan.stamps, scan.keys[0]) :]
    return scan, other_end_s


def _ordered(stamps: array[int]) -> array[int]:
    return array("q", np.sort(np.asarray(stamps, np.int64)).tobytes())


def _is_plain(scan: _Scan) -> bool:
    """One distinct stamp per packet, and a place to start."""
    distinct = bool(np.diff(scan.stamps).all())  # they are in order
    return distinct and bool(scan.stamps) and bool(scan.keys) and not scan.unstamped


def _end_decodes(path: Path, scan: _Scan, max_pixels: int) -> bool:
    last_key = scan.keys[-1]
    with open_video(path, max_pixels) as (container, stream):
        if not seek_key_frame(container, stream, last_key):
            return False
        decoded = [frame_stamp(frame) for frame in decode_frames(container, stream)]
    decoded_end = [stamp for stamp in decoded if stamp is None or stamp >= last_key]
    return decoded_end == [stamp for stamp in scan.stamps if stamp >= last_key]


def _scan_frames(path: Path, max_pixels: int) -> _Scan:
    scan = _Scan()
    with open_video(path, max_pixels) as (container, stream):
        for frame in decode_frames(container, stream):
            scan.add(frame_stamp(frame), frame.duration, key=bool(frame.key_frame))
    return scan


def _index(path: Path, scan: _Scan, other_end_s: float, max_pixels: int) -> FrameIndex:
    with open_video(path, max_pixels) as (container, stream):
        unit_s = float(stream.time_base)
        step_s = float(1 / (stream.average_rate or stream.guessed_rate or Fraction(25)))
        stream_s = None if stream.duration is None else stream.duration * unit_s
        file_s = None if container.duration is None else container.duration / av.time_base
    stamps = np.asarray(scan.stamps, np.int64)
    start_s = float(stamps[0] * unit_s) if len(stamps) else 0.0
    by_stamp = not scan.unstamped and bool((np.diff(stamps) > 0).all())
    if by_stamp:
        times_s: Times = (stamps - stamps[0]) * unit_s
        keys = np.searchsorted(stamps, [key for key in scan.keys if key >= stamps[0]]).astype(np.int64)
        notes = []
    else:
        times_s, note = _mended_times(stamps, scan.unstamped, unit_s, step_s)
        keys = np.zeros(0, np.int64)
        notes = [note]
    jump_s = float(np.diff(times_s).max(initial=0.0))
    if jump_s > JUMP_S:
        notes.append(f"the frames' times jump by {jump_s:.0f} s: sound and overlay go on without that pause")
    decoded_s = max(float(times_s[-1]) + step_s, scan.end * unit_s - start_s)
    # A stream that states its own length does so without the time before its first frame; a file that
    # states one for all its streams counts from its own zero.
    promised_s = stream_s if stream_s is not None else file_s
    reached_s = decoded_s if stream_s is not None else max(start_s + decoded_s, other_end_s)
    if ends_early(promised_s, reached_s, step_s):
        notes.append(f"decoded {decoded_s:.1f} s of {promised_s:.1f} s: the file ends early")
    else:
        promised_s = None
    return FrameIndex(
        stamps=stamps,
        keys=np.union1d(np.zeros(1, np.int64), keys),
        times_s=times_s,
        start_s=start_s,
        by_stamp=by_stamp,
        promised_s=promised_s,
        notes=tuple(notes),
    )


def _mended_times(stamps: Stamps, unstamped: int, unit_s: float, step_s: float) -> tuple[Times, str]:
    """Strictly increasing times although stamps repeat (spread up to the next one) or are unusable."""
    if unstamped or (np.diff(stamps) < 0).any():
        times_s = np.arange(len(stamps) + unstamped, dtype=np.float64) * step_s
        return times_s, f"frame times are missing or run backwards: {1 / step_s:.6g} fps assumed"
    first_of_run = np.flatnonzero(np.diff(stamps, prepend=stamps[0] - 1) > 0)
    anchors_s = (stamps[first_of_run] - stamps[0]) * unit_s
    places = np.append(first_of_run, len(stamps))
    times_s = np.interp(np.arange(len(stamps)), places, np.append(anchors_s, anchors_s[-1] + step_s))
    return times_s.astype(np.float64), "frames with the same time stamp were spread up to the next one"
