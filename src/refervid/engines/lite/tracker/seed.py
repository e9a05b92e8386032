"""From the pivots on one frame to the object's mask there."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.boxes import box_of
from refervid.core.types import Mask, Pivot
from refervid.engines.lite.tracker.crop import GRID, MARGIN, SIDE, Crop, Plane
from refervid.engines.lite.tracker.memory import Memory, test_of
from refervid.engines.lite.tracker.sight import CELLS, Eyes, Sight
from refervid.engines.lite.tracker.view import View
from refervid.models.mask_decoder import likeness, solve

SURE_ODDS = 8.0
"""Log odds of what a mask or a point says: one in 3000 of it may be wrong."""
POINT_RADIUS_PX = 4
"""As in training, in pixels of a crop as the network sees it."""
FIRST_WINDOW = 1 / 3
"""Points alone: side of the first crop around them, as a share of the picture's longer side."""
ROUNDS = 3
"""Points alone: so often the crop is set anew around what was found."""
LOOKS = ((1.4, False), (1.7, True))
"""Boxes: the object is looked at in crops of these margins, some mirrored; what is found is averaged."""
TIGHT = 0.05
"""A mask reaches a side of its box if it comes so near, as a share of the box's longer side."""


@dataclass(frozen=True)
class Seed:
    """An object's mask on one frame: log odds in a crop. `exact` is the mask that was given, if one was."""

    crop: Crop
    packed: bytes
    exact: Pivot | None = None

    @classmethod
    def of(cls, crop: Crop, odds: Plane, exact: Pivot | None = None) -> Seed:
        steps = np.round(np.clip(odds * 8, -127, 127)).astype(np.int8)
        return cls(crop, zlib.compress(steps.tobytes(), 1), exact)

    @property
    def odds(self) -> Plane:
        """(`GRID`, `GRID`)"""
        steps = np.frombuffer(zlib.decompress(self.packed), np.int8)
        return (steps.reshape(GRID, GRID) / np.float32(8)).astype(np.float32)

    @property
    def empty(self) -> bool:
        return not bool((self.odds > 0).any())


def is_correction(pivots: Sequence[Pivot]) -> bool:
    """Points alone can correct a mask carried from elsewhere."""
    return all(pivot.mask is None and pivot.box_xyxy is None for pivot in pivots)


def seed_of(
    eyes: Eyes, view: View, pivots: Sequence[Pivot], carried: Seed | None = None, memory: Memory | None = None
) -> Seed:
    """The seed that all pivots of one object on this frame make together.

    `carried` is the mask that reached this frame from other pivots; `memory` is of other pivots.
    """
    masks = [pivot.mask for pivot in pivots if pivot.mask is not None]
    points = [pivot for pivot in pivots if pivot.points_xy is not None]
    if masks:
        given = _from_mask(view, np.logical_or.reduce(masks), pivots[0].frame_index)
        return _corrected(eyes, view, given, points) if points else given
    boxes = [_box(view, pivot) for pivot in pivots if pivot.box_xyxy is not None]
    if boxes:
        return _from_boxes(eyes, view, boxes, points, memory)
    if carried is not None and not carried.empty:
        return _corrected(eyes, view, carried, points)
    return _around_points(eyes, view, points)


NOTHING = Seed.of(Crop(0, 0, SIDE), np.full((GRID, GRID), -SURE_ODDS, np.float32))


def _from_mask(view: View, mask: Mask, index: int) -> Seed:
    exact = Pivot(index, mask=mask)
    box = box_of(mask)
    if box is None:
        return Seed(NOTHING.crop, NOTHING.packed, exact)
    scale = np.array(view.picture.shape[1::-1]) / mask.shape[::-1]
    crop = Crop.around(*(box.reshape(2, 2) * scale).ravel())
    share = crop.gather(mask.astype(np.float32), (1 / scale[0], 1 / scale[1]))
    if share.max() <= 0.5:
        share /= max(float(share.max()), 1e-6)
    return Seed.of(crop, (2 * share - 1) * np.float32(SURE_ODDS), exact)


