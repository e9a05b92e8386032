"""Objects followed while frames arrive."""

from __future__ import annotations

import json
import statistics
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TextIO

import numpy as np

from refervid.core.errors import OutputConflict, SettingsError
from refervid.core.files import inside, write_text
from refervid.core.outputs import output_lock, writing_to
from refervid.core.rle import encode_mask
from refervid.core.types import Mask, Pivot, TextReference
from refervid.engines.base import LiveTracker, Tracker
from refervid.media.live import LivePicture
from refervid.media.picture_list import PictureListClip
from refervid.pipelines.base import Pipeline
from refervid.pipelines.marks import check_marks
from refervid.pipelines.session.results import numbered

_RECENT = 10_000
"""Frames whose latencies make the summary's figures."""

_LOOK_PIXELS = 10**9
"""Of all frames together that are looked at for a sentence, at 3 bytes each: 16 s of 1080p at 30 a second."""


@dataclass(frozen=True)
class Followed:
    """One frame with its masks (H, W) by the names of the objects; `latency_s` from its arrival to them."""

    index: int
    picture: LivePicture
    masks: Mapping[str, Mask]
    presence: Mapping[str, float]
    latency_s: float


@dataclass(frozen=True)
class Look:
    """What sentences mean: marks on `picture` by the names of the objects, which are guesses, and notes."""

    picture: LivePicture
    objects: Mapping[str, Sequence[Pivot]]
    guesses: frozenset[str]
    notes: Sequence[str]


def follow(
    tracker: Tracker, pictures: Iterable[LivePicture], objects: Mapping[str, Sequence[Pivot]]
) -> Iterator[Followed]:
    """Carry what is marked on the first frame through all that arrive.

    Raises `SettingsError` for a tracker that cannot work so, and for marks on another frame or beside it.
    """
    if not isinstance(tracker, LiveTracker):
        raise SettingsError(f"the tracker {tracker.name} needs the whole clip: choose another preset")
    for name, pivots in objects.items():
        if late := [pivot.frame_index for pivot in pivots if pivot.frame_index]:
            raise SettingsError(f"{name}: a mark on frame {late[0]}: of a live source mark the first one, 0")
    names = dict(enumerate(objects))
    tracking = None
    for index, picture in enumerate(pictures):
        if tracking is None:
            if objects:
                check_marks(PictureListClip([picture.frame]), objects)
            tracking = tracker.live(*picture.frame.shape[:2])
        given = dict(enumerate(objects.values())) if index == 0 else {}
        found = tracking.push(picture.frame, given)
        masks = {names[number]: mask for number, mask in found.masks.items()}
        presence = {names[number]: sure for number, sure in found.presence.items()}
        yield Followed(index, picture, masks, presence, time.monotonic() - picture.arrived_s)


def look_for(
    pipeline: Pipeline, texts: Sequence[str], pictures: Iterator[LivePicture], look_s: float
) -> Look:
    """What sentences mean in the first `look_s` seconds, on the last frame of these.

    Frames that arrive while it is looked for are the source's to drop or to hold back. The look is shorter
    where its frames would take too much memory, and a note says so.
    """
    seen = [next(pictures)]
    most = max(_LOOK_PIXELS // (seen[0].frame.size // 3), 1)
    while seen[-1].time_s - seen[0].time_s < look_s and len(seen) < most:
        picture = next(pictures, None)
        if picture is None:
            break
        seen.append(picture)
    times_s = np.array([picture.time_s - seen[0].time_s for picture in seen])
    clip = PictureListClip([picture.frame for picture in seen], times_s=times_s)
    objects: dict[str, list[Pivot]] = {}
    guesses: set[str] = set()
    notes: list[str] = []
    if len(seen) == most and times_s[-1] < look_s:
        notes.append(f"only the first {times_s[-1]:.1f} s were looked at: more frames take too much memory")
    for result in pipeline.run(clip, [TextReference(text) for text in texts]):
        notes += [f"{result.query}: {result.status.replace('_', ' ')} ({result.confidence:.0%} sure)"]
        notes += [f"  - {note}" for note in result.notes]
        for one in numbered(result, 1):
            mask = one.track[len(seen) - 1]
            if mask.any():
                objects[one.name] = [Pivot(0, mask=mask)]
                guesses |= {one.name} if result.status == "guess" else set()
    return Look(seen[-1], objects, frozenset(guesses), notes)


@dataclass
class Tally:
    """What came of a source so far; times in seconds."""

    frames: int = 0
    dropped: int = 0
    length_s: float = 0.0
    latencies_s: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    began_s: float = field(default_factory=time.monotonic)

    def add(self, followed: Followed) -> None:
        self.frames += 1
        self.dropped += followed.picture.dropped
        self.length_s = followed.picture.time_s
        self.latencies_s.append(followed.latency_s)

    def content(self) -> dict[str, Any]:
        """Ready for JSON; `fps` are frames worked on per second of real time."""
        ordered = sorted(self.latencies_s) or [0.0]
        worked_s = max(time.monotonic() - self.began_s, 1e-9)
        return {
            "frames": self.frames,
            "dropped": self.dropped,
            "length_s": round(self.length_s, 6),
            "fps": round(self.frames / worked_s, 2),
            "latency_s": {
                "median": round(statistics.median(ordered), 4),
                "of_95_percent": round(ordered[round(0.95 * (len(ordered) - 1))], 4),
            },
        }


class LiveFolder:
    """`masks.jsonl` gets a line per frame as it goes, and in the end `live.json` the figures, the names of
    the objects that are `guesses`, and what `notes` hold by then.

    Before the first frame there is neither, so that what could not begin can be begun again.
    A context. Raises as `output_lock`, and `OutputConflict` where one of the files is there.
    """

    def __init__(self, folder: Path, source: str, notes: Sequence[str] = ()) -> None:
        self._folder = folder
        self._source, self._notes = source, notes
        self.tally = Tally()
        self.guesses: Collection[str] = ()
        with ExitStack() as stack:
            self._place = stack.enter_context(output_lock(folder))
            for name in ("masks.jsonl", "live.json"):
                if inside(folder, name).exists():
                    raise OutputConflict(f"{folder / name} is there already: choose another folder (--out)")
            stack.callback(self._write_figures)
            self._held = stack.pop_all()
        self._lines: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: Any) -> None:
        self._held.__exit__(*raised)

    def write(self, followed: Followed) -> None:
        """One line, on its way to the disk when this returns."""
        self.tally.add(followed)
        height, width = followed.picture.frame.shape[:2]
        objects = {
            name: {
                "size": [height, width],
                "counts": encode_mask(mask).decode(),
                "presence": round(followed.presence[name], 4),
            }
            for name, mask in followed.masks.items()
        }
        line = {
            "frame": followed.index,
            "time_s": round(followed.picture.time_s, 6),
            "latency_s": round(followed.latency_s, 4),
            "dropped_before": followed.picture.dropped,
            "objects": objects,
        }
        with writing_to(self._folder):
            if self._lines is None:
                self._lines = self._held.enter_context(
                    (self._folder / "masks.jsonl").open("x", encoding="utf-8")
                )
            self._lines.write(json.dumps(line) + "\n")
            self._lines.flush()

    def _write_figures(self) -> None:
        if self._lines is None:
            return
        with writing_to(self._folder):
            content = {
                "source": self._source,
                "guesses": sorted(self.guesses),
                **self.tally.content(),
                "notes": list(self._notes),
            }
            write_text(self._folder / "live.json", json.dumps(content, indent=1), self._place)
