"""What a form of export is given, and how it names its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from refervid.core.track import Track
from refervid.core.types import Details
from refervid.media.clip import Clip


@dataclass(frozen=True)
class NamedTrack:
    """A track with the sentence it answers and the name of its files.

    `objects` are the tracks of the things that it consists of.
    """

    slug: str
    text: str
    track: Track
    objects: Sequence[Track]


@dataclass(frozen=True)
class Form:
    """`write` puts its files below a folder; `files` gives their names from there, for a clip's name, the
    names of its frames, and the slugs of its tracks.
    """

    write: Callable[[Path, Clip, Sequence[NamedTrack]], None]
    files: Callable[[str, Sequence[str], Sequence[str]], Iterable[str]]


def objects_of(tracks: Sequence[NamedTrack]) -> list[tuple[int, str, Track]]:
    """Every object's track, with the number of its sentence, from 1, and its words."""
    return [(number, named.text, track) for number, named in enumerate(tracks, 1) for track in named.objects]


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_json(path: Path, document: Details) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8", errors="replace")
