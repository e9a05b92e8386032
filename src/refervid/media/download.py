"""A clip from the web onto this machine: asked for by its address, and not a byte more than allowed."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from refervid.core.errors import MediaTooLarge, OutputConflict, UnreadableMedia
from refervid.core.files import atomic_file
from refervid.core.outputs import writing_to
from refervid.core.types import Hook, no_hook
from refervid.media.container import open_container

DEFAULT_MAX_BYTES = 2 * 10**9
_MOST_REDIRECTS = 5
_TIMEOUT_S = 30.0
_BLOCK = 2**20


def download(address: str, path: Path, *, max_bytes: int = DEFAULT_MAX_BYTES, hook: Hook = no_hook) -> Path:
    """Store what lies at an https address as `path`, which may not be there yet.

    Plain http is taken from this machine alone. A redirect may lead to another https address, but not
    from the web into a private network. Calls `hook("download", None, bytes so far, bytes in all or 0)`.
    Raises `OutputConflict` for a `path` that is there, `MediaTooLarge` for more than `max_bytes`, and
    `UnreadableMedia` for an address that cannot be read, or gives no video or sound; nothing is left then.
    """
    if os.path.lexists(path):
        raise OutputConflict(f"{path} is there already: choose another name")
    with writing_to(path.absolute().parent), atomic_file(path) as part:
        with _answer(address) as answer, part.open("wb") as file:
            promised = int(answer.headers.get("Content-Length") or 0)
            size = 0
            _check_size(address, promised, max_bytes)
            for block in answer.iter_raw(_BLOCK):
                size += len(block)
                _check_size(address, size, max_bytes)
                file.write(block)
                hook("download", None, size, promised)
            if size < promised:
                raise UnreadableMedia(f"{address} broke off after {size:,} of {promised:,} bytes: try again")
        try:
            open_container(part).close()
        except UnreadableMedia as error:
            raise UnreadableMedia(
                f"{address} gives no video or sound that can be decoded: see in a browser what it gives"
            ) from error
    return path


def _check_size(address: str, size: int, most: int) -> None:
    if size > most:
        raise MediaTooLarge(
            f"{address} gives {size:,} bytes or more, and {most:,} are allowed: raise the limit (--max-mb)"
        )


@contextmanager
def _answer(address: str) -> Iterator[httpx.Response]:
    """That of the last of the addresses that one leads to. Raises `UnreadableMedia`."""
    try:
        url = httpx.URL(address)
        first = url.host
        with httpx.Client(timeout=_TIMEOUT_S, headers={"Accept-Encoding": "identity"}) as client:
            for _ in range(_MOST_REDIRECTS + 1):
                _check_address(url, first)
                with client.stream("GET", url) as answer:
                    if answer.next_request is not None:
                        url = answer.next_request.url
                        continue
                    answer.raise_for_status()
                    if answer.headers.get("Content-Encoding", "identity") != "identity":
                        raise UnreadableMedia(f"{address} is packed for the way: download it with a browser")
                    yield answer
                    return
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        reason = str(error).split("\n")[0] or type(error).__name__
        raise UnreadableMedia(f"{address} cannot be downloaded ({reason}): check the address") from error
    raise UnreadableMedia(f"{address} leads from one address to the next: give the last one")


def _check_address(url: httpx.URL, first: str) -> None:
    if not url.host:
        raise UnreadableMedia(f"{url} is no address on the web: give one that begins with https://")
    if url.scheme not in ("https", "http"):
        raise UnreadableMedia(f"{url} is not on the web: give an address that begins with https://")
    places = _places(url.host)
    if url.scheme == "http" and not all(place.is_loopback for place in places):
        raise UnreadableMedia(f"{url} is not encrypted on its way: give an address that begins with https://")
    if url.host != first and not all(place.is_global for place in places):
        raise UnreadableMedia(
            f"{first} leads into a private network, to {url}: give that address if you trust it"
        )


def _places(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Raises `UnreadableMedia` for a name that nobody has."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UnreadableMedia(f"{host} is not known ({error.strerror}): check the address") from error
    return [ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found]
