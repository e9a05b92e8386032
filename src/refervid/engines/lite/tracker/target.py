"""One object on its way through the clip in one direction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Frame
from refervid.engines.lite.tracker.crop import Crop, Plane
from refervid.engines.lite.tracker.memory import Memory
from refervid.engines.lite.tracker.seed import SURE_ODDS, Seed
from refervid.engines.lite.tracker.sight import Eyes, Found, Sight
from refervid.engines.lite.tracker.view import View

THERE = 0.5
"""Presence below which the object counts as away."""
LOST_SHARE, LEARN_SHARE = 0.02, 0.3
"""An object that shows less than these shares of its usual area is lost, or not learnt from."""
TRUST = 0.5
"""Of the mask that motion carries here: what it has lost on the way would stay lost if it counted in full."""
MASK_WEIGHT = 2 / 3
"""Of the mask's own certainty in presence; the rest is what the network says of it."""
LEAST_CELLS = 4
"""Cells of the crop that must show it."""
AREA_RATE, SPEED_RATE = 0.1, 0.3
"""Weights of a new frame in the usual area and in the speed, by eye: over ten frames, and over three."""
STILL_WEIGHT = 1.5
"""Log odds for the background of what stands still, for each e-fold that the object is faster; by eye."""
STILL_PX = 0.7
"""Error of a background pixel's speed."""
MAX_DISTINCT = 2.0
"""An object that moves e^2 times as fast as the background is as distinct as can be."""
NOISE = 4.0
"""Grey levels that a place may differ by from frame to frame, as far as noise and interpolation go."""
MOST_GROWTH = 1.18
"""Of a crop's side from frame to frame, either way."""


@dataclass
class Aim:
    """Where an object is thought to be on a frame: in `crop`; `known` is what is known of it there."""

    crop: Crop
    known: dict[str, Plane]
    against: Plane | float = 0.0
    """Log odds, 0 or more, against a cell's being the object's."""


