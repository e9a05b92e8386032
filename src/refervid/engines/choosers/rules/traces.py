"""What regions do over time: points carried along by optical flow, both ways from where they start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.engines.choosers.rules.region import Region, intersection_over_union
from refervid.scene import Scene
from refervid.scene.flow import Flow

POINTS = 100
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


class Traces:
    """The traces of some regions of one clip, made all together when the first is asked for."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self._regions = regions
        self._made: dict[Region, Trace] = {}

    def __getitem__(self, region: Region) -> Trace:
        if not self._made:
            self._made = dict(zip(self._regions, _trace_all(self._regions), strict=True))
        return self._made[region]

    def same_object(self, one: Region, other: Region) -> float:
        """Overlap of a region, carried along, with the other where that is; the better of both ways."""
        overlaps = []
        for start, end in ((one, other), (other, one)):
            box = self[start].box[end.frame_index]
            overlaps.append(intersection_over_union(box, end.box) if np.isfinite(box).all() else 0.0)
        return max(overlaps)


def _trace_all(regions: Sequence[Region]) -> list[Trace]:
    """Each flow field is read once in either direction."""
    scene = regions[0].scene
    traces = [_start(scene, region) for region in regions]
    for direction in (1, -1):
        walkers = [_Walker(region, trace) for region, trace in zip(regions, traces, strict=True)]
        starts = [walker.frame for walker in walkers]
        frames = (
            range(min(starts), max(trace.last for trace in traces))
            if direction > 0
            else range(max(starts), min(trace.first for trace in traces), -1)
        )
        for frame in frames:
            due = [walker for walker in walkers if walker.due(frame, direction)]
            if due:
                _step(scene, frame, direction, due)
    return traces


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
        self.frame = region.frame_index
        self._trace = trace
        self._growth = self._turn = 0.0
        self._box = region.box.copy()
        self._lost = False

    def due(self, frame: int, direction: int) -> bool:
        end = self._trace.last if direction > 0 else self._trace.first
        return not self._lost and self.frame == frame and frame != end

    def carry(
        self,
        arrived: NDArray[np.float32],
        closed: NDArray[np.bool_],
        own: NDArray[np.float32],
        ahead: int,
        rate: float,
    ) -> None:
        """Move the points (N, 2) to where they `arrived` on frame `ahead`, `closed` (N,) where that is sure.

        `own` (N, 2) is their motion less the camera's; `rate` is steps per second, negative backwards.
        """
        trace = self._trace
        earlier = min(self.frame, ahead)
        self.frame = ahead
        trace.support[ahead] = closed.mean()
        if closed.mean() < LOST:
            self._lost = True
            return
        trace.velocity[earlier] = np.median(own[closed], axis=0) * rate
        trace.agitation[earlier] = np.linalg.norm(own[closed], axis=1).mean() * abs(rate)
        growth, turn = _similarity(self.points[closed], arrived[closed])
        self._growth += growth
        self._turn += turn
        shift = np.median((arrived - self.points)[closed], axis=0)
        # Points that cannot be followed go along with the rest, so that they may be seen again.
        self.points = np.where(closed[:, None], arrived, self.points + shift).astype(np.float32)
        centre = (self._box[:2] + self._box[2:]) / 2 + shift
        half = (self._box[2:] - self._box[:2]) / 2 * np.exp(growth)
        self._box = np.concatenate([centre - half, centre + half])
        trace.box[ahead] = self._box
        trace.growth[ahead], trace.turn[ahead] = self._growth, self._turn


def _step(scene: Scene, frame: int, direction: int, walkers: Sequence[_Walker]) -> None:
    """Carry the walkers from `frame` to the next one in their direction."""
    ahead = frame + direction
    go, back = (scene.forward, scene.backward) if direction > 0 else (scene.backward, scene.forward)
    earlier = min(frame, ahead)
    camera = (
        scene.camera(earlier)
        if direction > 0
        else np.asarray(np.linalg.inv(scene.camera(earlier)), np.float64)
    )
    seconds = float(scene.times_s[max(frame, ahead)] - scene.times_s[earlier])
    # All points of all walkers at once: the calls cost more than the points.
    points = np.concatenate([walker.points for walker in walkers])
    motion = _sample(go(frame), points)
    arrived = points + motion
    missed = np.linalg.norm(motion + _sample(back(ahead), arrived), axis=1)
    inside = ((arrived >= 0) & (arrived < scene.size[::-1])).all(1)
    closed = inside & (missed < CLOSED_PX + 0.05 * np.linalg.norm(motion, axis=1))
    own = motion - (_apply(camera, points) - points)
    start = 0
    for walker in walkers:
        here = slice(start, start + len(walker.points))
        start = here.stop
        walker.carry(arrived[here], closed[here], own[here], ahead, direction / seconds)


def _sample(flow: Flow, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Flow (N, 2) at points (N, 2) by bilinear interpolation."""
    values = cv2.remap(
        flow, points[:, None, 0], points[:, None, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(values[:, 0], np.float32)


def _similarity(start: NDArray[np.float32], end: NDArray[np.float32]) -> tuple[float, float]:
    """Logarithm of the scale and angle of the similarity that carries points (N, 2) to others.

    Least squares in complex numbers, over the half of the points that move most like the rest.
    """
    motion = end - start
    strange = np.linalg.norm(motion - np.median(motion, axis=0), axis=1)
    kept = strange <= np.median(strange)
    before, after = (points[kept] - points[kept].mean(axis=0) for points in (start, end))
    before, after = before @ (1, 1j), after @ (1, 1j)
    spread = float((np.abs(before) ** 2).sum())
    if spread < 1:
        return 0.0, 0.0
    turn = complex((before.conj() * after).sum()) / spread
    return float(np.log(np.clip(abs(turn), 0.8, 1.25))), float(np.angle(turn))


def _apply(matrix: NDArray[np.float64], points: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.perspectiveTransform(points[:, None], matrix)[:, 0], np.float32)
