"""Writing so that a result is either whole or absent, under names that stay in their folder."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import sqlite3
import stat
import time
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from refervid.core.errors import StorageFailed, UnsafeName

_SLUG_LENGTH = 60
"""In characters; at 4 bytes each, with a number behind, still a valid file name."""
_NAME_BYTES = 255
"""What the common file systems take for one name."""

MOST_BYTES = 4 * 2**30
"""Of a file that is read at once. The largest that is published, the masks of MeViS, is well below."""

_PART_BYTES = 200
"""How much of its name a file keeps while it is written; the rest is room for what makes it unique."""

_ABANDONED_S = 3600


def safe_name(name: str) -> str:
    """`name` itself if it can be a file or folder name and nothing else; raises `UnsafeName`."""
    if name in ("", ".", ".."):
        raise UnsafeName(f"{name!r} cannot be a file name: give it another name")
    bad = [c for c in name if c in "/\\" or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    if bad:
        raise UnsafeName(f"the name {name!r} holds {bad[0]!r}, which no file name here may hold: rename it")
    if len(name.encode()) > _NAME_BYTES:
        raise UnsafeName(f"the name {name[:40]!r}... is longer than {_NAME_BYTES} bytes: shorten it")
    return name


def inside(root: Path, *names: str) -> Path:
    """`root/name/name...`, with every name checked and no symbolic link below `root`.

    Raises `UnsafeName`. `root` is the user's own choice and may itself be a link.
    """
    path = root
    for name in names:
        path = path / safe_name(name)
        if path.is_symlink():
            raise UnsafeName(f"{path} is a symbolic link: remove it or choose another output folder")
    return path


def paths_below(root: Path, names: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Names such as "masks/it/1.png" with their paths, checked as by `inside`, every folder once."""
    folders = {"": root}
    for name in names:
        folder, _, last = name.rpartition("/")
        if folder not in folders:
            folders[folder] = inside(root, *folder.split("/"))
        yield name, inside(folders[folder], last)


def read_file(path: Path) -> bytes:
    """All that a file holds. Raises as `open_file`, and `OSError` for more than `MOST_BYTES`."""
    with open_file(path) as file:
        if os.fstat(file.fileno()).st_size > MOST_BYTES:
            raise OSError(errno.EFBIG, f"larger than {MOST_BYTES >> 30} GiB", str(path))
        return file.read()


def open_file(path: Path) -> BinaryIO:
    """A file to read from. Raises `OSError`, also for a pipe or device, which may be without an end."""
    file = open(path, "rb", opener=_not_waiting)  # noqa: SIM115 (the caller's)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "a pipe or device, not a file", str(path))
    return file


def _not_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # else a pipe is open only when somebody writes to it


def read_json(path: Path) -> Any:
    """The value that a JSON file holds. Raises as `read_file` and `parse_json`."""
    return parse_json(read_file(path))


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text. Raises `ValueError`, also for one that is nested too deep to be read."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def slug(text: str, taken: Collection[str] = ()) -> str:
    """A folder name made of `text`: "The blue cup!" -> "the-blue-cup"; never empty, not in `taken`.

    Letters and digits of all scripts stay.
    """
    kept = "".join(
        c if unicodedata.category(c)[0] in "LMN" else "-" for c in unicodedata.normalize("NFKC", text)
    )
    base = re.sub("-+", "-", kept.lower()).strip("-")[:_SLUG_LENGTH].rstrip("-") or "query"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


@contextmanager
def atomic_file(path: Path, place: Path | None = None) -> Iterator[Path]:
    """A path to write to, with `path`'s suffix; becomes `path` if all goes well.

    It lies in `place`, on the same file system, or else beside `path`. After an exception `path` is what it
    was before, and after a crash too.
    """
    if place is None:  # else its folder is made when there is something to put into it
        place = path.parent
        place.mkdir(parents=True, exist_ok=True)
    part = _part(path, place)
    try:
        yield part
        flush_to_disk(part)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str, place: Path | None = None) -> None:
    """`text` as UTF-8 under `path`, all or nothing; what UTF-8 cannot hold becomes a question mark.

    `place` is that of `atomic_file`.
    """
    with atomic_file(path, place) as part:
        part.write_text(text, encoding="utf-8", errors="replace")


@contextmanager
def storing_in(folder: Path, variable: str) -> Iterator[None]:
    """Say in one sentence why something of our own cannot be kept in `folder`, which the environment's
    `variable` names. Raises `StorageFailed`.
    """
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StorageFailed(
            f"cannot write to {folder} ({reason}): free some space there, or name another folder with the "
            f"environment variable {variable}"
        ) from error


def drop_abandoned(path: Path) -> None:
    """Remove what killed processes left of `path`, in a folder that is our own: parts with its exact name
    to which nothing has been written for an hour.
    """
    form = re.compile(r"\.[0-9a-f]{8}\.part\." + re.escape(_end(path)))
    for entry in os.scandir(path.parent):
        is_part = form.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
        if is_part and time.time() - entry.stat().st_mtime > _ABANDONED_S:
            os.unlink(entry.path)


def set_aside(path: Path) -> Path:
    """Keep a file that is not as this program writes it under another name beside it, which is returned."""
    aside = path.with_name(f"{path.name}.damaged-{secrets.token_hex(4)}")
    path.rename(aside)
    return aside


def _part(path: Path, place: Path) -> Path:
    return place / f".{secrets.token_hex(4)}.part.{_end(path)}"


def _end(path: Path) -> str:
    # The end of the name stays: encoders and picture writers choose the format by the suffix.
    return os.fsencode(path.name)[-_PART_BYTES:].decode(errors="ignore")


def by_number(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key by the numbers in names: "2" before "10", "frame2" before "frame10"."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name


def well_formed(text: str) -> str:
    """With "?" for halves of characters (surrogates), which neither files nor requests can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def for_each(call: Callable[[Path], None], paths: Iterable[Path]) -> None:
    """Many at once take a file system far less time than in turn."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(call, paths))


def flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
