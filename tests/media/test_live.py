"""Frames of pipes and streams: in order, at the source's times, and every one that is left out is counted."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import cv2
import numpy as np
import pytest

from refervid.core.errors import MediaNotFound, MediaTooLarge, RefervidError, SettingsError, UnreadableMedia
from refervid.media.live import PIPE, LiveSource, without_password
from tests.clips import cut, frame_number, numbered_frames, tone, write_video
from tests.rtsp_server import rtsp_camera
from tests.web_server import web_server

TIMES_S = [0.0, 0.04, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.5]


@contextmanager
def serving(content_type: str, body: bytes, paths: list[str] | None = None) -> Iterator[str]:
    """A server on loopback that answers everything with the same."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if paths is not None:
                paths.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(body)

    with web_server(Answering) as address:
        yield address


def test_a_pipe_that_waits_gives_every_frame_at_the_source_times(tmp_path: Path) -> None:
    file = write_video(tmp_path / "clip.mkv", numbered_frames(12), times_s=TIMES_S)
    with file.open("rb") as pipe, LiveSource(PIPE, late="wait", pipe=pipe) as source:
        pictures = list(source)
    assert [frame_number(picture.frame) for picture in pictures] == list(range(12))
    assert [round(picture.time_s, 3) for picture in pictures] == TIMES_S
    assert not any(picture.dropped for picture in pictures)


def test_a_clock_that_begins_anew_loses_no_frame(tmp_path: Path) -> None:
    """Fault 9: as where a camera starts again, or one recording follows the other through a pipe."""
    first, second = (
        write_video(tmp_path / f"{start}.ts", numbered_frames(12, first=start), gop=4).read_bytes()
        for start in (0, 12)
    )
    with LiveSource(PIPE, late="wait", pipe=io.BytesIO(first + second)) as source:
        pictures = list(source)
    assert [frame_number(picture.frame) for picture in pictures] == list(range(24))
    assert np.diff([picture.time_s for picture in pictures]) == pytest.approx([0.04] * 23, abs=1e-4)
    assert [note for note in source.notes if "began anew" in note]


def test_pictures_of_another_size_are_scaled_and_that_is_told(tmp_path: Path) -> None:
    """Fault 10."""
    parts = [
        write_video(tmp_path / f"{side}.ts", numbered_frames(6, side, 2 * side), gop=4).read_bytes()
        for side in (96, 192)
    ]
    with LiveSource(PIPE, late="wait", pipe=io.BytesIO(b"".join(parts))) as source:
        pictures = list(source)
    assert {picture.frame.shape for picture in pictures} == {(96, 192, 3)}
    assert [frame_number(picture.frame) for picture in pictures] == [*range(6), *range(6)]
    assert [note for note in source.notes if "scaled to 192x96" in note]


