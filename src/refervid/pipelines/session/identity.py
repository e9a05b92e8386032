"""Whose session a folder is: the first line of its journal says of which clip."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from refervid.config.environment import Environment
from refervid.config.problems import problems_of
from refervid.core.digests import digests_in
from refervid.core.errors import BadResult, MediaNotFound, OutputConflict, SettingsError
from refervid.core.files import inside
from refervid.core.outputs import writing_to
from refervid.media.clip import Clip, clip_digest
from refervid.media.limits import DEFAULT_MAX_PIXELS
from refervid.media.opening import open_clip
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
    journal = inside(folder, JOURNAL)
    try:
        head = _Head.model_validate(Journal(journal, {}, folder).head)
    except ValidationError as error:
        raise BadResult(f"{journal} is not as this program writes it: {problems_of(error)[:300]}") from error
    if head.source is None or not os.path.exists(head.source):
        raise MediaNotFound(f"its clip is not at {head.source}: put it back, or leave it out")
    reading = {} if head.reading is None else head.reading.model_dump(exclude_unset=True)
    return open_clip(head.source, **reading)


class _Reading(BaseModel):
    """How a clip was read, as `open_clip` takes it."""

    audio: str | None = None
    fps: float | None = None
    strict: bool = False
    max_pixels: int = DEFAULT_MAX_PIXELS
    start_s: float = 0.0
    end_s: float | None = None
    every: int = 1


class _Head(BaseModel):
    """What is read of the first line where the clip is not given."""

    source: str | None
    reading: _Reading | None = None


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
