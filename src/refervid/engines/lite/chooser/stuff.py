"""Sky, road, grass, water, trees: what fills an area, by the colours and the place it usually has.

No network of lite names such areas, so an answer is a guess at best. Colours and places below are common
knowledge, not measured.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Mask, Pivot
from refervid.engines.inventory import ObjectTrack
from refervid.engines.lite.analysis import ClipAnalysis
from refervid.engines.lite.analysis.colour import TERMS, memberships
from refervid.engines.lite.language import Expression
from refervid.engines.lite.language.words import head_word
from refervid.engines.surest import PIVOTS

DIFFERING = 0.005
"""Share of all that differs in a picture from which on two of its areas are not one. From .005 to .03 nearly
the same sentences come out right."""
LIKELY = 0.2
"""Colour times place, in the mean over an area, from which on it may be meant."""
AS_LIKELY = 0.5
"""Areas whose colour times place comes so near to the best are meant as well: a tree parts the sky."""
LEAST_SHARE = 0.01
"""A smaller area of the picture is no stuff."""


_USUAL = """
sky heaven cloud horizon: blue white grey: top
ceiling: white grey: top
sunset sunrise: orange yellow pink red: top
road street highway freeway expressway carriageway lane motorway driveway path footpath trail pavement\
 sidewalk asphalt tarmac runway: grey black white brown: bottom
track racetrack crossing ground floor concrete court: grey black white brown: bottom
grass grassland lawn garden meadow field pasture turf pitch: green yellow: bottom
foliage leaf forest wood jungle vegetation greenery: green:
tree bush hedge shrub branch orchard thicket: green brown black: top
wall: white grey brown yellow orange: top
mountain hill cliff rock island: grey brown black green:
building house skyline facade: grey white brown red yellow:
tabletop counter countertop worktop tablecloth carpet rug mat: brown white grey black: bottom
sand beach desert dune soil dirt mud earth: brown yellow orange grey: bottom
snow ice slope piste: white grey blue: bottom
water waterway sea ocean lake river brook creek pond pool stream canal bay: blue green grey black: bottom
smoke steam mist fog haze: white grey:
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


def stuff_pivots(
    analysis: ClipAnalysis,
    expression: Expression,
    tracks: Sequence[ObjectTrack],
    *,
    of_any_colour: bool = False,
) -> list[Pivot]:
    """On a few frames spread over the clip, the areas that have the usual colours in the usual place. With
    `of_any_colour` those that are in that place, if there is one and no colour is said. Where `tracks` are
    is no stuff.
    """
    own = [one for one in expression.attributes if one.kind == "colour" and not (one.negated or one.part)]
    said = [colour for one in own for colour in one.values]
    usual, place = _BY_NOUN.get(head_word(expression.noun or ""), ([], ""))
    colours = said or usual
    if of_any_colour:
        colours = list(TERMS) if place and not said else []
    if not colours:
        return []
    last = len(analysis.scene) - 1
    pivots = []
    for index in sorted({round(last * (share + 0.5) / PIVOTS) for share in range(PIVOTS)}):
        boxes = [box for track in tracks if (box := track.box_at(index)) is not None]
        mask = _mask(analysis, index, colours, place, _open_to(expression, boxes, analysis, index))
        if mask is not None:
            pivots.append(Pivot(index, mask=mask))
    return pivots


def _mask(
    analysis: ClipAnalysis, index: int, colours: Sequence[str], place: str, open_to: NDArray[np.bool_]
) -> Mask | None:
    """(H, W) at the clip's size: the areas of one frame that have the colours in the place, where it is
    `open_to` them; None: none has.
    """
    scene, areas = analysis.scene, analysis.pieces(index).areas(DIFFERING)
    height, width = areas.shape
    shown = memberships(cv2.medianBlur(scene.small(index), 5), [term for term in TERMS if term in colours])
    fits = cv2.resize(shown.max(axis=-1), (width, height), interpolation=cv2.INTER_AREA)
    fits *= _place(place, height)[:, None]
    worth = {
        area: float(fits[cells].mean())
        for area in range(areas.max() + 1)
        if (cells := (areas == area) & open_to).sum() >= LEAST_SHARE * height * width
    }
    if max(worth.values(), default=0.0) < LIKELY:
        return None
    least = AS_LIKELY * max(worth.values())
    taken = np.isin(areas, [area for area, value in worth.items() if value >= least]) & open_to
    full = cv2.resize(taken.astype(np.float32), scene.clip_size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(full > 0.5, bool)


def _open_to(
    expression: Expression, things: Sequence[NDArray[np.float32]], analysis: ClipAnalysis, index: int
) -> NDArray[np.bool_]:
    """(h, w) cells of the frame's pieces where it may be: no things (boxes xyxy in pixels of the clip), and
    in the half that is said.
    """
    shape = analysis.pieces(index).size
    found = np.ones(shape, bool)
    said = [each for each in expression.attributes if each.kind == "position" and not each.negated]
    for axis, half in (_HALVES[value] for each in said for value in each.values if value in _HALVES):
        np.array_split(found, 2, axis)[1 - half][:] = False
    cells = np.tile(np.divide(shape, analysis.scene.clip_size)[::-1], 2)
    for x0, y0, x1, y1 in (np.round(box * cells).astype(int) for box in things):
        found[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = False
    return found


def _place(place: str, height: int) -> NDArray[np.float64]:
    """(height,) 1 where it usually is, 0 at the other end."""
    down = np.linspace(0, 1, height)
    return {"top": 1 - down, "bottom": down}.get(place, np.ones(height))
