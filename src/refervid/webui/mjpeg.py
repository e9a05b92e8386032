"""Pictures as they come, on a page of this machine: a film of single JPEGs that any browser shows."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any, Self

from refervid.core.types import Frame
from refervid.media.pictures import encode_jpeg

_QUALITY = 95
_HOSTS = ("127.0.0.1", "localhost")
_PAGE = (
    b"<!doctype html><meta charset=utf-8><title>refervid live</title>"
    b"<body style='margin:0;background:#111'><img alt='live overlay' src=/film style='width:100%'>"
)


class FilmServer:
    """A context that serves at http://127.0.0.1:`port` (0: a free one) whatever is shown last.

    Pictures are drawn for those who look, when they are ready for the next one. Pages of other sites cannot
    read it: requests under another host's name are refused.
    """

    def __init__(self, port: int = 0) -> None:
        self._change = Condition()
        self._draw: Callable[[], Frame] | None = None
        self._number = 0
        self._closed = False
        film = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                film._answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._closed = True
            self._change.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def show(self, draw: Callable[[], Frame]) -> None:
        """`draw` gives (H, W, 3) uint8 RGB; it is called in another thread, for everyone who looks."""
        with self._change:
            self._draw, self._number = draw, self._number + 1
            self._change.notify_all()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        host = (request.headers.get("Host") or "").rsplit(":", 1)[0]
        if host not in _HOSTS:
            request.send_error(403)
        elif request.path == "/":
            request.send_response(200)
            request.send_header("Content-Type", "text/html")
            request.send_header("Content-Length", str(len(_PAGE)))
            request.end_headers()
            request.wfile.write(_PAGE)
        elif request.path == "/film":
            request.send_response(200)
            request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
            request.end_headers()
            self._send_film(request)
        else:
            request.send_error(404)

    def _send_film(self, request: BaseHTTPRequestHandler) -> None:
        sent, jpeg = self._after(0)
        while jpeg:
            head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            try:
                request.wfile.write(head.encode() + jpeg + b"\r\n")
            except OSError:  # the browser has gone
                return
            sent, jpeg = self._after(sent)

    def _after(self, sent: int) -> tuple[int, bytes]:
        """The next picture with its number, nothing once there will be none."""
        with self._change:
            self._change.wait_for(lambda: self._number > sent or self._closed)
            number, draw = self._number, self._draw
        return number, b"" if self._closed or draw is None else encode_jpeg(draw(), _QUALITY)
