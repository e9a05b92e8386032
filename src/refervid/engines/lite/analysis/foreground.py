"""Which pixels of a frame belong to what moves: motion over time, and the looks that go with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from refervid.core.types import Frame, Mask
from refervid.engines.lite.analysis.clip_analysis import ClipAnalysis
from refervid.engines.lite.analysis.scene import Scene

WINDOW_S = 3.0
"""Looks are learned from so much time before and after the frame."""
WINDOW_FRAMES = 25
"""Of them so many are looked at."""
LAB_BINS = 24
"""Of each axis of colour: ten steps of the 256 are one colour to the eye."""
EVEN = 0.65
"""Evidence, from the frame's median (0) to its 99th percentile (1), at which both sides are even."""
SLOPE = 6.0
"""Log odds from there to the 99th percentile and beyond, over .35: 2 at it; by eye."""
LOOKS_WEIGHT = 0.6
"""Looks count less than motion: background often shares the object's colours."""
COLOUR_LIMIT = 3.5
"""No colour alone decides: its odds count at most e^3.5, about 33."""
ROUNDS = 2
"""Looks are learned anew from what was found so often."""
RIM = 0.06
"""Width of the picture's border, as a share of its shorter side."""
SURE = 0.85
"""From this probability on a pixel is fixed in the cut, below one less this likewise."""

Probability = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Foreground:
    """Both maps are (ceil(h/2), ceil(w/2)) float32 in 0..1.

    `moving`: how probably each pixel belongs to something that moves. `standing_out`: how much likelier its
    colour is inside the picture than along its border, where background prevails (0.5: no difference).
    """

    moving: Probability
    standing_out: Probability


def foreground(analysis: ClipAnalysis, index: int) -> Foreground:
    """Learned from the frames around `index` in its shot."""
    scene = analysis.scene
    frames = _window(scene, index)
    here = frames.index(index)
    evidence = analysis.evidence()
    odds = [_motion_odds(evidence[frame]) for frame in frames]
    colours = [_colour_bins(scene.small(frame), odds[0].shape) for frame in frames]
    inside = np.ones(odds[0].shape, np.float32)
    rim = max(1, round(RIM * min(inside.shape)))
    inside[:rim] = inside[-rim:] = inside[:, :rim] = inside[:, -rim:] = 0
    standing_out = _colour_odds(colours, [inside] * len(frames))[colours[here]]
    total = odds
    for _ in range(ROUNDS):
        looks = LOOKS_WEIGHT * _colour_odds(colours, [_probability(each) for each in total])
        total = [each + looks[bins] for each, bins in zip(odds, colours, strict=True)]
    return Foreground(_probability(total[here]), _probability(standing_out))


def cut_out(frame: Frame, probability: Probability) -> Mask:
    """(h, w) bool: the likeliest pixels of `frame` (h, w, 3), cut along its edges (GrabCut)."""
    h, w = frame.shape[:2]
    fine = cv2.resize(probability, (w, h), interpolation=cv2.INTER_LINEAR)
    marks = np.where(fine > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    marks[fine > SURE] = cv2.GC_FGD
    marks[fine < 1 - SURE] = cv2.GC_BGD
    # The mixtures need some pixels on either side.
    if min((fine > 0.5).sum(), (fine <= 0.5).sum()) < 20:
        return np.asarray(fine > 0.5, bool)
    cv2.setRNGSeed(0)
    cv2.grabCut(frame, marks, None, np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
    return np.asarray((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD), bool)


def _window(scene: Scene, index: int) -> list[int]:
    """Frames of the same shot about `index`, which is one of them."""
    first = last = index
    times = scene.times_s
    while first > 0 and not scene.cut(first - 1) and times[index] - times[first - 1] <= WINDOW_S:
        first -= 1
    while not scene.cut(last) and times[last + 1] - times[index] <= WINDOW_S:
        last += 1
    step = -(-(last - first + 1) // WINDOW_FRAMES)
    return sorted({*range(index, first - 1, -step), *range(index, last + 1, step)})


def _motion_odds(evidence: NDArray[np.float32]) -> NDArray[np.float32]:
    middle, top = np.percentile(evidence, (50, 99))
    return np.asarray(SLOPE * ((evidence - middle) / max(top - middle, 0.05) - EVEN), np.float32)


def _colour_bins(frame: Frame, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """(h, w) number of each pixel's cell in a table of Lab colours; natural a and b lie within 48."""
    small = cv2.resize(frame, shape[::-1], interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    share = (lab - (0, 128 - 48, 128 - 48)) / (256, 96, 96)
    cells = np.clip(share * LAB_BINS, 0, LAB_BINS - 1).astype(np.intp)
    return np.asarray((cells[..., 0] * LAB_BINS + cells[..., 1]) * LAB_BINS + cells[..., 2], np.intp)


def _colour_odds(
    colours: Sequence[NDArray[np.intp]], probabilities: Sequence[Probability]
) -> NDArray[np.float32]:
    """Per cell the log of how much likelier than on average a pixel of that colour is an object's."""
    bins = np.concatenate([each.ravel() for each in colours])
    objects = np.concatenate([each.ravel() for each in probabilities])
    tables = [
        gaussian_filter(np.bincount(bins, weights, LAB_BINS**3).reshape((LAB_BINS,) * 3), 1.0, mode="nearest")
        for weights in (objects, 1 - objects)
    ]
    # An unseen colour says nothing; a thousandth of the mean count makes it so.
    ours, others = (np.maximum(table.ravel(), 0) + 1e-3 * table.mean() for table in tables)
    odds = np.log(ours / ours.sum()) - np.log(others / others.sum())
    return np.asarray(np.clip(odds, -COLOUR_LIMIT, COLOUR_LIMIT), np.float32)


def _probability(odds: NDArray[np.float32]) -> Probability:
    return np.asarray(1 / (1 + np.exp(-odds)), np.float32)
