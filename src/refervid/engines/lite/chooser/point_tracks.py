"""What regions do over time: points carried along by optical flow, both ways from where they start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.boxes import box_iou
from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.analysis.flow import Flow
from refervid.engines.lite.chooser.region import Region
from refervid.engines.lite.computing import on_all_cores

POINTS = 100
"""Points per region; enough for a median, few enough to cost nothing beside the flow."""
REACH_S = 8.0
"""A region is followed so long to either side: beyond that points have drifted off."""
CLOSED_PX = 1.0
"""Flow forth and back may miss its start by this much, plus a twentieth of its length."""
LOST = 0.2
"""A region is lost where fewer of its points than this share can be followed."""
STEADY = 0.1
"""While so many of its points were seen all the way, a region has not slipped onto something else."""
ARRIVED = 0.3
"""Overlap from which a region carried to another frame is the region found there."""


@dataclass(eq=False)
class PointTrack:
    """One region on the N frames from `first` on, at `times_s` (N,).

    NaN (shares: 0) where it was not followed. `box` (N, 4) xyxy analysis pixels; `velocity` (N, 2) and
    `agitation` (N,): median motion of the points and mean length of their motions to the next frame, less
    the camera's, in analysis pixels per second; `growth` (N,) logarithm of the size against the start's;
    `turn` (N,) rotation in radians against the start; `support` (N,) share of the points that can be seen,
    `steady` (N,) of those that could be seen all the way. `length` is the region's size (side of an equal
    square) in analysis pixels.
    """

    first: int
    times_s: NDArray[np.float64]

    box: NDArray[np.float64]
    velocity: NDArray[np.float64]
    agitation: NDArray[np.float64]
    growth: NDArray[np.float64]
    turn: NDArray[np.float64]
    support: NDArray[np.float64]
    steady: NDArray[np.float64]
    length: float

    @property
    def last(self) -> int:
        return self.first + len(self.times_s) - 1


class PointTracks:
    """The point tracks of some regions of one clip, made all together when the first is asked for."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self._regions = regions
        self._made: dict[Region, PointTrack] = {}

    def __getitem__(self, region: Region) -> PointTrack:
        if not self._made:
            self._made = dict(zip(self._regions, _follow_all(self._regions), strict=True))
        return self._made[region]

    def carried_overlap(self, one: Region, other: Region) -> float:
        """Overlap of a region, carried along, with the other where that is; the better of both ways."""
        ways = ((self.box(one, other.frame_index), other.box), (self.box(other, one.frame_index), one.box))
        return max(0.0 if box is None else box_iou(box, found) for box, found in ways)

    def box(self, region: Region, frame_index: int) -> NDArray[np.float64] | None:
        """(4,) xyxy where the region is on that frame, in analysis pixels; None: that is not known."""
        point_track = self[region]
        if (
            not point_track.first <= frame_index <= point_track.last
            or point_track.steady[frame_index - point_track.first] < STEADY
        ):
            return None
        return np.asarray(point_track.box[frame_index - point_track.first], np.float64)


def _follow_all(regions: Sequence[Region]) -> list[PointTrack]:
    """Each flow field is read once in either direction, both at the same time."""
    scene = regions[0].scene
    point_tracks = [_start(scene, region) for region in regions]

    def follow(direction: int) -> None:
        crowd = _Crowd(regions, point_tracks, direction)
        ends = [point_track.last if direction > 0 else point_track.first for point_track in point_tracks]
        start = min(direction * region.frame_index for region in regions) * direction
        stop = max(direction * end for end in ends) * direction
        for frame in range(start, stop, direction):
            crowd.step(scene, frame)

    on_all_cores(follow, (1, -1))
    return point_tracks


def _start(scene: Scene, region: Region) -> PointTrack:
    near = np.flatnonzero(np.abs(scene.times_s - scene.times_s[region.frame_index]) <= REACH_S)
    count = len(near)
    point_track = PointTrack(
        first=int(near[0]),
        times_s=scene.times_s[near],
        box=np.full((count, 4), np.nan),
        velocity=np.full((count, 2), np.nan),
        agitation=np.full(count, np.nan),
        growth=np.full(count, np.nan),
        turn=np.full(count, np.nan),
        support=np.zeros(count),
        steady=np.zeros(count),
        length=float(np.sqrt(region.area)),
    )
    here = region.frame_index - point_track.first
    point_track.box[here] = region.box
    point_track.growth[here] = point_track.turn[here] = 0
    point_track.support[here] = point_track.steady[here] = 1
    return point_track


