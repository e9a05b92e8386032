"""The common form of referring video data: `meta_expressions.json`, `JPEGImages`, `Annotations`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from refervid.core.files import by_number
from refervid.datasets.item import VideoSource
from refervid.datasets.problems import Problems

ObjectId = str | int


class Expression(BaseModel):
    """One sentence; `obj_id` and `anno_id` are missing where the masks are not public.

    `type` and `type_id` are its kind in Long-RVOS and ReVOS, which check them.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    exp: str
    obj_id: ObjectId | list[ObjectId] | None = None
    anno_id: ObjectId | list[ObjectId] | None = None
    type: Any = None
    type_id: Any = None


class VideoEntry(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    frames: list[str] = Field(min_length=1)
    expressions: dict[str, Expression]


class MetaExpressions(BaseModel):
    """Content of `meta_expressions.json`; unknown fields are left alone, as the published files differ."""

    model_config = ConfigDict(frozen=True, strict=True)

    videos: dict[str, VideoEntry]


@dataclass(frozen=True)
class VideoTask:
    """One video with its sentences, checked: every name is safe and every picture is there."""

    source: VideoSource
    frames: tuple[str, ...]
    expressions: dict[str, Expression]


def as_list(ids: ObjectId | list[ObjectId] | None) -> list[str]:
    """Object ids as text, whichever of the published forms they have."""
    if ids is None:
        return []
    return [str(each) for each in (ids if isinstance(ids, list) else [ids])]


def video_tasks(
    meta: MetaExpressions, file: Path, pictures: Path, fps: float, problems: Problems
) -> Iterator[VideoTask]:
    """The videos in order; those with faults are left out and reported."""
    for video in sorted(meta.videos):
        entry = meta.videos[video]
        names = [video, *entry.frames, *entry.expressions]
        unsafe = [name for name in names if not problems.name(file, name)]
        if unsafe:
            continue
        twice = sorted(name for name, count in Counter(entry.frames).items() if count > 1)
        if twice:
            problems.add(file, f"video {video} lists frame {', '.join(twice)} twice", "remove one")
        folder = pictures / video
        found = picture_names(folder)
        frames = tuple(sorted(entry.frames, key=by_number))
        problems.missing(
            folder,
            [f"{name}.jpg" for name in frames if name not in found],
            "put the frames there or take them out of meta_expressions.json",
        )
        if all(name in found for name in frames):
            source = VideoSource(video, folder, tuple(found[name] for name in frames), fps)
            expressions = {key: entry.expressions[key] for key in sorted(entry.expressions, key=by_number)}
            yield VideoTask(source, frames, expressions)


def picture_names(folder: Path) -> dict[str, Path]:
    """Pictures of a folder by name without suffix; empty if there is no folder."""
    if not folder.is_dir():
        return {}
    return {path.stem: path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png")}


def unknown_videos(folder: Path, known: Sequence[str], problems: Problems) -> None:
    """A fault for every annotation folder whose video is not listed."""
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.is_dir() and path.name not in known:
                problems.add(
                    path, "annotates a video that is not listed", "list the video or remove the folder"
                )
