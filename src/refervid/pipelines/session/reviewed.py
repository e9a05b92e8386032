"""What a person accepted in sessions, as a data set to learn from and to score on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from refervid.core.errors import DatasetError, MediaError, SettingsError
from refervid.core.files import slug, write_text
from refervid.core.track import Track
from refervid.core.types import Hook, no_hook
from refervid.datasets.samples import write_id_maps, write_pictures
from refervid.media.pictures import id_map
from refervid.metrics.davis import VOID
from refervid.pipelines.base import Pipeline
from refervid.pipelines.session.identity import JOURNAL, reopened
from refervid.pipelines.session.session import Session

SAME = 0.5
"""Intersection over union over the whole clip from which on two objects are one thing (what counts as found
in PASCAL VOC)."""


@dataclass
class Reviewed:
    """What was written: `videos` as meta_expressions.json has them; `notes` say what was left out."""

    videos: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def sessions_below(folders: Sequence[Path]) -> list[Path]:
    """The sessions at or below these folders. Raises `DatasetError` where there is none."""
    found = sorted({file.parent for folder in folders for file in folder.rglob(JOURNAL)})
    if not found:
        raise DatasetError(f"no session at or below {', '.join(map(str, folders))}: name their folders")
    return found


def write_reviewed(
    folders: Sequence[Path], root: Path, pipeline: Pipeline, *, every: int = 1, hook: Hook = no_hook
) -> Reviewed:
    """The accepted sentences of sessions, in the layout of Ref-YouTube-VOS that the data set `folder` has.

    `root` gets `every`-th frames as JPEG, one map of object ids per frame, and meta_expressions.json.
    Raises `DatasetError` for a session whose clip is gone or another one, and where nothing was accepted.
    """
    written = Reviewed()
    for number, folder in enumerate(folders, 1):
        try:
            clip = reopened(folder)
            with Session(clip, folder, pipeline) as session:
                _write_clip(session, root, slug(clip.name, written.videos), every, written)
        except (MediaError, SettingsError) as error:
            raise DatasetError(f"{folder} cannot be used: {error}") from error
        hook("write clips", None, number, len(folders))
    if not written.videos:
        raise DatasetError("nothing was accepted in these sessions: review their answers first")
    file = root / "meta_expressions" / "meta_expressions.json"
    write_text(file, json.dumps({"videos": written.videos}, indent=1, ensure_ascii=False))
    return written


def _write_clip(session: Session, root: Path, name: str, every: int, written: Reviewed) -> None:
    things: list[Track] = []
    expressions: dict[str, Any] = {}
    for answer in session.answers.values():
        if answer.review != "accepted" or answer.kind != "text":
            continue
        if not answer.objects or any(session.objects[number].unfinished for number in answer.objects):
            why = "is not finished" if answer.objects else "has no object"
            written.notes.append(f"{name}: {answer.words!r} {why}, and is left out")
            continue
        meant = dict.fromkeys(_id_of(session[number].track, things) for number in answer.objects)
        ids = [str(one) for one in meant]
        expressions[str(len(expressions))] = {"exp": answer.words, "obj_id": ids[0] if len(ids) == 1 else ids}
    if not expressions:
        return
    if len(things) >= VOID:
        raise DatasetError(f"{name} has {len(things)} objects, and a map holds {VOID - 1}: accept fewer")
    clip, frames = session.clip, range(0, len(session.clip), every)
    names = [clip.frame_name(index) for index in frames]
    write_pictures(root / "JPEGImages" / name, (frame for _, frame in clip.frames(frames)), names)
    maps = (id_map((thing[index] for thing in things), clip.height, clip.width) for index in frames)
    write_id_maps(root / "Annotations" / name, maps, names)
    written.videos[name] = {"frames": names, "expressions": expressions}


def _id_of(track: Track, things: list[Track]) -> int:
    """The id of a thing, from 1; what several sentences mean is one."""
    for number, thing in enumerate(things, 1):
        if _overlap(track, thing) >= SAME:
            return number
    things.append(track)
    return len(things)


def _overlap(one: Track, other: Track) -> float:
    both = either = 0
    for index in range(len(one)):
        a, b = one[index], other[index]
        both, either = both + int((a & b).sum()), either + int((a | b).sum())
    return both / either if either else 0.0
