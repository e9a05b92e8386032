"""How well a region's look fits an attribute: colour, shape, size and place on the frame looked at.

Sizes and places are judged among the other regions, each counting as far as it is a plausible answer
itself: "the left red cup" has only other red things as rivals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Mask
from refervid.engines.lite.analysis.colour import lean, membership, oklab
from refervid.engines.lite.chooser.body import part_box
from refervid.engines.lite.chooser.region import Region, same_thing
from refervid.engines.lite.fuzzy import rise
from refervid.engines.lite.language import Attribute, lexicon

SHARES = {
    "pure": (0.3, 0.85),
    "whole": (0.03, 0.18),
    "shaded": (0.1, 0.4),
    "part": (0.01, 0.15),
    "detail": (0.003, 0.05),
    "worn": (0.1, 0.4),
}
"""Share of a region in the colour from which it begins to fit, and fits fully; a red car has black tyres.

Shadow and shine make everything black, grey and white in part: "shaded" is for these.
"""
UNCOLOURED = {"black", "white", "grey"}

# One number per region that grows to the side, in shares of the frame.
_PLACES: dict[str, Callable[[Region], float]] = {
    "left": lambda region: -float(region.centre[0]),
    "right": lambda region: float(region.centre[0]),
    "top": lambda region: -float(region.centre[1]),
    "bottom": lambda region: float(region.centre[1]),
    "centre": lambda region: -float(np.hypot(*(region.centre - 0.5))),
    "corner": lambda region: float(np.abs(region.centre - 0.5).min()),
    "edge": lambda region: float(np.abs(region.centre - 0.5).max()),
    # On the ground, what is nearer stands lower in the picture and looks larger.
    "front": lambda region: region.box[3] / region.scene.size[0] + 0.5 * _extent(region),
    "back": lambda region: -region.box[3] / region.scene.size[0] - 0.5 * _extent(region),
}
# Where on that number a lone region begins to fit, and fits fully.
_PLACE_BOUNDS = {
    "left": (-0.62, -0.4),
    "right": (0.38, 0.6),
    "top": (-0.62, -0.4),
    "bottom": (0.38, 0.6),
    "centre": (-0.4, -0.15),
    "corner": (0.1, 0.25),
    "edge": (0.15, 0.35),
    "front": (0.5, 0.9),
    "back": (-1.1, -0.7),
}


def colour_fit(region: Region, attribute: Attribute, pure: bool = False) -> float:
    """Share of the region in the colour, on the scale of what carries it; of a person's garment where it
    usually is.
    """
    frame = region.scene.small(region.frame_index)
    worn = _worn_at(region, attribute.part)
    inside = region.mask if worn is None else worn
    share = float(membership(frame[inside], attribute.values, attribute.shade).mean())
    if attribute.shade:
        share = max(share, 0.5 * float(membership(frame[inside], attribute.values).mean()))
    if worn is not None:
        return rise(share, *SHARES["worn"])
    if attribute.part:
        return rise(share, *SHARES["detail" if attribute.part in lexicon.SMALL_PARTS else "part"])
    if pure:
        return rise(share, *SHARES["pure"])
    bounds = SHARES["shaded" if set(attribute.values) <= UNCOLOURED else "whole"]
    return 0.65 * rise(share, *bounds) + 0.35 * rise(share, bounds[1], 0.7)


def _worn_at(region: Region, part: str) -> Mask | None:
    """(h, w): the pixels of a person that a garment or part of the body usually has; None: nobody knows."""
    if not region.is_person:
        return None
    box = part_box(region.box, part, region.joints)
    if box is None:
        return None
    x0, y0, x1, y1 = np.clip(box.round().astype(int), 0, None)
    mask = np.zeros_like(region.mask)
    mask[y0:y1, x0:x1] = region.mask[y0:y1, x0:x1]
    return mask if mask.any() else None


def tint(region: Region, attribute: Attribute) -> float:
    """How far the mean colour of what carries it leans towards the colours, in Oklab: "the green jacket" is
    the greenest of them, though it be nearly brown, and the teal one is green and blue.
    """
    worn = _worn_at(region, attribute.part)
    frame = region.scene.small(region.frame_index)
    mean = oklab(frame[region.mask if worn is None else worn].mean(axis=0))
    return float(np.mean([lean(mean, value) for value in attribute.values]))


def near_colour_fit(region: Region, attribute: Attribute) -> float:
    """The same for the colours that a camera may make of it."""
    near = {each for value in attribute.values for each in lexicon.COLOUR_NEIGHBOURS[value].split()}
    return colour_fit(region, replace(attribute, values=tuple(sorted(near)), shade=""))


def colour_share(region: Region, attribute: Attribute) -> float:
    """Plain share of the region in the colour: what "the reddest" compares."""
    frame = region.scene.small(region.frame_index)
    return float(membership(frame[region.mask], attribute.values, attribute.shade).mean())


def shape_fit(region: Region, value: str) -> float:
    """How round, tall, ... the region is by itself."""
    tallness = region.height / region.width
    match value:
        case "round":
            return _roundness(region)
        case "tall":
            return rise(tallness, 0.9, 1.8)
        case "short":
            return rise(tallness, 1.6, 0.8)
        case "wide" | "flat":
            return rise(tallness, 0.95, 0.5)
        case "long":
            return rise(max(tallness, 1 / tallness), 1.2, 2.5)
        case "thin":
            return rise(region.area / max(region.width, region.height) ** 2, 0.6, 0.25)
        case "fat":
            return rise(region.area / max(region.width, region.height) ** 2, 0.25, 0.6)
        case _:  # square
            filled = region.area / (region.width * region.height)
            return rise(max(tallness, 1 / tallness), 1.8, 1.15) * rise(filled, 0.6, 0.85)


def size_of(region: Region, value: str) -> float:
    """The number that sizes and shapes are compared by; larger fits better."""
    match value:
        case "big" | "fat":
            return float(np.log(region.area))
        case "small":
            return -float(np.log(region.area))
        case "tall":
            return float(np.log(region.height))
        case "short":
            return -float(np.log(region.height))
        case "wide":
            return float(np.log(region.width))
        case "long":
            return float(np.log(max(region.width, region.height)))
        case "thin":
            return -float(np.log(min(region.width, region.height)))
        case _:
            return shape_fit(region, value)


def place_of(region: Region, side: str) -> float:
    """The number that places are compared by; larger is further to that side."""
    return float(_PLACES[side](region))


def place_fit(region: Region, side: str) -> float:
    """How well the region's place fits with nothing to compare it to."""
    return rise(place_of(region, side), *_PLACE_BOUNDS[side])


