"""One request and its answer, whole within a time and a size, and free of what is secret."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from threading import Thread
from typing import Any

import httpx

MOST_BYTES = 4_000_000
"""Of an answer. A completion has some thousands; servers that think aloud, some hundred thousand."""

SHORTEST_SECRET = 4
"""Characters. Shorter ones stand in every answer, and keep nothing."""


class TooLong(Exception):
    """The answer has more than `MOST_BYTES`."""


@dataclass(frozen=True)
class Answer:
    """`words` is the body, `location` the other address of a redirection, `pause_s` the time after which
    the server wants to be asked again."""

    status: int
    words: str
    location: str
    pause_s: float | None


class Exchange:
    """Asks the server at `base_url` with the credentials `key` (none: ""), sent as a bearer token unless they
    name their own scheme ("Basic dXNlcjpwdw==").

    Redirections are not followed. `trust_env` allows the proxies that the environment names.
    """

    def __init__(self, base_url: str, key: str, timeout_s: float, *, trust_env: bool) -> None:
        self._base = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._trust_env = trust_env
        self._secret = _secret(key)
        self._headers = {"Accept-Encoding": "identity"}  # what is read is what is counted
        if key:
            self._headers["Authorization"] = key if " " in key else f"Bearer {key}"
        self._tls = httpx.create_ssl_context()

    def get(self, path: str) -> Answer:
        return self._run("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Raises `TimeoutError` after `timeout_s`, however busily the server sends until then; `TooLong`;
        `httpx.TransportError`."""
        return self._run("POST", path, body)

    def masked(self, words: str) -> str:
        return words if self._secret is None else self._secret.sub("***", words)

    def _run(self, method: str, path: str, body: Mapping[str, Any] | None) -> Answer:
        # The caller may have an event loop of its own, so ours is in a thread.
        future = asyncio.run_coroutine_threadsafe(self._exchange(method, path, body), _loop())
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _exchange(self, method: str, path: str, body: Mapping[str, Any] | None) -> Answer:
        async with (
            asyncio.timeout(self._timeout_s),
            httpx.AsyncClient(
                headers=self._headers, verify=self._tls, trust_env=self._trust_env, timeout=None
            ) as client,
            client.stream(method, self._base + path, json=body) as response,
        ):
            content = bytearray()
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > MOST_BYTES:
                    raise TooLong
            return Answer(
                response.status_code,
                self.masked(content.decode("utf-8", "replace")),
                self.masked(response.headers.get("location", "")),
                _pause_s(response.headers),
            )


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="refervid-exchange", daemon=True).start()
    return loop


def _pause_s(headers: httpx.Headers) -> float | None:
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return float(headers[name]) * unit_s
        except (KeyError, ValueError):  # a date is no number
            continue
    return None


def _secret(key: str) -> re.Pattern[str] | None:
    """What may not be seen of `key`: it, what follows its scheme, and the password that a Basic one holds."""
    parts = {key, key.rpartition(" ")[2]}
    if key.lower().startswith("basic "):
        try:
            pair = base64.b64decode(key[6:]).decode("utf-8", "replace")
        except binascii.Error:
            pair = ""
        parts |= {pair, pair.partition(":")[2]}
    long = sorted((part for part in parts if len(part) >= SHORTEST_SECRET), key=len, reverse=True)
    return re.compile("|".join(map(_however_written, long)), re.IGNORECASE) if long else None


def _however_written(words: str) -> str:
    """A pattern for `words`, also where JSON, or JSON in JSON, has escaped characters of it."""
    return "".join(rf"(?:\\*{re.escape(one)}|\\+u{ord(one):04x})" for one in words)
