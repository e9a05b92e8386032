"""Object-sized regions of a frame: what moves, and what differs in colour from its surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from refervid.scene.colour import TERMS, memberships
from refervid.scene.foreground import cut_out, foreground
from refervid.scene.store import Scene
from refervid.types import Frame, Mask

LEAST_SHARE = 0.001
MOST_SHARE = 0.6
"""An object covers between these shares of the frame."""
FRAGMENT = 0.05
"""A moving piece smaller than this share of the largest is noise."""
STILL_WEIGHT = 0.4
"""What only stands out by colour scores at most this; what moves, up to 1."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """`mask` (h, w) bool at analysis size; `score` in 0..1: how likely it is an object worth naming."""

    mask: Mask
    score: float
    phrase: str


def moving_proposals(scene: Scene, index: int) -> list[Proposal]:
    """The moving foreground as a whole and in its separate pieces, best first."""
    frame = scene.small(index)
    probability = foreground(scene, index)
    mask = _without_specks(cut_out(frame, probability))
    fine = cv2.resize(probability, mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    pieces = [piece for piece in _pieces(mask) if LEAST_SHARE <= piece.mean() <= MOST_SHARE]
    weights = [float(fine[piece].sum() * _inwardness(piece)) for piece in pieces]
    if not pieces:
        return []
    heaviest = max(weights)
    kept = [
        (piece, weight) for piece, weight in zip(pieces, weights, strict=True) if weight > FRAGMENT * heaviest
    ]
    found = [Proposal(piece, float(np.sqrt(weight / heaviest)) * 0.9, "moving") for piece, weight in kept]
    whole = np.logical_or.reduce([piece for piece, _ in kept])
    if len(kept) > 1:
        found.append(Proposal(np.asarray(whole, bool), 0.5, "moving together"))
    return sorted(found, key=lambda proposal: -proposal.score)


def colour_proposals(scene: Scene, index: int, named: Sequence[str]) -> list[Proposal]:
    """Compact regions of one colour; those of the colours in `named` are preferred."""
    frame = scene.small(index)
    found = []
    smooth = cv2.medianBlur(frame, 5)
    maps = memberships(smooth)
    for number, term in enumerate(TERMS):
        for piece in _pieces(_without_specks(maps[..., number] > 0.5)):
            if LEAST_SHARE <= piece.mean() <= MOST_SHARE / 2:
                worth = _compactness(piece) * _inwardness(piece) * _contrast(smooth, piece)
                score = STILL_WEIGHT * worth * (1.0 if term in named else 0.5)
                found.append(Proposal(_filled(piece), score, term))
    return sorted(found, key=lambda proposal: -proposal.score)


def _pieces(mask: Mask) -> list[Mask]:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    return [np.asarray(labels == label, bool) for label in range(1, count)]


def _without_specks(mask: Mask) -> Mask:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0, bool)


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


def _contrast(frame: Frame, mask: Mask) -> float:
    """0..1: distance in Lab between the mean colours of a region and of the ring about it."""
    reach = max(3, round(np.sqrt(mask.sum()) / 4))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    ring = (cv2.dilate(mask.astype(np.uint8), kernel) > 0) & ~mask
    if not ring.any():
        return 0.0
    lab = cv2.cvtColor(frame, cv2.COLOR_RGB2LAB).astype(np.float32)
    distance = float(np.linalg.norm(lab[mask].mean(0) - lab[ring].mean(0)))
    return distance / (distance + 25.0)