def rivals(region: Region, regions: Sequence[Region]) -> list[int]:
    """Numbers of the regions that are other things."""
    return [
        number
        for number, other in enumerate(regions)
        if other is not region and not same_thing(region.box, other.box)
    ]


def foremost_fit(
    regions: Sequence[Region], measure: Callable[[Region], float], weights: NDArray[np.float64], margin: float
) -> list[float]:
    """1 for a region whose measure no plausible rival exceeds; 0 if one exceeds it by `margin`."""
    values = [measure(region) for region in regions]
    return [
        min(
            (
                1 - weights[rival] * rise(values[rival] - value, 0, margin)
                for rival in rivals(region, regions)
            ),
            default=1.0,
        )
        for region, value in zip(regions, values, strict=True)
    ]


def rank_fit(
    regions: Sequence[Region],
    measure: Callable[[Region], float],
    weights: NDArray[np.float64],
    ranks: Sequence[int],
) -> list[float]:
    """1 for the regions whose number among the plausible things is in `ranks`.

    The largest measure is number 1, the smallest -1; no region fits if there are too few things.
    """
    values = [measure(region) for region in regions]
    things: list[int] = []
    for number in sorted(range(len(regions)), key=lambda n: -weights[n]):
        again = any(same_thing(regions[number].box, regions[thing].box) for thing in things)
        if weights[number] >= 0.4 and not again:
            things.append(number)
    order = sorted(things, key=lambda n: -values[n])
    if len(order) < max(abs(rank) for rank in ranks):
        return [0.0] * len(regions)
    chosen = [regions[order[rank if rank < 0 else rank - 1]] for rank in ranks]
    return [
        float(any(region is one or same_thing(region.box, one.box) for one in chosen)) for region in regions
    ]


def _extent(region: Region) -> float:
    """Side of a square as large as the region, in shares of the frame's."""
    h, w = region.scene.size
    return float(np.sqrt(region.area / (h * w)))


def _roundness(region: Region) -> float:
    """Area over that of the smallest circle around the region, and as high as wide."""
    contours, _ = cv2.findContours(region.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=len)
    radius = cv2.minEnclosingCircle(outline)[1] + 0.5
    filled = region.mask.sum() / (np.pi * radius**2)
    return rise(float(filled), 0.45, 0.75)
