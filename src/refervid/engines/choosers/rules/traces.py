"""What regions do over time: points carried along by optical flow, both ways from where they start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.engines.choosers.rules.region import Region, intersection_over_union
from refervid.scene import Scene
from refervid.scene.flow import Flow

POINTS = 160
"""Points per region; enough for a median, few enough to cost nothing beside the flow."""
REACH_S = 8.0
"""A region is followed so long to either side: beyond that points have drifted off."""
CLOSED_PX = 1.0
"""Flow forth and back may miss its start by this much, plus a twentieth of its length."""
LOST = 0.2
"""A region is lost where fewer of its points than this share can be followed."""
SAME_OBJECT = 0.3
"""Overlap from which a region carried to another frame is the region found there."""


@dataclass(eq=False)
class Trace:
    """One region over the clip. All arrays have T rows, NaN (support: 0) where it was not followed.

    `box` (T, 4) xyxy analysis pixels; `velocity` (T, 2) and `agitation` (T,): median motion of the points
    and mean length of their motions from each frame to the next, less the camera's, in analysis pixels per
    second; `growth` (T,) logarithm of the size against the start's; `turn` (T,) rotation in radians against
    the start; `support` (T,) share of the points that can be seen. `first`, `last` bound the frames that
    were looked at; `length` is the region's size (side of an equal square) in analysis pixels.
    """

    box: NDArray[np.float64]
    velocity: NDArray[np.float64]
    agitation: NDArray[np.float64]
    growth: NDArray[np.float64]
    turn: NDArray[np.float64]
    support: NDArray[np.float64]
    first: int
    last: int
    length: float


def trace_all(scene: Scene, regions: Sequence[Region]) -> list[Trace]:
    """A trace of every region; each flow field is read once in either direction."""
    traces = [_start(scene, region) for region in regions]
    for direction in (1, -1):
        walkers = [_Walker(region, trace) for region, trace in zip(regions, traces, strict=True)]
        starts = [walker.frame for walker in walkers]
        frames: Iterable[int] = (
            range(min(starts, default=0), max((trace.last for trace in traces), default=0))
            if direction > 0
            else range(max(starts, default=0), min((trace.first for trace in traces), default=0), -1)
        )
        for frame in frames:
            due = [walker for walker in walkers if walker.due(frame, direction)]
            if due:
                _step(scene, frame, direction, due)
    return traces


def same_object(one: Region, other: Region, traces: Mapping[Region, Trace]) -> float:
    """Overlap of a region, carried along, with the other where that was found; the better of both ways."""
    overlaps = []
    for start, end in ((one, other), (other, one)):
        box = traces[start].box[end.frame_index]
        overlaps.append(intersection_over_union(box, end.box) if np.isfinite(box).all() else 0.0)
    return max(overlaps)


def _start(scene: Scene, region: Region) -> Trace:
    count = len(scene)
    times = scene.times_s
    near = np.flatnonzero(np.abs(times - times[region.frame_index]) <= REACH_S)
    trace = Trace(
        box=np.full((count, 4), np.nan),
        velocity=np.full((count, 2), np.nan),
        agitation=np.full(count, np.nan),
        growth=np.full(count, np.nan),
        turn=np.full(count, np.nan),
        support=np.zeros(count),
        first=int(near[0]),
        last=int(near[-1]),
        length=float(np.sqrt(region.area)),
    )
    trace.box[region.frame_index] = region.box
    trace.growth[region.frame_index] = trace.turn[region.frame_index] = 0
    trace.support[region.frame_index] = 1
    return trace


class _Walker:
    """The points of one region on their way in one direction."""

    def __init__(self, region: Region, trace: Trace) -> None:
        ys, xs = np.nonzero(region.mask)
        chosen = np.linspace(0, len(xs) - 1, min(POINTS, len(xs))).astype(int)
        self.points = np.stack([xs[chosen], ys[chosen]], -1).astype(np.float32)
        self.seen = np.ones(len(chosen), bool)
        self.frame = region.frame_index
        self.trace = trace
        self.growth = self.turn = 0.0
        self.box = region.box.copy()
        self.lost = False

    def due(self, frame: int, direction: int) -> bool:
        end = self.trace.last if direction > 0 else self.trace.first
        return not self.lost and self.frame == frame and frame != end


def _step(scene: Scene, frame: int, direction: int, walkers: Sequence[_Walker]) -> None:
    """Carry the walkers from `frame` to the next one in their direction."""
    ahead = frame + direction
    go, back = (scene.forward, scene.backward) if direction > 0 else (scene.backward, scene.forward)
    there, home = go(frame), back(ahead)
    earlier = min(frame, ahead)
    camera = (
        scene.camera(earlier)
        if direction > 0
        else np.asarray(np.linalg.inv(scene.camera(earlier)), np.float64)
    )
    seconds = float(scene.times_s[max(frame, ahead)] - scene.times_s[earlier])
    for walker in walkers:
        _carry(walker, there, home, camera, direction / seconds, earlier, ahead)


def _carry(
    walker: _Walker,
    there: Flow,
    home: Flow,
    camera: NDArray[np.float64],
    rate: float,
    earlier: int,
    ahead: int,
) -> None:
    height, width = there.shape[:2]
    points, trace = walker.points, walker.trace
    motion = _sample(there, points)
    arrived = points + motion
    inside = ((arrived >= 0) & (arrived < (width, height))).all(1)
    missed = np.linalg.norm(motion + _sample(home, arrived), axis=1)
    closed = inside & (missed < CLOSED_PX + 0.05 * np.linalg.norm(motion, axis=1))
    walker.frame = ahead
    trace.support[ahead] = closed.mean()
    if closed.mean() < LOST:
        walker.lost = True
        return
    own = motion - (_apply(camera, points) - points)
    trace.velocity[earlier] = np.median(own[closed], axis=0) * rate
    trace.agitation[earlier] = np.linalg.norm(own[closed], axis=1).mean() * abs(rate)
    similarity, _ = cv2.estimateAffinePartial2D(points[closed], arrived[closed], method=cv2.LMEDS)
    if similarity is not None:
        walker.growth += float(np.log(np.clip(np.hypot(similarity[0, 0], similarity[1, 0]), 0.8, 1.25)))
        walker.turn += float(np.arctan2(similarity[1, 0], similarity[0, 0]))
    shift = np.median(motion[closed], axis=0)
    # Points that cannot be followed go along with the rest, so that they may be seen again.
    walker.points = np.where(closed[:, None], arrived, points + shift).astype(np.float32)
    centre = (walker.box[:2] + walker.box[2:]) / 2 + shift
    half = (walker.box[2:] - walker.box[:2]) / 2
    step = np.exp(walker.growth - trace.growth[ahead - (1 if rate > 0 else -1)])
    walker.box = np.concatenate([centre - half * step, centre + half * step])
    trace.box[ahead] = walker.box
    trace.growth[ahead], trace.turn[ahead] = walker.growth, walker.turn


def _sample(flow: Flow, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Flow (N, 2) at points (N, 2) by bilinear interpolation."""
    values = cv2.remap(
        flow, points[:, None, 0], points[:, None, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(values[:, 0], np.float32)


def _apply(matrix: NDArray[np.float64], points: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.perspectiveTransform(points[:, None], matrix)[:, 0], np.float32)
