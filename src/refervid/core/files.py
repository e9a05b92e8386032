"""Writing so that a result is either whole or absent, under names that stay in their folder."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from refervid.core.errors import OutputLocked, SettingsError, UnsafeName

_SLUG_LENGTH = 60
"""In characters; at 4 bytes each, with a number behind, still a valid file name."""
_NAME_BYTES = 255
"""What the common file systems take for one name."""

_LOCK = ".refervid.lock"
_PART = ".part"
_PART_BYTES = 200
"""How much of its name a file keeps while it is written; the rest is room for what makes it unique."""


def safe_name(name: str) -> str:
    """`name` itself if it can be a file or folder name and nothing else; raises `UnsafeName`."""
    if name in ("", ".", ".."):
        raise UnsafeName(f"{name!r} cannot be a file name: give it another name")
    bad = [c for c in name if c in "/\\" or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    if bad:
        raise UnsafeName(f"the name {name!r} holds {bad[0]!r}: separators and control characters are refused")
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
def atomic_file(path: Path) -> Iterator[Path]:
    """A path to write to, in `path`'s folder and with its suffix; becomes `path` if all goes well.

    After an exception or a crash `path` is what it was before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    try:
        yield part
        _flush_to_disk(part)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_dir(path: Path) -> Iterator[Path]:
    """An empty folder to fill; becomes `path` in one step if all goes well, replacing an older one.

    After an exception or a crash there is no half-filled `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    part.mkdir()
    try:
        yield part
        with ThreadPoolExecutor() as pool:  # many at once take a file system far less time than in turn
            list(pool.map(_flush_to_disk, part.rglob("*")))
        if path.is_dir() and not path.is_symlink():
            old = _part(path)
            os.rename(path, old)
            os.rename(part, path)
            shutil.rmtree(old)
        else:
            os.replace(part, path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def write_text(path: Path, text: str) -> None:
    """`text` as UTF-8 under `path`, all or nothing; what UTF-8 cannot hold becomes a question mark."""
    with atomic_file(path) as part:
        part.write_text(text, encoding="utf-8", errors="replace")


@contextmanager
def output_lock(folder: Path, shared: bool = False) -> Iterator[None]:
    """Only one process at a time writes to `folder` (made if missing); others get `OutputLocked`.

    Those that take it `shared` may write at the same time, and divide the work among themselves.
    The system drops the lock when the process ends, however it ends; what a killed process left half
    written, in the folder or one level below, is removed when the next one takes the lock unshared.
    Raises `SettingsError` where nothing can be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _LOCK).touch()
    except OSError as error:
        raise SettingsError(
            f"cannot write to {folder} ({error.strerror}): choose another folder (--out)"
        ) from error
    with open(folder / _LOCK, "a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            number = file.read()
            holder = f"process {number}" if number else "another process"
            raise OutputLocked(
                f"{holder} is writing to {folder}: wait for it or choose another folder"
            ) from error
        file.truncate(0)
        if not shared:
            file.write(str(os.getpid()))
            file.flush()
            remove_leftovers(folder)
        try:
            yield
        finally:
            file.truncate(0)


def _part(path: Path) -> Path:
    # The end of the name stays: encoders and picture writers choose the format by the suffix.
    end = os.fsencode(path.name)[-_PART_BYTES:].decode(errors="ignore")
    return path.with_name(f".{secrets.token_hex(4)}{_PART}.{end}")


def by_number(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key by the numbers in names: "2" before "10", "frame2" before "frame10"."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name


def well_formed(text: str) -> str:
    """With "?" for halves of characters (surrogates), which neither files nor requests can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def remove_leftovers(folder: Path) -> None:
    """Remove what killed writers left half written in `folder` or one level below; nobody may be writing."""
    for pattern in (f".*{_PART}*", f"*/.*{_PART}*"):
        for left in list(folder.glob(pattern)):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)
            else:
                left.unlink()


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
