"""What one track does to another, as far as their boxes over time tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from refervid.engines.inventory import ObjectTrack
from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.fuzzy import rise

BELONGS = "belong"
"""What a part, a garment or a thing does to its owner."""
_MEASURED = {
    "inside": BELONGS,
    "together": "hold carry ride mount push pull drag tow lift grip hug pet groom stroke cuddle raise wear",
    "beside": "drive lead walk play juggle dribble wrestle fight swing wave feed use",
    "lets go": "throw kick hit toss pass drop serve strike punch swat release put place",
    "gets": "catch grab pick pick_up take fetch collect gather swallow bite",
    "follows": "follow chase hunt",
    "passes": "overtake outrun",
    "nears": "approach attack",
}
HOW = {verb: how for how, verbs in _MEASURED.items() for verb in verbs.split()}
"""How a verb is measured; what is not here cannot be."""
FEWEST = 3
"""Moments on which both must be seen."""
TOUCHES = (0.5, 0.05)
"""Gap between two boxes, in sizes of the smaller thing, at which they begin to touch and surely do."""
BESIDE = (2.0, 0.2)
"""The same for things that are near each other."""
AHEAD = (0.0, 0.4)
"""How far one is before the other on their way, in mean sizes of the two."""

Signal = NDArray[np.float64]


def action_fit(action: str, agent: ObjectTrack, other: ObjectTrack, scene: Scene) -> float | None:
    """0..1: how well what the two do fits a verb; None: that cannot be told."""
    first = max(agent.frame_indices[0], other.frame_indices[0])
    last = min(agent.frame_indices[-1], other.frame_indices[-1])
    moments = np.union1d(agent.frame_indices, other.frame_indices)
    moments = moments[(moments >= first) & (moments <= last)]
    if action not in HOW or len(moments) < FEWEST:
        return None
    one, two = (_boxes(track, moments) for track in (agent, other))
    gap = np.linalg.norm(np.maximum(np.maximum(one[:, :2] - two[:, 2:], two[:, :2] - one[:, 2:]), 0), axis=1)
    sizes = np.sqrt([np.maximum((b[:, 2:] - b[:, :2]).prod(axis=1), 1.0) for b in (one, two)])
    gap /= sizes.min(axis=0)
    touching = rise(gap, *TOUCHES)
    match HOW[action]:
        case "inside":
            return float(_inside(one, two).mean())
        case "together":
            return float(touching.mean())
        case "beside":
            return float(rise(gap, *BESIDE).mean())
        case "lets go":
            return _change(touching)
        case "gets":
            return _change(touching[::-1])
        case "nears":
            return rise(float(gap[0] - gap[-1]), 0.2, 2.0)
    way = _way(one, moments, scene) + _way(two, moments, scene)
    if not np.linalg.norm(way) > 0.2 * sizes.mean():
        return 0.0
    middles = (two[:, :2] + two[:, 2:] - one[:, :2] - one[:, 2:]) / 2
    before = middles @ (way / np.linalg.norm(way)) / sizes.mean(axis=0)
    if HOW[action] == "follows":
        return float(rise(before, *AHEAD).mean())
    third = max(len(before) // 3, 1)
    return min(rise(float(before[:third].mean()), *AHEAD), rise(-float(before[-third:].mean()), *AHEAD))


def _boxes(track: ObjectTrack, moments: NDArray[np.int64]) -> Signal:
    """(N, 4)"""
    sides = track.boxes_xyxy.T.astype(np.float64)
    return np.stack([np.interp(moments, track.frame_indices, side) for side in sides], 1)


def _inside(part: Signal, whole: Signal) -> Signal:
    """(N,) share of a part's box that lies in the whole's."""
    shared = np.minimum(part[:, 2:], whole[:, 2:]) - np.maximum(part[:, :2], whole[:, :2])
    areas = np.maximum((part[:, 2:] - part[:, :2]).prod(axis=1), 1e-6)
    return np.asarray(np.clip(shared, 0, None).prod(axis=1) / areas, np.float64)


def _change(touching: Signal) -> float:
    """Touching at first, and apart for good later."""
    return max(
        min(float(touching[:cut].max()), 1 - float(touching[cut:].mean())) for cut in range(1, len(touching))
    )


def _way(boxes: Signal, moments: NDArray[np.int64], scene: Scene) -> Signal:
    """(2,) how far a thing goes in the scene, the camera's motion removed, in pixels of the clip."""
    scale = np.array(scene.scale_xy)
    way = np.zeros(2)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    for row, (start, end) in enumerate(zip(moments[:-1].tolist(), moments[1:].tolist(), strict=True)):
        carried = np.append(middles[row] * scale, 1.0)
        for index in range(start, end):
            carried = scene.camera(index) @ carried
        way += middles[row + 1] - carried[:2] / carried[2] / scale
    return way
