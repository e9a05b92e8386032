"""Detections of sampled frames become tracks: by place, size, names and colours, through short gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from refervid.core.boxes import box_iou
from refervid.engines.inventory import ObjectTrack

SURE = 0.4
"""Boxes of at least this score are linked first; what is less sure may go on a track, as in ByteTrack
(Zhang et al., ECCV 2022)."""
STARTS = 0.25
"""The least score that starts a track."""
LINKED = 0.3
"""The least likeness of a box and the track that it goes on."""
GAP_S = 1.5
"""A track that is not seen for longer ends, though not before it is missed on two frames that are looked at;
the same thing may be a new track later."""
REACH = 0.7
"""So many sizes of its own away from where it was expected, half of the trust that it is it is gone."""

JOINED = 0.6
"""Median overlap from which two tracks of the same names are one thing seen twice."""
JOINED_GAP_S = 3.0
"""A track goes on with another that begins where it ended, after a gap of no more than this, or than one in
which a track does not end."""

SEEN_ONCE = 0.5
"""A thing on a single one of several frames counts if its box has this score."""

SAME_NAMES = 0.5
"""Cosine of the probabilities from which on two boxes have the same names."""

Boxes = NDArray[np.float32]
"""(N, 4) xyxy."""
Probabilities = NDArray[np.float32]
"""(N, C), one column per name; names do not exclude each other."""


@dataclass(frozen=True)
class Detections:
    """Boxes of one frame in its pixels, and what they may be."""

    boxes: Boxes
    names: Probabilities

    @property
    def scores(self) -> NDArray[np.float32]:
        """(N,) probability of the likeliest name."""
        return np.asarray(self.names.max(axis=1, initial=0.0), np.float32)

    def pick(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Detections:
        return Detections(self.boxes[rows], self.names[rows])


Colours = NDArray[np.float32]
"""(N, C) shares of colours, the rows sum to 1."""


@dataclass(eq=False)
class Sightings:
    """One thing as it was seen on N sampled frames: parallel lists."""

    frames: list[int] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    boxes: list[NDArray[np.float32]] = field(default_factory=list)
    expected: NDArray[np.float32] = field(default_factory=lambda: np.zeros(4, np.float32))
    """(4,) the last box, carried along since by who knows how."""
    names: list[NDArray[np.float32]] = field(default_factory=list)
    colours: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, frame: int, time_s: float, found: Detections, colours: Colours, number: int) -> None:
        self.frames.append(frame)
        self.times_s.append(time_s)
        self.boxes.append(found.boxes[number])
        self.expected = found.boxes[number]
        self.names.append(found.names[number])
        self.colours.append(colours[number])

    def boxes_at(self, frames: Sequence[int]) -> Boxes:
        """Between sightings by interpolation; before the first and after the last, that one."""
        sides = np.stack(self.boxes, 1)
        return np.stack([np.interp(frames, self.frames, side) for side in sides], 1, dtype=np.float32)

    def track(self, number: int, names: Mapping[str, float]) -> ObjectTrack:
        """With these names, and without colours."""
        return ObjectTrack(
            number,
            np.array(self.frames, np.int64),
            np.stack(self.boxes),
            np.array([each.max() for each in self.names], np.float32),
            names,
        )


class Linker:
    """Takes the detections of frame after frame; `tracks` are all that began so far, `open` those that may go
    on: who knows how the picture moves changes where they are `expected`. `times_s` (N,) are those of all
    frames that are looked at.
    """

    def __init__(self, times_s: NDArray[np.float64]) -> None:
        # The median, since the times of a clip may jump by days.
        spacing = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
        self.gap_s = max(GAP_S, 2 * spacing)
        self._looked_at = len(times_s)
        self.tracks: list[Sightings] = []
        self.open: list[Sightings] = []

    def add(self, frame: int, time_s: float, found: Detections, colours: Colours) -> None:
        """The detections of the next sampled frame."""
        self.open = [track for track in self.open if time_s - track.times_s[-1] <= self.gap_s]
        scores = found.scores
        free = np.ones(len(scores), bool)
        waiting = list(self.open)
        for chosen in (scores >= SURE, scores < SURE):
            numbers = np.flatnonzero(chosen & free)
            for track, number in _linked(waiting, found, colours, numbers):
                track.add(frame, time_s, found, colours, number)
                waiting.remove(track)
                free[number] = False
        for number in np.flatnonzero(free & (scores >= STARTS)).tolist():
            track = Sightings()
            track.add(frame, time_s, found, colours, number)
            self.open.append(track)
            self.tracks.append(track)

    def things(self, seen_once: float = SEEN_ONCE) -> list[Sightings]:
        """Each thing once, by the time of its first sighting, of several the one that was seen most.

        Of several frames that were looked at one is not enough, unless it shows the thing this surely.
        """
        lasting = [
            one
            for one in joined(self.tracks, self.gap_s)
            if len(one.frames) > 1 or self._looked_at == 1 or float(one.names[0].max()) >= seen_once
        ]
        return sorted(lasting, key=lambda one: (one.frames[0], -len(one.frames)))


def _linked(
    tracks: list[Sightings], found: Detections, colours: Colours, numbers: NDArray[np.intp]
) -> list[tuple[Sightings, int]]:
    """Pairs of tracks and boxes, together as alike as can be."""
    if not tracks or not len(numbers):
        return []
    alike = _likeness(
        np.stack([track.expected for track in tracks]),
        np.stack([np.mean(track.names[-5:], axis=0) for track in tracks]),
        np.stack([np.mean(track.colours[-5:], axis=0) for track in tracks]),
        found.pick(numbers),
        colours[numbers],
    )
    pairs = zip(*linear_sum_assignment(-alike), strict=True)
    return [(tracks[row], int(numbers[column])) for row, column in pairs if alike[row, column] >= LINKED]


def _likeness(
    boxes: Boxes, names: Probabilities, looks: Colours, found: Detections, colours: Colours
) -> NDArray[np.float32]:
    """(tracks, detections) in 0..1."""
    shared = intersections(boxes, found.boxes)
    sizes, others = (
        np.sqrt(np.maximum((b[:, 2:] - b[:, :2]).prod(axis=1), 1.0)) for b in (boxes, found.boxes)
    )
    overlap = shared / (sizes[:, None] ** 2 + others**2 - shared)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2, (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    away = np.linalg.norm(middles[0][:, None] - middles[1], axis=-1) / (
        REACH * np.maximum(sizes[:, None], others)
    )
    ratio = np.minimum(sizes[:, None] / others, others / sizes[:, None])
    place = np.maximum(overlap, 0.5 ** (away**2) * ratio)
    called = cosines(names, found.names)
    coloured = np.minimum(looks[:, None], colours).sum(axis=-1)
    return np.asarray(place * (0.4 + 0.6 * called) * (0.25 + 0.75 * coloured), np.float32)


def joined(tracks: list[Sightings], gap_s: float) -> list[Sightings]:
    """Without tracks that are parts of others: seen twice at the same time, or going on after a gap."""
    kept: list[Sightings] = []
    for track in sorted(tracks, key=lambda one: -len(one.frames)):
        whole = next((one for one in kept if _one_thing(one, track, gap_s)), None)
        if whole is None:
            kept.append(track)
        else:
            _merge(whole, track)
    return kept


def _one_thing(one: Sightings, other: Sightings, gap_s: float) -> bool:
    names = np.mean(one.names, axis=0), np.mean(other.names, axis=0)
    if names[0] @ names[1] < SAME_NAMES * np.linalg.norm(names[0]) * np.linalg.norm(names[1]):
        return False
    first, last = max(one.frames[0], other.frames[0]), min(one.frames[-1], other.frames[-1])
    together = [frame for frame in {*one.frames, *other.frames} if first <= frame <= last]
    if together:
        pairs = zip(one.boxes_at(together), other.boxes_at(together), strict=True)
        return float(np.median([box_iou(*pair) for pair in pairs])) >= JOINED
    early, late = sorted((one, other), key=lambda each: each.frames[0])
    near = late.times_s[0] - early.times_s[-1] <= max(JOINED_GAP_S, gap_s)
    return near and box_iou(early.boxes[-1], late.boxes[0]) >= JOINED


def _merge(whole: Sightings, part: Sightings) -> None:
    """Where both were seen the surer sighting stays."""
    seen = {frame: number for number, frame in enumerate(whole.frames)}
    for number, frame in enumerate(part.frames):
        if frame not in seen:
            for into, taken in zip(_lists(whole), _lists(part), strict=True):
                into.append(taken[number])
        elif part.names[number].max() > whole.names[seen[frame]].max():
            for into, taken in zip(_lists(whole), _lists(part), strict=True):
                into[seen[frame]] = taken[number]
    order = np.argsort(whole.frames, kind="stable").tolist()
    for each in _lists(whole):
        each[:] = [each[place] for place in order]


def _lists(one: Sightings) -> tuple[list[Any], ...]:
    return one.frames, one.times_s, one.boxes, one.names, one.colours


def cosines(one: Probabilities, other: Probabilities) -> NDArray[np.float32]:
    """(N, M) of the rows with each other."""
    lengths = np.linalg.norm(one, axis=1)[:, None] * np.linalg.norm(other, axis=1)
    return np.asarray(one @ other.T / np.maximum(lengths, 1e-9), np.float32)


def intersections(one: Boxes, other: Boxes) -> NDArray[np.float32]:
    """(N, M) shared areas."""
    sides = np.minimum(one[:, None, 2:], other[None, :, 2:]) - np.maximum(
        one[:, None, :2], other[None, :, :2]
    )
    return np.asarray(np.clip(sides, 0, None).prod(axis=-1), np.float32)
