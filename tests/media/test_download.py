"""Downloading a clip: not more than allowed, not from where it was not asked, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from refervid.core.errors import MediaTooLarge, OutputConflict, UnreadableMedia
from refervid.media import download as module
from refervid.media.download import download
from tests.clips import numbered_frames, write_video
from tests.web_server import web_server


@contextmanager
def serving(clip: bytes) -> Iterator[str]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path:
                case "/clip.mp4":
                    self._send(200, clip, {"Content-Length": str(len(clip))})
                case "/endless":  # no length is promised
                    self._send(200, clip * 50, {})
                case "/short":
                    self._send(200, clip[:100], {"Content-Length": str(len(clip))})
                case "/page":
                    self._send(200, b"<html>log in first</html>", {})
                case "/packed":
                    self._send(200, clip, {"Content-Encoding": "gzip"})
                case "/once":
                    self._send(302, b"", {"Location": "/clip.mp4"})
                case "/file":
                    self._send(302, b"", {"Location": "file:///etc/passwd"})
                case "/ring":
                    self._send(302, b"", {"Location": "/ring"})
                case "/private":
                    self._send(302, b"", {"Location": f"http://localhost:{self.server.server_port}/clip.mp4"})
                case _:
                    self._send(404, b"", {})

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    with web_server(Answering) as address:
        yield address


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", numbered_frames(6)).read_bytes()


def test_a_clip_lies_there_whole_and_the_hook_says_how_far_it_is(clip: bytes, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with serving(clip) as address:
        for name in ("clip.mp4", "once"):
            target = tmp_path / f"{name}.mp4"
            assert download(f"{address}/{name}", target, hook=lambda *a: told.append(a[2:])) == target
            assert target.read_bytes() == clip
        with pytest.raises(OutputConflict):
            download(f"{address}/clip.mp4", target)
        link = tmp_path / "link.mp4"
        link.symlink_to(tmp_path / "away" / "clip.mp4")  # to a disk that is not there just now
        with pytest.raises(OutputConflict):
            download(f"{address}/clip.mp4", link)
        assert link.is_symlink()
    assert told[-1] == (len(clip), len(clip))


@pytest.mark.parametrize("name", ["clip.mp4", "endless"])
def test_more_than_allowed_is_refused_while_it_comes(name: str, clip: bytes, tmp_path: Path) -> None:
    with serving(clip) as address, pytest.raises(MediaTooLarge, match="--max-mb"):
        download(f"{address}/{name}", tmp_path / "x.mp4", max_bytes=len(clip) - 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("short", "cannot be downloaded|broke off"),
        ("page", "/page gives no video or sound"),
        ("packed", "packed"),
        ("file", "not on the web|cannot be downloaded"),
        ("ring", "from one address to the next"),
        ("private", "leads into a private network"),
        ("missing", "404"),
    ],
)
def test_what_is_no_clip_or_leads_astray_leaves_nothing(
    name: str, told: str, clip: bytes, tmp_path: Path
) -> None:
    with serving(clip) as address, pytest.raises(UnreadableMedia, match=told):
        download(f"{address}/{name}", tmp_path / "x.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address", ["clip.mp4", "file:///etc/passwd", "ftp://host/x", "https://", "http://[::"]
)
def test_what_is_no_address_on_the_web(address: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia):
        download(address, tmp_path / "x.mp4")


def test_plain_http_is_for_this_machine_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module.socket, "getaddrinfo", lambda *a, **k: [(2, 1, 6, "", ("93.184.216.34", 0))])
    with pytest.raises(UnreadableMedia, match="not encrypted"):
        download("http://clips.invalid/x.mp4", tmp_path / "x.mp4")
