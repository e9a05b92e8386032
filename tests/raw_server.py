"""A server on loopback that sends whatever bytes it likes, at whatever pace."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Script = Callable[[socket.socket], None]
"""What is done on a connection."""


@contextmanager
def raw_server(script: Script, tls: ssl.SSLContext | None = None, *, reads: bool = True) -> Iterator[str]:
    """Its base address. Every connection is served until the script ends or the other side has gone; with
    `reads` the script begins once a request was read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(line: socket.socket) -> None:
            with suppress(OSError), line:
                if tls is not None:
                    line = tls.wrap_socket(line, server_side=True)
                if reads:
                    _read_request(line)
                script(line)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    line, _ = listener.accept()
                    threading.Thread(target=serve, args=(line,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        scheme = "https" if tls else "http"
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/v1"
        listener.shutdown(socket.SHUT_RDWR)


def _read_request(line: socket.socket) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        received += line.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    lines = [field.lower().split(b":") for field in head.split(b"\r\n")]
    length = next((int(field[1]) for field in lines if field[0] == b"content-length"), 0)
    while len(body) < length:
        body += line.recv(65536)