class _Crowd:
    """The points (R, POINTS, 2) of all regions on their way in one direction.

    Everything is done for all regions at once: the calls cost more than the arithmetic.
    """

    def __init__(self, regions: Sequence[Region], point_tracks: Sequence[PointTrack], direction: int) -> None:
        self._point_tracks = point_tracks
        self._direction = direction
        self._points = np.stack([_spread(region) for region in regions])
        self._boxes = np.stack([region.box for region in regions])
        self._starts = np.array([region.frame_index for region in regions])
        self._ends = np.array(
            [point_track.last if direction > 0 else point_track.first for point_track in point_tracks]
        )
        self._growth, self._turn = np.zeros(len(regions)), np.zeros(len(regions))
        self._lost = np.zeros(len(regions), bool)
        self._steady = np.ones((len(regions), POINTS), bool)

    def step(self, scene: Scene, frame: int) -> None:
        """Carry the regions that are on `frame` to the next frame in the direction."""
        started = self._direction * (frame - self._starts) >= 0
        walking = np.flatnonzero(started & ~self._lost & (self._direction * (self._ends - frame) > 0))
        if not len(walking):
            return
        ahead = frame + self._direction
        earlier = min(frame, ahead)
        forwards = self._direction > 0
        there = scene.forward(frame) if forwards else scene.backward(frame)
        home = scene.backward(ahead) if forwards else scene.forward(ahead)
        camera = scene.camera(earlier)
        points = self._points[walking]
        motion = _sample(there, points)
        arrived = points + motion
        missed = np.linalg.norm(motion + _sample(home, arrived), axis=2)
        inside = ((arrived >= 0) & (arrived < scene.size[::-1])).all(axis=2)
        closed = inside & (missed < CLOSED_PX + 0.05 * np.linalg.norm(motion, axis=2))
        support = closed.mean(axis=1)
        self._steady[walking] &= closed
        for number, share in zip(walking.tolist(), support, strict=True):
            point_track = self._point_tracks[number]
            point_track.support[ahead - point_track.first] = share
            point_track.steady[ahead - point_track.first] = self._steady[number].mean()
        self._lost[walking[support < LOST]] = True
        kept = support >= LOST
        if kept.any():
            own = motion[kept] - _camera_motion(camera, points[kept], forwards)
            rate = self._direction / float(scene.times_s[earlier + 1] - scene.times_s[earlier])
            self._arrive(walking[kept], arrived[kept], closed[kept], own, ahead, rate)

    def _arrive(
        self,
        numbers: NDArray[np.intp],
        arrived: NDArray[np.float32],
        closed: NDArray[np.bool_],
        own: NDArray[np.float32],
        ahead: int,
        rate: float,
    ) -> None:
        """Write down what regions `numbers` did; `own` is their points' motion less the camera's.

        `rate` is steps per second, negative backwards.
        """
        points = self._points[numbers]
        shift = _median(arrived - points, closed)
        velocity = _median(own, closed) * rate
        lengths = np.linalg.norm(own, axis=2)
        agitation = np.where(closed, lengths, 0).sum(axis=1) / closed.sum(axis=1) * abs(rate)
        growth, turn = _similarity(points, arrived, closed)
        self._growth[numbers] += growth
        self._turn[numbers] += turn
        # Points that cannot be followed go along with the rest, so that they may be seen again.
        self._points[numbers] = np.where(closed[..., None], arrived, points + shift[:, None])
        boxes = self._boxes[numbers]
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2 + shift
        halves = (boxes[:, 2:] - boxes[:, :2]) / 2 * np.exp(growth)[:, None]
        self._boxes[numbers] = np.concatenate([centres - halves, centres + halves], axis=1)
        earlier = min(ahead, ahead - self._direction)
        for row, number in enumerate(numbers.tolist()):
            point_track = self._point_tracks[number]
            step, frame = earlier - point_track.first, ahead - point_track.first
            point_track.velocity[step], point_track.agitation[step] = velocity[row], agitation[row]
            point_track.box[frame] = self._boxes[number]
            point_track.growth[frame], point_track.turn[frame] = self._growth[number], self._turn[number]


def _spread(region: Region) -> NDArray[np.float32]:
    """(POINTS, 2) pixels of the region, evenly over its rows; repeated if it has fewer."""
    ys, xs = np.nonzero(region.mask)
    chosen = np.linspace(0, len(xs) - 1, POINTS).round().astype(int)
    return np.stack([xs[chosen], ys[chosen]], -1).astype(np.float32)


def _sample(flow: Flow, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Flow (R, N, 2) at points (R, N, 2) by bilinear interpolation."""
    values = cv2.remap(
        flow, points[..., 0], points[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(values, np.float32)


def _camera_motion(
    matrix: NDArray[np.float64], points: NDArray[np.float32], forwards: bool
) -> NDArray[np.float32]:
    """How far the camera alone moves points (R, N, 2)."""
    flat = points.reshape(-1, 1, 2)
    way = matrix if forwards else np.asarray(np.linalg.inv(matrix))
    moved = cv2.perspectiveTransform(flat, way)
    return np.asarray(moved - flat, np.float32).reshape(points.shape)


def _median(values: NDArray[np.float32], kept: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(R, 2) lower median of values (R, N, 2) over the points that are kept (R, N)."""
    ordered = np.sort(np.where(kept[..., None], values, np.inf), axis=1)
    middle = (kept.sum(axis=1) - 1) // 2
    return np.asarray(ordered[np.arange(len(values)), middle], np.float32)


def _similarity(
    start: NDArray[np.float32], end: NDArray[np.float32], closed: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(R,) logarithms of the scales and angles of the similarities that carry points (R, N, 2) to others.

    Least squares in complex numbers, over the half of the points that move most like the rest.
    """
    motion = end - start
    strange = np.linalg.norm(motion - _median(motion, closed)[:, None], axis=2)
    kept = closed & (strange <= _median(np.stack([strange, strange], -1), closed)[:, :1])
    count = kept.sum(axis=1)
    before, after = start @ np.array([1, 1j]), end @ np.array([1, 1j])
    before, after = (np.where(kept, each, 0) for each in (before, after))
    before = np.where(kept, before - before.sum(axis=1, keepdims=True) / count[:, None], 0)
    spread = np.maximum((np.abs(before) ** 2).sum(axis=1), 1.0)
    turn = (before.conj() * after).sum(axis=1) / spread
    turn = np.where(np.abs(turn) > 0, turn, 1)
    return np.log(np.clip(np.abs(turn), 0.8, 1.25)), np.angle(turn)
