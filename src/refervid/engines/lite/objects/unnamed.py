"""Things that no network names: what moves, or stands out by its colour, as tracks over the clip."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from refervid.core.types import Hook
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.engines.linking import SURE, Boxes, Detections, intersections
from refervid.engines.lite.analysis import ClipAnalysis
from refervid.engines.lite.analysis.proposals import things_on
from refervid.engines.lite.language.vocabulary import COCO_CLASSES
from refervid.engines.lite.objects.carrying import SceneLinker
from refervid.engines.lite.objects.sampling import sampled_frames
from refervid.media.clip import Clip

RATE_HZ = 3.0
"""Frames a second that are searched, or all where there are fewer."""
MOST_FRAMES = 60
"""Of a long clip so many, evenly."""
LEAST_SCORE = 0.15
"""Worth of a proposal from which on it is taken for a thing. On made-up clips things that stand still have
0.17 and more, patches of the ground 0.02 at most."""
COVERED = 0.5
"""A proposal with this share of it in a named thing, or of a named thing in it, is no other thing."""


def unnamed_tracks(analysis: ClipAnalysis, clip: Clip, inventory: Inventory, hook: Hook) -> list[ObjectTrack]:
    """Numbered after those of the inventory, by the time of their first sighting."""
    frames = sampled_frames(clip, RATE_HZ)
    frames = frames[:: -(-len(frames) // MOST_FRAMES)]
    linker = SceneLinker(clip.times_s[frames])
    for done, index in enumerate(frames):
        found = [one for one in things_on(analysis, index) if one.score >= LEAST_SCORE]
        boxes = np.array([one.box_xyxy for one in found], np.float32).reshape(-1, 4)
        known = [box for one in inventory.tracks if (box := one.box_at(index)) is not None]
        new = _uncovered(boxes, np.array(known, np.float32).reshape(-1, 4))
        # What is taken for a thing is linked as such, and no name is likelier than another.
        scores = SURE + (1 - SURE) * np.array([one.score for one in found], np.float32)[new]
        seen = Detections(boxes[new], np.tile(scores[:, None], (1, len(COCO_CLASSES))))
        linker.see(analysis.scene, index, seen)
        hook("unnamed", None, done + 1, len(frames))
    things = linker.things(seen_once=math.inf)
    first = max((one.number for one in inventory.tracks), default=0) + 1
    return [
        replace(one.track(number, {}), colours=np.asarray(np.mean(one.colours, axis=0), np.float32))
        for number, one in enumerate(things, first)
    ]


def _uncovered(boxes: Boxes, known: Boxes) -> np.ndarray:
    """(N,) bool, each thing once, the best first: not covered by what is known, nor by a better one."""
    kept: list[int] = []
    for number, box in enumerate(boxes):
        others = np.concatenate([known, boxes[kept]])
        shared = intersections(box[None], others)[0]
        areas = (others[:, 2:] - others[:, :2]).prod(axis=1)
        smaller = np.maximum(np.minimum(areas, (box[2:] - box[:2]).prod()), 1e-6)
        if not (shared > COVERED * smaller).any():
            kept.append(number)
    chosen = np.zeros(len(boxes), bool)
    chosen[kept] = True
    return chosen
