"""Made-up clips with their true tracks, and a model that judges as it is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from refervid.core.track import Track
from refervid.core.types import Hook
from refervid.datasets.synthetic.clips import MadeClip
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.media.array import ArrayClip
from refervid.media.clip import Clip
from tests.chat_server import Answer, says
from tests.pipelines.questions import kind_of, text_of

FPS = 8.0
Reply = Callable[[dict[str, Any]], Answer]


def clip_of(made: MadeClip) -> Clip:
    return ArrayClip(made.frames, fps=FPS, name=made.name)


def true_masks(made: MadeClip, thing: int) -> Track:
    """Of `made.things[thing]`, from 0."""
    frames, height, width = made.ids.shape
    track = Track(frames, height, width)
    for index, ids in enumerate(made.ids):
        track[index] = ids == thing + 1
    track.presence[:] = track.areas() > 0
    return track


def object_track(number: int, masks: Track, *names: str) -> ObjectTrack:
    seen = np.flatnonzero(masks.areas() > 0)
    return ObjectTrack(
        number,
        seen,
        masks.boxes_xyxy()[seen],
        np.full(len(seen), 0.9, np.float32),
        dict.fromkeys(names or ("thing",), 0.9),
        masks=masks,
    )


class TrueFinder:
    """Everything in a made-up clip, numbered from 1 as in the truth."""

    name, version = "truth", "1"

    def __init__(self, made: MadeClip) -> None:
        things = range(len(made.things))
        self.tracks = [
            object_track(thing + 1, true_masks(made, thing), made.things[thing].look.kind) for thing in things
        ]

    def find(self, clip: Clip, hook: Hook) -> Inventory:
        return Inventory(self.tracks, range(len(clip)))


class NamedFinder(TrueFinder):
    """The same for whoever says what to look for; `asked` is what was looked for, call by call."""

    def __init__(self, made: MadeClip) -> None:
        super().__init__(made)
        self.asked: list[tuple[str, ...]] = []

    def find_concepts(self, clip: Clip, concepts: Sequence[str], hook: Hook) -> Inventory:
        self.asked.append(tuple(concepts))
        found = [track for track in self.tracks if set(concepts) & set(track.names)]
        return Inventory(found, range(len(clip)))


def expression_of(body: dict[str, Any]) -> str:
    found = re.search(r'not meant for you\): (".*")$', text_of(body), re.MULTILINE)
    assert found
    return str(json.loads(found[1]))


def numbers_of(body: dict[str, Any]) -> list[int]:
    """Of the tracks that are asked about."""
    found = re.search(r"Which of the things ([\d, ]+) does", text_of(body))
    assert found
    return [int(number) for number in found[1].split(",")]


def judged(verdicts: Mapping[int, str], frames: tuple[int, int] = (1, 1)) -> Answer:
    first, last = frames
    tracks = [
        {"track": number, "reason": f"because of {number}", "verdict": verdict, "first": first, "last": last}
        for number, verdict in verdicts.items()
    ]
    return says(json.dumps({"scene": "a scene", "sentence": "a sentence", "tracks": tracks}))


def keeping(*meant: int) -> Reply:
    """Keeps these of the tracks that are asked about, and drops the others."""
    return lambda body: judged({n: "keep" if n in meant else "drop" for n in numbers_of(body)})


def right(body: dict[str, Any]) -> Answer:
    """The closing check is content."""
    found = re.search(r"from (?:box|the boxes) ([\d, ]+), out of", text_of(body))
    assert found
    return says(json.dumps({"reason": "it fits", "chosen": [int(n) for n in found[1].split(",")]}))


def names(*meant: str, related: Sequence[str] = ()) -> Answer:
    return says(json.dumps({"reason": "so it says", "meant": meant, "related": list(related)}))


def answering(
    tracks: Reply, concepts: Reply | None = None, check: Reply = right
) -> Callable[[int, dict[str, Any]], Answer]:
    replies = {"tracks": tracks, "check": check, "concepts": concepts or (lambda body: names("thing"))}
    return lambda number, body: replies[kind_of(body)](body)


def perfect_eye(meant: Mapping[str, Sequence[int]]) -> Reply:
    """Keeps the tracks that a sentence means, and drops the others."""
    return lambda body: keeping(*meant[expression_of(body)])(body)
