"""What this program wrote: a JSON document that lists files with size and digest, under a seal of its own.

The seal is no secret. It shows that a document is, byte for byte, what was written; so what it lists can be
told from files of others, and from files that were changed since.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from refervid.core.files import parse_json, paths_below, read_file, well_formed

Mark = Mapping[str, Any]
"""`bytes` and `sha256` of a file."""

_NO_SEAL = "0" * 64
_SEAL = re.compile(rb'"seal": "([0-9a-f]{64})"\s*\}\s*\Z')


def mark_of(path: Path) -> Mark:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def has_mark(path: Path, mark: Mark | None) -> bool:
    """Whether there is a file of that size and digest; a link is none."""
    if mark is None or path.is_symlink() or not path.is_file():
        return False
    return path.stat().st_size == mark.get("bytes") and mark_of(path) == mark


def marks_below(folder: Path) -> dict[str, Mark]:
    """All files below `folder`, by name from there, in order."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): mark_of(path) for path in files}


def sealed(content: Mapping[str, Any]) -> str:
    """`content` as JSON, with the seal behind it."""
    text = well_formed(json.dumps({**content, "seal": _NO_SEAL}, indent=1, ensure_ascii=False))
    start, _, end = text.rpartition(_NO_SEAL)
    return start + hashlib.sha256(text.encode()).hexdigest() + end


def files_of(document: Path) -> dict[str, Mark]:
    """What a sealed document lists as its `files`, and itself; nothing if it is missing or not as written.

    Raises `UnsafeName` for a name that leads out of the document's folder.
    """
    if document.is_symlink() or not document.is_file():
        return {}
    try:
        text = read_file(document)
    except OSError:
        return {}
    seal = _SEAL.search(text)
    if seal is None:
        return {}
    blank = text[: seal.start(1)] + _NO_SEAL.encode() + text[seal.end(1) :]
    if hashlib.sha256(blank).hexdigest() != seal[1].decode():
        return {}
    try:
        listed = parse_json(text).get("files")
    except ValueError:
        return {}
    if not isinstance(listed, dict) or not all(isinstance(mark, dict) for mark in listed.values()):
        return {}
    names = [name for name, _ in paths_below(document.parent, listed)]
    return {**{name: listed[name] for name in names}, document.name: mark_of(document)}
