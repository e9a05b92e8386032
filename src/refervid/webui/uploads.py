"""Files that browsers and clients have sent, until a visitor opens them."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from refervid.core.errors import MediaNotFound
from refervid.webui.limits import Limits

ENVELOPE = 10_000
"""Bytes that a form may add to the file in it."""


@dataclass(frozen=True)
class _Upload:
    path: Path
    at_s: float


class Uploads:
    """Each file has a name that only its sender knows; what is in it says nothing, so equal files of two
    visitors are two.

    All files below `folder`, opened or not, have `kept_mb` together; what nobody opens within
    `unopened_s` is deleted.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._root = folder
        self._folder = folder / "uploads"
        self._folder.mkdir()
        self._limits = limits
        self._coming: dict[str, int] = {}
        self._there: dict[str, _Upload] = {}
        self._lock = Lock()

    async def receive(self, request: Request) -> str:
        """The name under which the one file of the form `request` is kept from now on.

        Raises `HTTPException` for what is too large, too much, too slow or no form.
        """
        self.sweep(time.monotonic())
        most = int(self._limits.upload_mb * 1e6) + ENVELOPE
        length = int(request.headers.get("content-length", most))
        if length > most:
            raise self._too_large()
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise HTTPException(400, "a file comes in a form")
        name = secrets.token_urlsafe(16)
        self._make_room(name, length)
        try:
            async with asyncio.timeout(self._limits.unopened_s):
                await self._store(Request(request.scope, self._limited(request, most)), name)
        except TimeoutError:
            raise HTTPException(408, "the upload took too long") from None
        except ClientDisconnect:
            raise HTTPException(400, "the upload broke off") from None
        except FormParserError:  # which newer releases of Starlette answer themselves
            raise HTTPException(400, "a file comes in a form") from None
        finally:
            with self._lock:
                del self._coming[name]
        return name

    @contextmanager
    def taken(self, name: object, folder: Path) -> Iterator[Path]:
        """The file of this name, moved below `folder`; nothing of it stays in the end.

        Raises `MediaNotFound` if there is none, or `folder` is gone with its visitor.
        """
        with self._lock:
            upload = self._there.pop(str(name), None)
        gone = MediaNotFound("the upload is gone: upload the file again")
        if upload is None:
            raise gone
        try:
            place = TemporaryDirectory(dir=folder)
            path = Path(shutil.move(upload.path, place.name))
        except FileNotFoundError as error:
            upload.path.unlink(missing_ok=True)
            raise gone from error
        with place:
            yield path

    def sweep(self, now_s: float) -> None:
        """Delete what nobody has opened in time; `now_s` is a time of the monotonic clock."""
        oldest_s = now_s - self._limits.unopened_s
        with self._lock:
            old = [name for name, upload in self._there.items() if upload.at_s < oldest_s]
            paths = [self._there.pop(name).path for name in old]
        for path in paths:
            path.unlink(missing_ok=True)

    def _make_room(self, name: str, length: int) -> None:
        with self._lock:
            kept = _bytes_below(self._root) + sum(self._coming.values())
            if kept + length > self._limits.kept_mb * 1e6:
                raise HTTPException(503, "too many files are kept at the moment: try again in a while")
            self._coming[name] = length

    def _limited(self, request: Request, most: int) -> Receive:
        """Also where no length was declared, no more than `most` bytes are read."""
        read = 0

        async def receive() -> Message:
            nonlocal read
            message = await request.receive()
            read += len(message.get("body", b""))
            if read > most:
                raise self._too_large()
            return message

        return receive

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"the file is too large: it may have {self._limits.upload_mb:g} MB")

    async def _store(self, request: Request, name: str) -> None:
        async with request.form(max_files=1, max_fields=0) as form:
            file = next(iter(form.values()), None)
            if not isinstance(file, UploadFile):
                raise HTTPException(400, "the form holds no file")
            path = self._folder / name
            await asyncio.to_thread(_copy, file, path)
        with self._lock:
            self._there[name] = _Upload(path, time.monotonic())


def _copy(file: UploadFile, path: Path) -> None:
    try:
        with path.open("xb") as target:
            shutil.copyfileobj(file.file, target)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _bytes_below(folder: Path) -> int:
    """Files may come and go meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total
