"""Whose session a folder is: the first line of its journal says of which clip."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from refervid.config.environment import Environment
from refervid.core.digests import digests_in
from refervid.core.errors import MediaNotFound, OutputConflict, SettingsError
from refervid.core.files import inside
from refervid.core.outputs import writing_to
from refervid.media.clip import Clip, clip_digest
from refervid.media.opening import READING, open_clip
from refervid.pipelines.session.journal import Journal

JOURNAL = "edits.jsonl"
FORM = 2
"""Raised by a change that makes older folders unreadable."""


def journal_of(clip: Clip, folder: Path, place: Path) -> Journal:
    """That of the session of `clip` in `folder`, begun if there is none.

    Raises `OutputConflict` for a file of that name that is none of ours, `SettingsError` for another clip's.
    """
    source = str(clip.source.absolute()) if clip.source.exists() else None
    head = {"refervid_session": FORM, "clip": _identity(clip), "source": source, "reading": clip.reading}
    with writing_to(folder):
        journal = Journal(inside(folder, JOURNAL), head, place)
    found = journal.head
    if not isinstance(found, dict) or "refervid_session" not in found:
        raise OutputConflict(f"{folder / JOURNAL} is no session of this program: choose another folder")
    if found["refervid_session"] != FORM:
        raise SettingsError(f"{folder} is a session of another version of refervid: choose another folder")
    if found.get("clip") != head["clip"]:
        raise SettingsError(
            f"{folder} is the session of another clip, or of other frames of it (--start, --end, --every, "
            "--fps, --audio), or its files were replaced since: give the same, or choose another folder"
        )
    return journal


def reopened(folder: Path) -> Clip:
    """The clip of a session, read as it was when that was begun; older sessions do not say how.

    Raises `OutputConflict`, `BadResult`, `MediaNotFound` for one that is gone, and what `open_clip` does.
    """
    head = Journal(inside(folder, JOURNAL), {}, folder).head
    known = head if isinstance(head, dict) else {}
    source, reading = known.get("source"), known.get("reading") or {}
    if not isinstance(source, str) or not Path(source).exists():
        raise MediaNotFound(f"its clip is not at {source}: put it back, or leave it out")
    return open_clip(source, **{name: reading[name] for name in READING if name in reading})


def _identity(clip: Clip) -> dict[str, Any]:
    """What tells one clip from another, also where a file was replaced by one of the same size."""
    digests = digests_in(Environment().cache)
    names = "\n".join(clip.frame_name(index) for index in range(len(clip)))
    return {
        "frames": len(clip),
        "width": clip.width,
        "height": clip.height,
        "content": clip_digest(clip, digests),
        "names": hashlib.sha256(names.encode("utf-8", "replace")).hexdigest(),
        "sound": None if clip.sound is None else digests.of(clip.sound.path),
    }
