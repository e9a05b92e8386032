"""What a form of export is given, and how it names its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
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


class Form:
    """`write` puts its files below a folder; `names` are theirs from there, where `{clip}` is the clip's
    name, and `{slug}` and `{frame}` are those of each track and frame.
    """

    def __init__(self, write: Callable[[Path, Clip, Sequence[NamedTrack]], None], *names: str) -> None:
        self.write = write
        self._names = names

    def files(self, clip: str, frames: Sequence[str], slugs: Sequence[str]) -> Iterator[str]:
        """The names of all files for these."""
        for name in self._names:
            for slug in slugs if "{slug}" in name else [""]:
                for frame in frames if "{frame}" in name else [""]:
                    yield name.format(clip=clip, slug=slug, frame=frame)


def objects_of(tracks: Sequence[NamedTrack]) -> list[tuple[int, str, Track]]:
    """Every object's track, with the number of its sentence, from 1, and its words."""
    return [(number, named.text, track) for number, named in enumerate(tracks, 1) for track in named.objects]


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_json(path: Path, document: Details) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8", errors="replace")