READ_PIPE = """
import signal

signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell ignores for what runs behind it
from refervid.media.live import PIPE, LiveSource

try:
    print("opening", flush=True)
    with LiveSource(PIPE, late="wait") as source:
        for picture in source:
            print("frame", flush=True)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


@pytest.mark.parametrize("frames", [0, 12])
def test_ctrl_c_ends_the_wait_for_a_pipe_that_stays_open(tmp_path: Path, frames: int) -> None:
    """Before there is a picture, and in the midst of them."""
    video = write_video(tmp_path / "clip.ts", numbered_frames(50)).read_bytes()
    process = subprocess.Popen(
        [sys.executable, "-c", READ_PIPE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == b"opening\n"
    # More than a pipe holds: it is read before all is written.
    process.stdin.write(video if frames else bytes(100_000))
    process.stdin.flush()
    for _ in range(frames):
        assert process.stdout.readline() == b"frame\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    assert process.stdout.read().splitlines()[-1] == b"stopped"
    assert process.stderr.read() == b""
    process.stdin.close()


def test_what_comes_too_late_is_dropped_and_counted(tmp_path: Path) -> None:
    file = write_video(tmp_path / "clip.mkv", numbered_frames(12), times_s=TIMES_S)
    with file.open("rb") as pipe, LiveSource(PIPE, late="drop", pipe=pipe) as source:
        source._thread.join()  # all frames came while nobody asked
        [last] = source
    assert (frame_number(last.frame), last.dropped, round(last.time_s, 3)) == (11, 11, 1.5)


def test_a_camera_that_sends_single_jpegs() -> None:
    body = b""
    for frame in numbered_frames(5):
        jpeg = cv2.imencode(".jpg", frame[:, :, ::-1])[1].tobytes()
        body += (
            b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg) + jpeg + b"\r\n"
        )
    with (
        serving("multipart/x-mixed-replace; boundary=next", body) as address,
        LiveSource(address, late="wait") as source,
    ):
        pictures = []
        with pytest.raises(UnreadableMedia, match="broke off"):  # such a stream has no end of its own
            pictures.extend(source)
        assert "arrival" in source.notes[0]
    assert [frame_number(picture.frame) for picture in pictures] == list(range(5))
    assert (np.diff([picture.time_s for picture in pictures]) > 0).all()


def test_a_network_camera_gives_every_frame_at_its_own_pace() -> None:
    with (
        rtsp_camera(numbered_frames(12), TIMES_S) as address,
        LiveSource(address, late="wait") as source,
    ):
        pictures = list(source)
    assert [frame_number(picture.frame) for picture in pictures] == list(range(12))
    # FFmpeg does not know the time of the first frame, and takes the second one's for the start.
    steps = np.diff([picture.time_s for picture in pictures])
    assert steps[1:] == pytest.approx(np.diff(TIMES_S)[1:], abs=1e-4)
    assert steps[0] > 0


def test_a_connection_that_breaks_off_is_told_after_what_came(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    frames = 100
    sent = write_video(tmp_path / "clip.mkv", numbered_frames(frames)).read_bytes()

    class Breaking(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(2 * len(sent)))
            self.end_headers()
            self.wfile.write(sent)

    with (
        web_server(Breaking) as address,
        LiveSource(address.replace("//", "//me:secret@"), late="wait") as source,
    ):
        pictures = []
        with pytest.raises(UnreadableMedia, match="broke off") as told:
            pictures.extend(source)
    # With those that the decoder still held.
    assert [frame_number(picture.frame) for picture in pictures] == list(range(frames))
    assert "secret" not in str(told.value) + caplog.text


@pytest.mark.parametrize("name", ["clip.mkv", "clip.mp4"])
def test_a_file_that_is_cut_short_is_told_after_what_came(tmp_path: Path, name: str) -> None:
    """By the length that its header states: of the container in Matroska, of the stream in MP4."""
    options = {"movflags": "faststart"} if name.endswith("mp4") else {}
    file = tmp_path / name
    write_video(file, numbered_frames(100), b_frames=0, sound=tone(6), container_options=options)
    with file.open("rb") as pipe, LiveSource(PIPE, late="wait", pipe=pipe) as source:
        assert len(list(source)) == 100
    with cut(file, 0.5).open("rb") as pipe, LiveSource(PIPE, late="wait", pipe=pipe) as source:
        pictures = []
        with pytest.raises(UnreadableMedia, match=r"broke off \(after \d\.\d s of [46]\.\d s\)"):
            pictures.extend(source)
    assert [frame_number(picture.frame) for picture in pictures] == list(range(len(pictures)))
    assert 20 < len(pictures) < 80


def test_whatever_goes_wrong_while_frames_are_read_is_told(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        failing = False

        def read(self, size: int | None = -1) -> bytes:
            if self.failing:
                raise RuntimeError("the program before the pipe failed")
            return super().read(1000)

    pipe = Pipe(write_video(tmp_path / "clip.mkv", numbered_frames(300)).read_bytes())
    source = LiveSource(PIPE, late="wait", pipe=pipe)
    pipe.failing = True
    with source, pytest.raises(RuntimeError, match="before the pipe"):
        list(source)


@pytest.mark.skipif(sys.platform != "linux", reason="cameras are files on Linux alone")
def test_a_camera_that_is_not_there_is_told_beside_those_that_are() -> None:
    with pytest.raises(MediaNotFound, match=r"no camera 97: (it has none|its cameras are \d)"):
        LiveSource("97", late="drop")


def test_a_play_list_is_not_followed(tmp_path: Path) -> None:
    asked: list[str] = []
    with serving("video/mp2t", b"never sent", asked) as other:
        play_list = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{other}/secret.ts\n#EXT-X-ENDLIST\n"
        with (
            serving("application/vnd.apple.mpegurl", play_list.encode()) as address,
            pytest.raises(RefervidError),
        ):
            list(LiveSource(f"{address}/list.m3u8", late="wait").__enter__())
    assert asked == []


def test_what_is_no_source_is_told(tmp_path: Path) -> None:
    for nonsense in ("clip.mp4", "ftp://host/x", "file:///etc/passwd"):
        with pytest.raises(SettingsError, match="no live source"):
            LiveSource(nonsense, late="drop")
    (tmp_path / "text").write_text("no video at all\n" * 100)
    with (tmp_path / "text").open("rb") as pipe, pytest.raises(UnreadableMedia, match="is a video"):
        LiveSource(PIPE, late="wait", pipe=pipe)
    with pytest.raises(UnreadableMedia, match="check that it is there"):
        LiveSource("http://127.0.0.1:1/", late="drop")


def test_a_frame_that_is_too_large_ends_it(tmp_path: Path) -> None:
    file = write_video(tmp_path / "clip.mkv", numbered_frames(3))
    with (
        file.open("rb") as pipe,
        pytest.raises(MediaTooLarge, match="--max-pixels"),
        LiveSource(PIPE, late="wait", pipe=pipe, max_pixels=10_000 * 1000) as source,
    ):
        list(source)


def test_passwords_are_not_shown() -> None:
    assert without_password("rtsp://me:secret@10.0.0.9/x") == "rtsp://...@10.0.0.9/x"
    assert without_password("rtsp://me:s@c:ret@10.0.0.9/x@y") == "rtsp://...@10.0.0.9/x@y"
    assert without_password("rtsp://10.0.0.9/x@y") == "rtsp://10.0.0.9/x@y"