def _from_boxes(
    eyes: Eyes, view: View, boxes: list[np.ndarray], points: Sequence[Pivot], memory: Memory | None
) -> Seed:
    boxes = [box for box in boxes if box[0] < box[2] and box[1] < box[3]]
    if not boxes:
        return _around_points(eyes, view, points)
    low, high = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
    crop = Crop.around(*low, *high)
    places = crop.places()
    seen = []
    for margin, mirrored in LOOKS:
        own = crop.with_side(round(crop.side * margin / MARGIN))
        inside = _inside(own.places_inside(view.scene.picture_size), boxes)
        known = {"box": 2 * inside.astype(np.float32) - 1, "points": _points_plane(view, own, points)}
        seen.append(own.sample(_looked(eyes, view, own, known, inside, memory, mirrored), places, -SURE_ODDS))
    plane = _points_plane(view, crop, points)
    odds = _needed(np.mean(seen, axis=0), np.concatenate([crop.cells(low), crop.cells(high)]), plane)
    if not (odds > 0).any():
        inside = _inside(crop.places_inside(view.scene.picture_size), boxes)
        odds = np.where(inside, 1, -SURE_ODDS).astype(np.float32)
    return Seed.of(crop, _honoured(odds, plane))


def _looked(
    eyes: Eyes, view: View, crop: Crop, known: dict[str, Plane], inside: NDArray[np.bool_],
    memory: Memory | None, mirrored: bool,
) -> Plane:  # fmt: skip
    picture = view.picture
    if mirrored:
        picture = np.ascontiguousarray(picture[:, ::-1])
        crop = Crop(picture.shape[1] - crop.x - crop.side, crop.y, crop.side)
        known = {name: np.ascontiguousarray(plane[:, ::-1]) for name, plane in known.items()}
        inside = inside[:, ::-1]
    [sight] = eyes.look(picture, [crop])
    if memory is None:
        odds = _found(eyes, sight, known, inside)
    else:
        odds = eyes.decode([sight], [{**known, **memory.known(sight)}])[0].odds
    return np.ascontiguousarray(odds[:, ::-1]) if mirrored else odds


def _inside(places: NDArray[np.float32], boxes: Sequence[np.ndarray]) -> NDArray[np.bool_]:
    """(`GRID`, `GRID`)"""
    within = [((places >= box[:2]) & (places < box[2:])).all(axis=-1) for box in boxes]
    return np.asarray(np.any(within, axis=0))


def _needed(odds: Plane, box: NDArray[np.float32], points: Plane) -> Plane:
    """A box (in cells) is tight: a part of a mask that lies apart is the object's only if it reaches a side
    that no larger part does, or has a point on it.
    """
    count, parts, stats, _ = cv2.connectedComponentsWithStats((odds > 0).astype(np.uint8))
    near = TIGHT * max(box[2:] - box[:2])
    pointed = np.unique(parts[points > 0])
    reached = np.zeros(4, bool)
    kept = [0]
    for number in sorted(range(1, count), key=lambda one: -stats[one, cv2.CC_STAT_AREA]):
        x, y, w, h = stats[number, :4]
        sides = np.concatenate(
            [np.array([x, y]) <= box[:2] + near, np.array([x + w, y + h]) >= box[2:] - near]
        )
        if kept == [0] or (sides & ~reached).any() or number in pointed:
            kept.append(number)
            reached |= sides
    return np.where(np.isin(parts, kept), odds, -SURE_ODDS).astype(np.float32)


def _found(
    eyes: Eyes, sight: Sight, known: Mapping[str, Plane], within: NDArray[np.bool_] | bool = True
) -> Plane:
    """The log odds, by two looks: a first guess `within` what may be the object at all tells how the object
    looks.
    """
    guess = np.where(within, eyes.decode([sight], [known])[0].odds, -SURE_ODDS).astype(np.float32)
    test = solve(*test_of(sight, guess))
    looks = likeness(sight.traits[None], test)[0].numpy()
    return eyes.decode([sight], [{**known, "carried": np.tanh(guess / 2), "likeness": looks}])[0].odds


