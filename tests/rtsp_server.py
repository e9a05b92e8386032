"""A camera on loopback: as much RTSP (RFC 2326) as a client needs, and H.264 in RTP (RFC 6184)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from re import split
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import av
import numpy as np
from numpy.typing import NDArray

CLOCK = 90_000
"""Ticks a second of H.264's times in RTP."""
FIRST = 1_000_000
"""Ticks begin anywhere."""
_DESCRIPTION = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:video\r\n"
)


@contextmanager
def rtsp_camera(frames: Sequence[NDArray[np.uint8]], times_s: Sequence[float]) -> Iterator[str]:
    """The address at which every visitor gets these RGB frames (H, W, 3), stamped with their times."""
    packets = [_framed(*part) for part in _parts(frames, times_s)]

    class Camera(StreamRequestHandler):
        def handle(self) -> None:
            while request := self.rfile.readline().decode().split():
                headers = {}
                while line := self.rfile.readline().decode().strip():
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                body = _DESCRIPTION if request[0] == "DESCRIBE" else ""
                lines = ["RTSP/1.0 200 OK", f"CSeq: {headers['cseq']}", "Session: 1"]
                if request[0] == "SETUP":
                    lines.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
                if request[0] == "PLAY":
                    lines += ["Range: npt=0-", f"RTP-Info: url={request[1]}/video;seq=0;rtptime={FIRST}"]
                lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}", "", body]
                self.wfile.write("\r\n".join(lines).encode())
                if request[0] == "PLAY":
                    self.wfile.write(b"".join(packets))
                    return

    with ThreadingTCPServer(("127.0.0.1", 0), Camera) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"rtsp://127.0.0.1:{server.server_address[1]}/camera"
        finally:
            server.shutdown()
            thread.join()


def _parts(
    frames: Sequence[NDArray[np.uint8]], times_s: Sequence[float]
) -> Iterator[tuple[int, int, bool, bytes]]:
    """Number, time in ticks, whether it ends a frame, and the NAL unit."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.height, encoder.width = frames[0].shape[:2]
    encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, CLOCK)
    encoder.options = {"tune": "zerolatency", "preset": "ultrafast"}
    number = 0
    for frame, time_s in zip(frames, times_s, strict=True):
        picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
        picture.pts, picture.time_base = round(time_s * CLOCK), Fraction(1, CLOCK)
        coded = b"".join(bytes(packet) for packet in encoder.encode(picture))
        units = [unit for unit in split(rb"\x00?\x00\x00\x01", coded) if unit]
        for place, unit in enumerate(units, 1):
            yield number, FIRST + round(time_s * CLOCK), place == len(units), unit
            number += 1


def _framed(number: int, ticks: int, ends: bool, unit: bytes) -> bytes:
    """An RTP packet, as it is interleaved with what RTSP says."""
    packet = struct.pack(">BBHII", 0x80, 96 | ends << 7, number, ticks, 1) + unit
    return struct.pack(">cBH", b"$", 0, len(packet)) + packet
