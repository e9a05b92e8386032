"""Output folders: results appear in them whole or not at all, and everything else there stays as it is.

    .refervid.lock              held by who is writing; names the next one, ahead of its making
    .refervid-0123456789abcdef  what is not whole yet; it moves to its place when it is

Nothing is ever recognised by a pattern. What a killed process left lies in the folder that its lock names.
What an earlier run wrote is listed, with size and digest, in a sealed document such as result.json.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel

from refervid.core.errors import OutputConflict, OutputFailed, OutputLocked, SettingsError
from refervid.core.files import flush_to_disk, for_each, inside, paths_below, read_file, write_text
from refervid.core.manifest import Mark, files_of, has_mark, mark_of, marks_below, sealed

LOCK = ".refervid.lock"
_HELD = re.compile(r"(\d+) (\.refervid-[0-9a-f]{16})\n")
"""What a lock says while it is held, and after a kill: the process, and its folder for what is not whole."""
_JOURNAL = "journal.json"
_OTHER_FOLDER = "choose another folder (--out)"


@contextmanager
def output_lock(folder: Path) -> Iterator[Path]:
    """Only one process at a time writes to `folder` (made if missing); others get `OutputLocked`.

    Gives an empty folder inside it for what is not whole yet, which is gone in the end. The system drops
    the lock when the process ends, however it ends; what a killed one was about is finished or removed
    when the next one takes the lock.
    Raises `SettingsError` where nothing can be written, and `OutputConflict` where the lock is none of ours.
    """
    made = [one for one in (folder, *folder.parents) if not os.path.exists(one)]
    with _locked(folder, fcntl.LOCK_EX) as lock:
        lock.seek(0)
        said = _HELD.fullmatch(lock.read())
        if said:
            _settle(folder, folder / said[2])
        unfinished = folder / f".refervid-{secrets.token_hex(8)}"
        with writing_to(folder):
            _say(lock, f"{os.getpid()} {unfinished.name}\n")
            unfinished.mkdir()
        failed = True
        try:
            yield unfinished
            failed = False
        finally:
            _settle(folder, unfinished)
            if not unfinished.exists():
                _say(lock, "")
            if failed and made and _is_alone(folder, lock):
                (folder / LOCK).unlink()
                drop_empty(made)


@contextmanager
def shared_output_lock(folder: Path) -> Iterator[None]:
    """As `output_lock`, among processes that divide the work and may write at the same time."""
    with _locked(folder, fcntl.LOCK_SH):
        yield


@contextmanager
def _locked(folder: Path, kind: int) -> Iterator[IO[str]]:
    path = folder / LOCK
    stranger = OutputConflict(f"{path} is no lock of this program: {_OTHER_FOLDER}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    except OSError as error:
        raise SettingsError(f"cannot write to {folder} ({error.strerror}): {_OTHER_FOLDER}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise stranger
    with open(descriptor, "r+", encoding="ascii", errors="replace") as lock:
        said = lock.read(100)
        if said and not _HELD.fullmatch(said):
            raise stranger
        holder = f"process {said.split()[0]}" if said else "another process"
        locked = OutputLocked(f"{holder} is writing to {folder}: wait for it or choose another folder")
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise locked from error
        if not os.fstat(descriptor).st_nlink:  # its holder removed it with the folder just now
            raise locked
        yield lock


def _is_alone(folder: Path, lock: IO[str]) -> bool:
    """Whether nothing but this lock lies in the folder, which may be gone or another one by now."""
    with suppress(OSError):
        mine = os.path.samestat(os.fstat(lock.fileno()), os.stat(folder / LOCK))
        return mine and os.listdir(folder) == [LOCK]
    return False


def _say(lock: IO[str], text: str) -> None:
    lock.seek(0)
    lock.truncate()
    lock.write(text)
    lock.flush()
    os.fsync(lock.fileno())


class ResultFolder:
    """A folder that is held for one result, which the sealed `document` in it describes.

    The result is made in `new`, below which files lie as they will below `path`. `finish` then puts it in
    the place of the former result, and of nothing else. Until then the former result stays whole.
    """

    def __init__(self, path: Path, unfinished: Path, document: str, inputs: Iterable[Path]) -> None:
        self.path = path
        self.new = unfinished / "new"
        self.new.mkdir()
        self._unfinished = unfinished
        self._document = document
        self._inputs = list(inputs)
        self._former = files_of(path / document)

    def check(self, names: Iterable[str]) -> None:
        """Whether files called `names` may be written and the former result may go: to be asked before work.

        Raises `OutputConflict` if one of them is an input or lies in one, is there and was not written by
        an earlier run, or was changed since; `UnsafeName` if a link is on the way; `OutputFailed` if the
        folder was removed, and with it the lock that kept it for this result.
        """
        with writing_to(self.path):
            (self.path / LOCK).stat()
        names = dict.fromkeys((self._document, *self._former, *names))
        refuse_inputs(self.path, names, self._inputs)
        refuse_strangers(self.path, names, self._former)

    def finish(self, content: Mapping[str, Any]) -> None:
        """Replace the former result by what lies in `new`, described by `content`.

        The document is `content` with all `files`. Raises as `check`; then the former result stays.
        """
        files = marks_below(self.new)
        self.check(files)
        with writing_to(self.path):
            document = self.new / self._document
            write_text(document, sealed({**content, "files": files}))
            for_each(flush_to_disk, self.new.rglob("*"))
            for parent in {(self.path / name).parent for name in files}:
                parent.mkdir(parents=True, exist_ok=True)
            files[self._document] = mark_of(document)
            decided = _Decided(document=self._document, former=self._former, files=files)
            write_text(self._unfinished / _JOURNAL, decided.model_dump_json())
            _settle(self.path, self._unfinished)


@contextmanager
def result_folder(path: str | Path, document: str, inputs: Iterable[Path]) -> Iterator[ResultFolder]:
    """Hold a folder for one result that is made from `inputs`.

    Raises as `output_lock`, and `OutputConflict` for a folder that lies in an input.
    """
    path, inputs = Path(path), list(inputs)
    refuse_inputs(path, [document], inputs)
    with output_lock(path) as unfinished:
        yield ResultFolder(path, unfinished, document, inputs)


def refuse_strangers(folder: Path, names: Iterable[str], ours: Mapping[str, Mark]) -> None:
    """Raises `OutputConflict` if one of the files below `folder` is there, and not as `ours` says."""
    parents: set[Path] = set()
    for name, path in paths_below(folder, names):
        parents.add(path.parent)
        if not os.path.lexists(path) or has_mark(path, ours.get(name)):
            continue
        known = name in ours
        why = "was changed since it was written" if known else "is not known to be written by this program"
        raise OutputConflict(f"{path} {why}: move it away, or {_OTHER_FOLDER}")
    for parent in parents:
        while not os.path.lexists(parent):
            parent = parent.parent
        if not parent.is_dir():
            raise OutputConflict(f"{parent} is no folder: {_OTHER_FOLDER}")


def refuse_inputs(folder: Path, names: Iterable[str], inputs: Iterable[Path]) -> None:
    """Raises `OutputConflict` if one of the files below `folder` is an input or lies in one.

    By whatever name: links do not count and, as some file systems do not tell it apart, letter case neither.
    """
    given = {key: path for path in inputs if path.exists() for key in _keys(str(path.resolve()))}
    if not given:
        return
    root = str(folder.resolve())
    outputs = {f"{root}/{name}" for name in names}
    folders = {Path(os.path.dirname(output)) for output in outputs}
    places = outputs | {str(place) for folder in folders for place in (folder, *folder.parents)}
    for place in places:
        for key in _keys(place):
            if key in given:
                raise OutputConflict(
                    f"results in {folder} would lie in or replace {given[key]}, which is an input: "
                    f"{_OTHER_FOLDER}"
                )


def _keys(path: str) -> Iterator[tuple[int, int] | str]:
    """Equal ones for equal places."""
    yield path.casefold()
    with suppress(OSError, ValueError):  # the latter for what no path may hold, as who checks names will say
        status = os.stat(path)
        yield status.st_dev, status.st_ino


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Say in one sentence why something could not be written below `folder`. Raises `OutputFailed`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if not folder.is_dir():
            reason = "the folder was removed"
        elif error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason += ", free some space"
        raise OutputFailed(f"cannot write to {folder} ({reason}): what was there before is kept") from error


def _settle(folder: Path, unfinished: Path) -> None:
    """Bring to its end what was decided, and drop what was not.

    Raises `OutputConflict` for a journal that this program did not write, and `UnsafeName` where a link or
    a name would lead elsewhere: the folder, with its lock, may come from a stranger.
    """
    journal, new = (inside(folder, unfinished.name, name) for name in (_JOURNAL, "new"))
    if os.path.lexists(journal):
        try:
            decided = _Decided.model_validate_json(read_file(journal))
        except (OSError, ValueError) as error:
            raise OutputConflict(
                f"{journal} is not as this program writes it: delete {unfinished}, or {_OTHER_FOLDER}"
            ) from error
        _carry_out(folder, new, decided)
    shutil.rmtree(unfinished, ignore_errors=True)


class _Decided(BaseModel):
    """The files of the former result, and those that take their place, `document` among them."""

    document: str
    former: dict[str, dict[str, Any]]
    files: dict[str, dict[str, Any]]


def _carry_out(folder: Path, new: Path, decided: _Decided) -> None:
    """Move `new` into the place of the former result; may be called again after a kill at any point.

    The document goes first and comes last, so that with it there is always all that it lists.
    """
    document, former, files = decided.document, decided.former, decided.files
    made = {name: path for name, path in paths_below(new, files) if path.exists()}
    still = dict(paths_below(folder, made))
    refuse_strangers(folder, still, former)
    if document in still:
        still[document].unlink(missing_ok=True)
    gone = [
        path
        for name, path in paths_below(folder, former.keys() - files.keys())
        if has_mark(path, former[name])
    ]
    for_each(lambda path: path.unlink(missing_ok=True), [*gone, *still.values()])
    for path in gone:
        drop_empty(path.parents[: len(path.relative_to(folder).parts) - 1])
    for name, path in sorted(still.items(), key=lambda one: one[0] == document):
        path.parent.mkdir(parents=True, exist_ok=True)
        os.rename(made[name], path)


def drop_empty(folders: Iterable[Path]) -> None:
    """Remove folders, each the parent of the one before, as far as there is nothing in them."""
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:  # something is left in it
            return