def _corrected(eyes: Eyes, view: View, carried: Seed, points: Sequence[Pivot]) -> Seed:
    inside = carried.crop.places()[carried.odds > 0]
    on = _places(view, points, True)
    reach = np.concatenate([inside, on]) if len(on) else inside
    crop = Crop.around(*reach.min(axis=0), *reach.max(axis=0))
    plane = _points_plane(view, crop, points)
    there = carried.crop.sample(carried.odds, crop.places_inside(view.scene.picture_size), -SURE_ODDS)
    [sight] = eyes.look(view.picture, [crop])
    odds = _found(eyes, sight, {"carried": np.tanh(there / 2), "points": plane})
    odds = np.where(_like_points_beside(sight, plane), -SURE_ODDS, odds).astype(np.float32)
    return Seed.of(crop, _honoured(odds, plane))


def _like_points_beside(sight: Sight, points: Plane) -> NDArray[np.bool_]:
    """(`GRID`, `GRID`): where a place looks more like the points beside the object than like those on it."""
    labels = cv2.resize(points, (CELLS, CELLS), interpolation=cv2.INTER_AREA).ravel()
    if labels.min() >= 0 or labels.max() <= 0:
        return np.zeros((GRID, GRID), bool)
    similar = (sight.keys @ sight.keys.T).numpy()
    lead = similar[:, labels > 0].max(axis=1) - similar[:, labels < 0].max(axis=1)
    fine = cv2.resize(lead.reshape(CELLS, CELLS), (GRID, GRID), interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine < 0)


def _around_points(eyes: Eyes, view: View, points: Sequence[Pivot]) -> Seed:
    """The connected region that holds the points on the object."""
    on = _places(view, points, True)
    if not len(on):
        return NOTHING
    low, high = on.min(axis=0), on.max(axis=0)
    least = FIRST_WINDOW * max(view.picture.shape[:2])
    middle, side = (low + high) / 2, max(*(high - low) * MARGIN, least)
    corner = np.round(middle - side / 2).astype(int)
    crop = Crop(int(corner[0]), int(corner[1]), round(side))
    for _ in range(ROUNDS):
        plane = _points_plane(view, crop, points)
        [sight] = eyes.look(view.picture, [crop])
        odds = _honoured(_found(eyes, sight, {"points": plane}), plane)
        _, parts = cv2.connectedComponents((odds > 0).astype(np.uint8))
        odds = np.where(np.isin(parts, np.unique(parts[plane > 0])), odds, -SURE_ODDS).astype(np.float32)
        found = Seed.of(crop, odds)
        inside = np.concatenate([crop.places()[odds > 0], on])
        crop = Crop.around(*inside.min(axis=0), *inside.max(axis=0))
    return found


def _honoured(odds: Plane, points: Plane) -> Plane:
    """Points lie on their side of the outline."""
    odds = np.where(points > 0.5, np.maximum(odds, 1), odds)
    return np.where(points < -0.5, np.minimum(odds, -1), odds).astype(np.float32)


def _places(view: View, points: Sequence[Pivot], label: bool) -> np.ndarray:
    """(N, 2) places in the picture of the points inside the frame with this label."""
    height, width = view.scene.clip_size
    found = [np.zeros((0, 2), np.float32)]
    for pivot in points:
        assert pivot.points_xy is not None
        places = pivot.points_xy
        labels = np.ones(len(places), bool) if pivot.point_labels is None else pivot.point_labels
        inside = ((places >= 0) & (places < (width, height))).all(axis=1)
        found.append(places[inside & (labels == label)])
    h, w = view.picture.shape[:2]
    return np.asarray(np.concatenate(found) * (w / width, h / height) - 0.5, np.float32)


def _points_plane(view: View, crop: Crop, points: Sequence[Pivot]) -> Plane:
    """(`GRID`, `GRID`)"""
    plane = np.zeros((SIDE, SIDE), np.float32)
    for label, value in ((True, 1.0), (False, -1.0)):
        for cell in crop.cells(_places(view, points, label)):
            cv2.circle(plane, tuple(int(2 * v + 1) for v in cell), POINT_RADIUS_PX, value, -1)
    return np.asarray(cv2.resize(plane, (GRID, GRID), interpolation=cv2.INTER_AREA), np.float32)


def _box(view: View, pivot: Pivot) -> np.ndarray:
    """(4,) in the picture, cut to it; without area where it lies outside."""
    assert pivot.box_xyxy is not None
    (height, width), (h, w) = view.scene.clip_size, view.picture.shape[:2]
    scale = np.array([w / width, h / height] * 2)
    return np.asarray(np.clip(pivot.box_xyxy * scale, 0, [w, h, w, h]))
