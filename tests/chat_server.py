"""A real HTTP server on loopback that speaks the OpenAI chat protocol, well or badly."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.web_server import web_server

KEY = "sk-secret-0123456789"
"""What the tests give as the user's key."""

Answer = tuple[int, Any]
"""Status and body: a dict is sent as JSON, bytes as they are, None closes the connection. With a status of
redirection the body is the other address."""


SERVED = ("m", "llava")
"""Models that the server says it has."""


def says(text: str | None, finish: str = "stop", **message: Any) -> Answer:
    """A completion with one choice."""
    choice = {
        "index": 0,
        "finish_reason": finish,
        "message": {"role": "assistant", "content": text, **message},
    }
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return 200, {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


def fails(status: int, message: str) -> Answer:
    return status, {"error": {"message": message, "type": "error", "code": None}}


class ChatServer:
    """`answer(request number, request body)` decides; `requests` keeps bodies, `keys` the headers."""

    def __init__(self, answer: Callable[[int, dict[str, Any]], Answer]) -> None:
        self.answer = answer
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self._lock = threading.Lock()

    def handle(self, body: dict[str, Any], key: str) -> Answer:
        with self._lock:
            self.requests.append(body)
            self.keys.append(key)
            number = len(self.requests) - 1
        return self.answer(number, body)


@contextmanager
def serving(answer: Callable[[int, dict[str, Any]], Answer]) -> Iterator[tuple[ChatServer, str]]:
    """The server and its base address."""
    server = ChatServer(answer)

    class Chat(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, content = server.handle(body, self.headers.get("Authorization", ""))
            if content is None:
                self.close_connection = True
                self.connection.close()
                return
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("retry-after-ms", "1")
            if 300 <= status < 400:
                self.send_header("Location", str(content))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            data = json.dumps({"object": "list", "data": [{"id": name} for name in SERVED]}).encode()
            self.send_response(200 if self.path == "/v1/models" else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with web_server(Chat) as address:
        yield server, f"{address}/v1"
