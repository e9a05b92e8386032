"""Files and folders of somebody else, of every kind that one may find, and whether they were touched."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from typing import Any

from refervid.core.outputs import LOCK

ODD = ("notes", "clip", "Masks", "результат", "a b", "-o", "x" * 60, "00000", "result", "overlay", "state")
ENDS = ("", ".txt", ".png", ".mp4", ".json", ".part", ".part1", ".lock", "~", ".tmp")
HIDDEN = ("", "", ".", ".0123abcd.part.", ".refervid-", ".refervid.", "._")
LIKE_OURS = (
    ".1234abcd.part.result.json",
    ".refervid-0123456789abcdef/new/result.json",
    ".x.part.y/a",
    ".part/b",
)


def scatter(folder: Path, random: Random, places: tuple[str, ...] = ()) -> None:
    """Files, links, and empty and nested folders below `folder` and these places in it.

    None has a name that a command gives to one of its files.
    """
    outside = folder.parent / f"{folder.name} outside"
    outside.mkdir(parents=True, exist_ok=True)
    (outside / "mine.txt").write_text("mine")
    for name in LIKE_OURS:
        _file(folder / name, random)
    for place in ("", *places):
        below = [folder / place]
        for _ in range(6):
            name = (
                f"{random.choice(HIDDEN)}{random.choice(ODD)}-{random.randrange(10**6)}{random.choice(ENDS)}"
            )
            path = random.choice(below) / name
            kind = random.choice(("file", "file", "folder", "link", "hard link"))
            if kind == "folder":
                path.mkdir(parents=True)
                below.append(path)
            elif kind == "file":
                _file(path, random)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                target = random.choice((outside / "mine.txt", outside, outside / "nothing"))
                if kind == "link" or not target.is_file():
                    path.symlink_to(target)
                else:
                    path.hardlink_to(target)


def _file(path: Path, random: Random) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(random.randbytes(random.choice((0, 1, 50))))


def seen(folder: Path) -> dict[str, Any]:
    """Everything below `folder` but locks: of files rights, inode, time and bytes, of links the target."""
    found: dict[str, Any] = {}
    for root, folders, files in os.walk(folder):
        for name in {*folders, *files} - {LOCK}:
            path = Path(root, name)
            status = path.lstat()
            if path.is_symlink():
                found[str(path)] = path.readlink()
            elif path.is_dir():
                found[str(path)] = status.st_mode
            else:
                found[str(path)] = status.st_mode, status.st_ino, status.st_mtime_ns, path.read_bytes()
    return found


def untouched(before: dict[str, Any], *folders: Path) -> bool:
    """Whether everything that was seen before in these folders is there and as it was."""
    now = {path: sight for folder in folders for path, sight in seen(folder).items()}
    return all(now.get(path) == sight for path, sight in before.items())
