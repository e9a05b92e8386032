"""A model hub on loopback: as much of the Hugging Face protocol as a download needs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.web_server import web_server

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def serve(repositories: Mapping[str, Mapping[str, bytes]]) -> Iterator[tuple[str, list[str]]]:
    """The address of a hub with these files (all at `COMMIT`), and the paths it is asked for."""
    asked: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def _answer(self, *, body: bool) -> None:
            path = unquote(urlsplit(self.path).path)
            asked.append(path)
            for name, files in repositories.items():
                if path.startswith(f"/api/models/{name}/tree/"):
                    return self._send(json.dumps([_entry(*item) for item in files.items()]).encode(), body)
                if path in (
                    f"/api/models/{name}",
                    *(f"/api/models/{name}/revision/{at}" for at in (COMMIT, "main")),
                ):
                    return self._send(json.dumps(_info(name, files)).encode(), body)
                file = path.removeprefix(f"/{name}/resolve/{COMMIT}/")
                if file in files:
                    return self._send(files[file], body)
            headers = {"X-Error-Code": "RepoNotFound"}
            self._send(b"{}", body, 404, headers)

        def _send(
            self, data: bytes, body: bool, status: int = 200, headers: Mapping[str, str] | None = None
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", f'"{_digest(data)}"')
            self.send_header("X-Repo-Commit", COMMIT)
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            self.end_headers()
            if body:
                self.wfile.write(data)

    with web_server(Hub) as address:
        yield address, asked


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _info(name: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    siblings = []
    for file, data in files.items():
        lfs = {"sha256": _digest(data), "size": len(data), "pointerSize": 100}
        siblings.append({"rfilename": file, "size": len(data), "blobId": _digest(data)[:40], "lfs": lfs})
    return {"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings, "tags": [], "private": False}


def _entry(file: str, data: bytes) -> dict[str, Any]:
    lfs = {"oid": _digest(data), "size": len(data), "pointerSize": 100}
    return {"type": "file", "path": file, "size": len(data), "oid": _digest(data)[:40], "lfs": lfs}