class Target:
    """`aim` at a frame, look, `settle` what was seen; then on to the next frame."""

    def __init__(self, seed: Seed, memory: Memory, size: tuple[int, int]) -> None:
        """`size` (h, w) of the picture."""
        self._size = size
        self.crop, self.odds = seed.crop, seed.odds
        self.memory = memory
        self.lost = seed.empty
        self.middle = self._middle()
        self.speed = np.zeros(2)
        self.area = self.seen_area
        self.away = self._steps = 0
        self._small: Frame | None = None
        self.presence = 1.0
        self.anywhere = False
        self.contested = False
        """Something that may look the same is in its place too: it goes on as it went."""

    @property
    def seed(self) -> Seed:
        """Its mask on the present frame."""
        return Seed.of(self.crop, self.odds)

    def lose(self) -> None:
        """The object is known to be away on the present frame."""
        self.lost, self.away = True, 0

    def wait(self) -> None:
        """Another frame without the object, which goes on as it went, to the picture's edge at most: where it
        left, it comes back, or the later the farther from there.
        """
        self.away += 1
        h, w = self._size
        self.middle = np.clip(self.middle + self.speed, 0, (w - 1, h - 1))

    def aim(self, view: View) -> Aim:
        """Where optical flow leads, or its course where flow is astray."""
        places, shown = self.crop.places(), self._shown(self.crop, self.odds)
        step = self.speed.astype(np.float32)
        moved = view.moved(places)
        astray = self.contested or self._astray(view, moved[shown], (places + step)[shown], shown)
        if astray:
            moved = places + step
        h, w = self._size
        low, high = np.percentile(np.clip(moved[shown], 0, (w - 1, h - 1)), [1, 99], axis=0)
        fresh = Crop.around(*low, *high)
        side = int(np.clip(fresh.side, self.crop.side / MOST_GROWTH, self.crop.side * MOST_GROWTH))
        crop = fresh.with_side(side)
        places = crop.places_inside(self._size)
        origin = places - step if astray else view.origin(places)
        origin = np.clip(origin, 0, (w - 1, h - 1))
        carried = self.crop.sample(self.odds, origin.astype(np.float32), -SURE_ODDS)
        return Aim(
            crop,
            {"carried": np.float32(TRUST) * np.tanh(carried / 2)},
            self._moves_with_background(view, crop, carried),
        )

    def _astray(
        self, view: View, flow: NDArray[np.float32], course: NDArray[np.float32], shown: NDArray[np.bool_]
    ) -> bool:
        """Does the picture at the places (N, 2) of its course look more like it than where flow leads? So it
        is where things leave or enter fast: of what lies beyond the edge there is no flow.
        """
        if self._small is None or not self._steps:
            return False
        off = []
        h, w = self._size
        for places in (course, flow):
            inside = ((places > 0) & (places < (w - 1, h - 1))).all(axis=1)
            if not inside.any():
                return False
            there = cv2.remap(
                view.picture, places[None, inside, 0], places[None, inside, 1], cv2.INTER_LINEAR
            )
            off.append(float(np.abs(there[0].astype(np.float32) - self._small[shown][inside]).mean()))
        return off[0] < off[1] - NOISE

    def settle(self, sight: Sight, found: Found) -> bool:
        """Take over what was found; False where the object is not there."""
        shown = self._shown(sight.crop, found.odds)
        cells = np.count_nonzero(shown)
        area = cells * sight.crop.cell_area
        # The head is unsure of thin things, which it sees at stride 16; the mask of things that are gone.
        certainty = float((1 / (1 + np.exp(-found.odds[shown]))).mean()) if cells else 0.0
        self.presence = (1 - MASK_WEIGHT) * found.presence + MASK_WEIGHT * certainty
        seen = self.presence >= THERE and cells >= LEAST_CELLS and area >= LOST_SHARE * self.area
        if not (seen and self.memory.allows(sight, found.odds)):
            if not self.lost:
                self.lose()
            return False
        self.crop, self.odds, self._small = sight.crop, found.odds, sight.small
        if self.contested:
            self.middle = self.middle + self.speed
        else:
            if area > LEARN_SHARE * self.area:
                self.memory.learn(sight, found.odds)
            middle = self._middle()
            self._steps = 0 if self.lost else self._steps + 1
            if self._steps:
                rate = max(SPEED_RATE, 1 / self._steps)
                self.speed += rate * (middle - self.middle - self.speed)
            self.middle = middle
            self.area += AREA_RATE * (area - self.area)
        self.lost = self.anywhere = False
        return True

    @property
    def size(self) -> float:
        """Side of a square of the usual area, in pixels of the picture."""
        return math.sqrt(max(self.area, 1.0))

    @property
    def seen_area(self) -> float:
        """Of its mask on the present frame, in pixels of the picture."""
        return np.count_nonzero(self._shown(self.crop, self.odds)) * self.crop.cell_area

    def _middle(self) -> NDArray[np.float64]:
        inside = self.crop.places()[self._shown(self.crop, self.odds)]
        return np.asarray(inside.mean(axis=0) if len(inside) else np.zeros(2), np.float64)

    def _moves_with_background(self, view: View, crop: Crop, carried: Plane) -> Plane | float:
        """Evidence that a cell moves as the background does while most of the object does not."""
        speed = view.against_camera(crop.places_inside(self._size))
        core = speed[(carried > 0) & crop.is_inside(self._size)]
        if not core.size:
            return 0.0
        background = view.usual_speed + STILL_PX
        distinct = min(math.log(max(float(np.median(core)) / background, 1.0)), MAX_DISTINCT)
        return np.asarray(STILL_WEIGHT * distinct * np.exp(-((speed / background) ** 2) / 2), np.float32)

    def _shown(self, crop: Crop, odds: Plane) -> NDArray[np.bool_]:
        return np.asarray((odds > 0) & crop.is_inside(self._size))


def look(eyes: Eyes, view: View, targets: Sequence[Target], aims: Sequence[Aim]) -> list[tuple[Sight, Found]]:
    """What is seen of objects where they are thought to be, in one pass of the networks."""
    sights = eyes.look(view.picture, [aim.crop for aim in aims])
    known = [
        {**aim.known, **target.memory.known(sight)}
        for target, aim, sight in zip(targets, aims, sights, strict=True)
    ]
    return [
        (sight, Found(found.odds - aim.against, found.presence))
        for sight, aim, found in zip(sights, aims, eyes.decode(sights, known), strict=True)
    ]
