"""What stands before the page: other sites get nothing from it, and no file that a caller names is copied."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

UPLOAD = "/gradio_api/upload"
"""Where the page and Gradio's clients send files."""

CALL = re.compile(r"/gradio_api/(?:call|call/v2|run|api)/([^/]*)/?")
"""Where Gradio takes requests for endpoints by name."""
BY_NUMBER = "predict"
"""The name under which the page itself asks, with an endpoint's number beside it."""

MOST_BYTES = 1_000_000
"""Of a request without a file."""

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
"""Whatever a library of the page would like to fetch from elsewhere, the browser refuses. Gradio builds
its templates with `Function`, hence 'unsafe-eval'; no text from outside becomes script."""


class Gate:
    """Gradio copies every file that a request describes, wherever it lies, before it calls any handler. So
    descriptions of files pass as plain data, and a handler takes what `Uploads` knows by name. It also breaks
    down over names that are none of the `endpoints`.
    """

    def __init__(self, app: ASGIApp, endpoints: Collection[str]) -> None:
        self._app, self._endpoints = app, endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        request, send = Request(scope, receive), _with_policy(send)
        if _is_from_another_site(request):
            await PlainTextResponse("this page is for its own visitors", 403)(scope, receive, send)
        elif request.method in ("GET", "HEAD") or request.url.path == UPLOAD:
            await self._app(scope, receive, send)
        elif (call := CALL.fullmatch(request.url.path)) and call[1] not in (BY_NUMBER, *self._endpoints):
            known = ", ".join(self._endpoints)
            await PlainTextResponse(f"there is no {call[1]!r:.40} here, but {known}", 404)(
                scope, receive, send
            )
        else:
            try:
                body = without_files(await _body(request))
            except (ValueError, RecursionError):
                await PlainTextResponse("this is no request that the page takes", 400)(scope, receive, send)
                return
            await self._app(_with_length(scope, len(body)), _replay(body, receive), send)


def _with_policy(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = POLICY
            headers["Referrer-Policy"] = "no-referrer"
        await send(message)

    return with_headers


def without_files(body: bytes) -> bytes:
    """JSON in which nothing is marked as a file any more. Raises `ValueError`, `RecursionError`."""
    return json.dumps(json.loads(body, object_hook=_plain)).encode() if body else body


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """Gradio takes for a file what has a path and is marked as one under "meta"."""
    return {key: inner for key, inner in value.items() if key != "meta"} if "path" in value else value


def _is_from_another_site(request: Request) -> bool:
    """Browsers tell where a request comes from, programs do not. A link to the page may be anywhere."""
    headers = request.headers
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return True
    link = request.method == "GET" and headers.get("sec-fetch-dest") == "document"
    return headers.get("sec-fetch-site", "none") not in ("same-origin", "none") and not link


async def _body(request: Request) -> bytes:
    """Raises `ValueError` for too much."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise ValueError("too much")
    return body


def _with_length(scope: Scope, length: int) -> Scope:
    kept = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
    return {**scope, "headers": [*kept, (b"content-length", str(length).encode())]}


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
