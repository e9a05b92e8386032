"""Sky, road, grass, water, trees: what fills an area, by the colours and the place it usually has.

No network of lite names such areas, so an answer is a guess at best. Colours and places below are common
knowledge, not measured.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Mask
from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.analysis.colour import TERMS, memberships
from refervid.engines.lite.language import Expression
from refervid.engines.lite.language.words import head_word

LIKELY = 0.35
"""Colour times place from which on a pixel is taken."""
LEAST_SHARE = 0.02
"""A smaller area is no stuff."""
PIECE = 0.2
"""Pieces of the area smaller than this share of the largest are left out."""


_USUAL = """
sky heaven cloud horizon: blue white grey: top
ceiling: white grey: top
sunset sunrise: orange yellow pink red: top
road street highway lane motorway pavement sidewalk asphalt tarmac runway: grey black white brown: bottom
track racetrack crossing ground floor concrete court: grey black white brown: bottom
grass lawn meadow field pasture turf pitch: green yellow: bottom
foliage forest wood jungle vegetation greenery: green:
tree bush hedge shrub: green brown black: top
wall: white grey brown yellow orange: top
mountain hill cliff rock island: grey brown black green:
tabletop counter countertop worktop tablecloth carpet rug mat: brown white grey black: bottom
sand beach desert dune soil dirt mud earth: brown yellow orange grey: bottom
snow ice slope piste: white grey blue: bottom
water sea ocean lake river pond pool stream canal: blue green grey black: bottom
fire flame: orange yellow red:
"""
"""Nouns, colours, and where it usually is (nothing: anywhere)."""
_BY_NOUN = {
    noun: (colours.split(), place.strip())
    for nouns, colours, place in (line.split(":") for line in _USUAL.strip().splitlines())
    for noun in nouns.split()
}


_HALVES = {"left": (1, 0), "right": (1, 1), "top": (0, 0), "back": (0, 0), "bottom": (0, 1), "front": (0, 1)}
"""Axis and half of the picture in which is looked for what is said to be there."""


def has_usual_colours(noun: str) -> bool:
    return head_word(noun) in _BY_NOUN


def stuff_mask(
    scene: Scene, index: int, expression: Expression, things: Sequence[NDArray[np.float32]]
) -> Mask | None:
    """(H, W) at the clip's size, or None: nothing here has those colours in that place.

    `things` are boxes xyxy in pixels of the clip: where they are is no stuff.
    """
    said = [colour for each in expression.attributes if each.kind == "colour" for colour in each.values]
    usual, place = _BY_NOUN.get(head_word(expression.noun or ""), ([], ""))
    colours = said or usual
    if not colours:
        return None
    picture = cv2.medianBlur(scene.small(index), 5)
    fits = memberships(picture, [term for term in TERMS if term in colours]).max(axis=-1)
    height, width = fits.shape
    likely = fits * _place(place, height)[:, None]
    said_places = [each for each in expression.attributes if each.kind == "position" and not each.negated]
    for axis, half in (_HALVES[value] for each in said_places for value in each.values if value in _HALVES):
        np.array_split(likely, 2, axis)[1 - half][:] = 0
    for x0, y0, x1, y1 in (box * np.tile(scene.scale_xy, 2) for box in things):
        likely[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = 0
    taken = cv2.morphologyEx((likely > LIKELY).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    taken = cv2.morphologyEx(taken, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(taken)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if count < 2 or areas.max() < LEAST_SHARE * height * width:
        return None
    kept = np.isin(labels, 1 + np.flatnonzero(areas >= PIECE * areas.max())).astype(np.float32)
    full = cv2.resize(kept, scene.clip_size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(full > 0.5, bool)


def _place(place: str, height: int) -> NDArray[np.float64]:
    """(height,) 1 where it usually is, less towards the other end."""
    down = np.linspace(0, 1, height)
    return {"top": 1 - 0.8 * down, "bottom": 0.2 + 0.8 * np.sqrt(down)}.get(place, np.ones(height))
