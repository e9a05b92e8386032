"""Object-sized regions of a frame: what moves, and what differs in colour from its surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from refervid.core.boxes import box_of
from refervid.core.types import Candidate, Frame, Mask
from refervid.engines.lite.analysis.clip_analysis import ClipAnalysis
from refervid.engines.lite.analysis.colour import TERMS, memberships
from refervid.engines.lite.analysis.foreground import Probability, cut_out, foreground
from refervid.engines.lite.analysis.scene import Scene
from refervid.metrics.region import frame_jaccard

MOST_PROPOSALS = 12
"""On one frame."""
SAME_REGION = 0.7
"""Of two masks with at least this intersection over union only the better one is kept."""
LEAST_SHARE = 0.001
MOST_SHARE = 0.6
"""An object covers between these shares of the frame."""
USUAL_SHARE = 0.01
"""Smaller objects are mentioned less often."""
FRAGMENT = 0.05
"""A moving piece smaller than this share of the largest is not part of what moves together."""
MOTION_WEIGHT = 0.9
LOOKS_WEIGHT = 0.4
"""Motion against the camera makes an object more surely than a colour of its own."""
LEAST_NAMED = 0.02
"""Probability of a name below which nothing is called so: what stands out is as likely meant then. Of what
was called so on frames with boxes 23 in 100 were right below .01, 33 from there to .05, 40 from there to .2.
"""
NAME_WEIGHT = 0.5
"""What such a name is worth, times the root of its probability."""
NAMED_BONUS = 0.12
"""A region of a colour that the text names is worth looking at even if nothing else speaks for it."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """`mask` (h, w) bool at analysis size; `score` in 0..1: how likely it is an object worth naming."""

    mask: Mask
    score: float
    phrase: str


@dataclass(frozen=True, eq=False)
class Clues:
    """What proposals follow from: a frame at analysis size, (h, w, 3), and probabilities (h, w) of pixels."""

    frame: Frame
    moving: Probability
    standing_out: Probability


def clues_on(analysis: ClipAnalysis, index: int) -> Clues:
    """Of frame `index`."""
    h, w = analysis.scene.size
    maps = foreground(analysis, index)
    moving, standing_out = (
        cv2.resize(each, (w, h), interpolation=cv2.INTER_LINEAR) for each in (maps.moving, maps.standing_out)
    )
    return Clues(analysis.scene.small(index), moving, standing_out)


def object_proposals(clues: Clues) -> list[Proposal]:
    """What moves, as a whole and in its separate pieces, and what stands out by its colour."""
    moving = _object_sized(cut_out(clues.frame, clues.moving))
    found = [Proposal(piece, _worth(clues, piece), "moving") for piece in moving]
    largest = max((piece.sum() for piece in moving), default=0)
    parts = [piece for piece in moving if piece.sum() > FRAGMENT * largest]
    if len(parts) > 1:
        whole = np.asarray(np.logical_or.reduce(parts), bool)
        found.append(Proposal(whole, _worth(clues, whole), "moving together"))
    standing = _object_sized(cut_out(clues.frame, clues.standing_out))
    return found + [Proposal(piece, _worth(clues, piece), "standing out") for piece in standing]


def colour_proposals(clues: Clues, named: Sequence[str]) -> list[Proposal]:
    """Regions of one colour; those of the colours in `named` are preferred."""
    found = []
    maps = memberships(cv2.medianBlur(clues.frame, 5))
    for number, term in enumerate(TERMS):
        for piece in _object_sized(maps[..., number] > 0.5):
            score = _worth(clues, piece) * _compactness(piece)
            if term in named:
                score += NAMED_BONUS * _compactness(piece) * _inwardness(piece)
            found.append(Proposal(_filled(piece), score, term))
    return found


def name_proposals(clues: Clues, name: str, found: Sequence[tuple[Mask, float]]) -> list[Proposal]:
    """What a network calls by a name with these probabilities; masks of any size."""
    return [
        Proposal(_enlarged(mask, clues), NAME_WEIGHT * float(np.sqrt(probability)), name)
        for mask, probability in found
        if probability >= LEAST_NAMED
    ]


def _enlarged(mask: Mask, clues: Clues) -> Mask:
    height, width = clues.frame.shape[:2]
    soft = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(soft > 0.5, bool)


def things_on(analysis: ClipAnalysis, index: int) -> list[Candidate]:
    """What moves or stands out on frame `index`, without a sentence."""
    clues = clues_on(analysis, index)
    return candidates_of(analysis.scene, [*object_proposals(clues), *colour_proposals(clues, ())])


def candidates_of(
    scene: Scene,
    proposals: Sequence[Proposal],
    limit: int = MOST_PROPOSALS,
    overlap: float = SAME_REGION,
    named: Sequence[Proposal] = (),
) -> list[Candidate]:
    """The `named` and then the best proposals of one frame as candidates with masks (H, W) at clip size.

    At most `limit`; of two whose masks have an intersection over union of at least `overlap`, the better one.
    """
    kept = list(named[:limit])
    for proposal in sorted(proposals, key=lambda each: -each.score):
        if len(kept) == limit:
            break
        if all(frame_jaccard(other.mask, proposal.mask) < overlap for other in kept):
            kept.append(proposal)
    return [found for each in kept if (found := _candidate(scene, each)) is not None]


def _candidate(scene: Scene, proposal: Proposal) -> Candidate | None:
    """None: it is thinner than a pixel of the clip."""
    height, width = scene.clip_size
    soft = cv2.resize(proposal.mask.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    mask = np.asarray(soft > 0.5, bool)
    box = box_of(mask)
    return None if box is None else Candidate(box, min(1.0, proposal.score), proposal.phrase, mask)


def _worth(clues: Clues, mask: Mask) -> float:
    """0..1: how much more what is inside moves and stands out than what is around."""
    reach = max(3, round(np.sqrt(mask.sum()) / 4))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    ring = (cv2.dilate(mask.astype(np.uint8), kernel) > 0) & ~mask
    motion, looks = (
        max(0.0, float(each[mask].mean() - each[ring].mean())) for each in (clues.moving, clues.standing_out)
    )
    size = min(1.0, float(np.sqrt(mask.mean() / USUAL_SHARE)))
    either = 1 - (1 - MOTION_WEIGHT * motion) * (1 - LOOKS_WEIGHT * looks)
    return either * size * _inwardness(mask)


def _object_sized(mask: Mask) -> list[Mask]:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    without_specks = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0
    return [piece for piece in _pieces(without_specks) if LEAST_SHARE <= piece.mean() <= MOST_SHARE]


def _pieces(mask: Mask) -> list[Mask]:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    return [np.asarray(labels == label, bool) for label in range(1, count)]


def _filled(mask: Mask) -> Mask:
    """With its holes: what lies inside an outline belongs to it."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    return np.asarray(filled > 0, bool)


def _inwardness(mask: Mask) -> float:
    """1 for a region inside the frame, less the more of its extent lies along the frame's border."""
    edge = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).sum()
    ys, xs = np.nonzero(mask)
    around = 2 * (np.ptp(ys) + np.ptp(xs) + 2)
    return float(1 - min(1.0, 1.5 * edge / around))


def _compactness(mask: Mask) -> float:
    """Share of its convex hull that a region fills."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.convexHull(np.concatenate(outlines))
    return float(min(1.0, mask.sum() / max(cv2.contourArea(hull), 1.0)))
