"""A candidate at analysis size, as the rules measure it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.boxes import box_area, shared_area
from refervid.core.types import Candidate, Mask
from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.analysis.colour import memberships
from refervid.engines.lite.chooser.joints import Joints, joints_of

INNER = 0.85
"""A box without a mask is measured on the ellipse of this share of its sides: its corners are background."""

SAME_THING = 0.7
"""Boxes that share so much of the smaller one hold one thing, or a thing and its part."""
PERSON = 0.5
"""Probability of a person from which on garments and joints are looked for where persons have them."""


@dataclass(eq=False)
class Region:
    """A candidate on frame `frame_index` of the clip; `names`: classes of COCO with probabilities, where a
    network named it.
    """

    scene: Scene
    frame_index: int
    candidate: Candidate
    names: Mapping[str, float] | None = None

    @cached_property
    def mask(self) -> Mask:
        """(h, w) bool at analysis size, never empty."""
        h, w = self.scene.size
        if self.candidate.mask is not None:
            small = cv2.resize(self.candidate.mask.astype(np.uint8), (w, h), interpolation=cv2.INTER_AREA)
            mask = small > 0
        else:
            mask = np.zeros((h, w), bool)
        if not mask.any():
            x0, y0, x1, y1 = self.box
            drawn = np.zeros((h, w), np.uint8)
            centre = (round((x0 + x1) / 2), round((y0 + y1) / 2))
            axes = (max(round((x1 - x0) * INNER / 2), 1), max(round((y1 - y0) * INNER / 2), 1))
            cv2.ellipse(drawn, centre, axes, 0, 0, 360, 1, -1)
            mask = drawn > 0
            mask[min(max(centre[1], 0), h - 1), min(max(centre[0], 0), w - 1)] = True
        return np.asarray(mask, bool)

    @cached_property
    def box(self) -> NDArray[np.float64]:
        """(4,) xyxy in analysis pixels."""
        x, y = self.scene.scale_xy
        return np.asarray(self.candidate.box_xyxy, np.float64) * (x, y, x, y)

    @property
    def centre(self) -> NDArray[np.float64]:
        """(x, y) in shares of the frame's width and height."""
        h, w = self.scene.size
        return np.array([(self.box[0] + self.box[2]) / 2 / w, (self.box[1] + self.box[3]) / 2 / h])

    @property
    def width(self) -> float:
        return float(max(self.box[2] - self.box[0], 1e-3))

    @property
    def height(self) -> float:
        return float(max(self.box[3] - self.box[1], 1e-3))

    @cached_property
    def area(self) -> float:
        """Pixels at analysis size; for a bare box, of the ellipse in it."""
        if self.candidate.mask is not None:
            return float(self.mask.sum())
        return self.width * self.height * np.pi / 4

    @cached_property
    def scattered(self) -> bool:
        """In pieces that are further apart than half the side of a square of its area."""
        reach = max(2.0, float(np.sqrt(self.mask.sum())) / 4)
        away = cv2.distanceTransform((~self.mask).astype(np.uint8), cv2.DIST_L2, 5)
        groups, _ = cv2.connectedComponents((away <= reach).astype(np.uint8))
        return bool(groups > 2)  # the first is the rest of the frame

    @property
    def is_person(self) -> bool:
        return (self.names or {}).get("person", 0.0) >= PERSON

    @cached_property
    def joints(self) -> Joints | None:
        """Of the person that it is, in analysis pixels; None without the network that knows them."""
        found = joints_of(self.scene, self.frame_index, self.candidate.box_xyxy)
        return None if found is None else found * np.array([*self.scene.scale_xy, 1], np.float32)

    @cached_property
    def colours(self) -> NDArray[np.float32]:
        """(11,) how much of it deserves each basic colour term, summing to 1."""
        shares = memberships(self.scene.small(self.frame_index)[self.mask]).mean(axis=0) + 1e-6
        return np.asarray(shares / shares.sum(), np.float32)


def looks_alike(one: Region, other: Region) -> float:
    """1 for the same colours in the same shares, 0 for none in common."""
    return float(np.minimum(one.colours, other.colours).sum())


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Shared area of two xyxy boxes over the smaller one's area: 1 if one lies in the other."""
    return shared_area(one, other) / max(min(box_area(one), box_area(other)), 1e-6)


def same_thing(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Do two boxes hold one thing, or a thing and its part?"""
    return overlap(one, other) >= SAME_THING
