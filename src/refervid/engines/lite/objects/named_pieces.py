"""Which pieces of a picture ImageNet's network would call what a noun names.

The classifier is asked about the mean of the features over a piece, instead of over the picture, as R.
Girshick does with boxes ("Fast R-CNN", ICCV 2015).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from refervid.core.types import Frame, Mask
from refervid.engines.lite.analysis.pieces import Pieces, fitted, on_grid
from refervid.engines.lite.computing import computing
from refervid.engines.lite.efficientnet import load_efficientnet
from refervid.engines.lite.objects.looks import WIDEST
from refervid.metrics.region import frame_jaccard

SIDES = (224, 480, 800)
"""Shorter sides in pixels at which a picture is looked at: for what fills it, large things and small ones."""
STRIDE = 32
SHARES = (0.002, 0.9)
"""Pieces between these shares of the picture are asked about."""
LARGE = 0.3
"""The tip of a thing is called what the thing is as surely as all of it, so what is called so is worth the
more the longer it is, by the root of its share of the picture, up to this share.
"""
LEAST = 1e-3
"""Probability of a name where it is not seen at all: seen at one side alone it may yet be meant."""
MOST, TRIED = 4, 40
"""So many of a name on one picture, among so many that are called so best."""
SAME = 0.5
"""Of two with at least this intersection over union only the better one is kept."""


def named_pieces(
    picture: Frame, pieces: Pieces, others: Sequence[Mask], names: Sequence[Sequence[int]]
) -> list[list[tuple[Mask, float]]]:
    """For each set of ImageNet's classes what is called so best, the best first: of its `pieces` and
    the `others`, (h, w) bool each. With the probability of the best, for the next ones less as they are
    worth less. Where one of the `others` is the same thing its mask comes back as it is, else a piece on its
    own grid.
    """
    regions = _Regions(pieces, others)
    # The mean of logarithms: what is called so at every side, else what is around a thing is called so too.
    likely = np.zeros((len(regions), len(names)))
    for side in SIDES:
        shares = _called(regions.means(_features(picture, side, regions.size)))
        called = np.stack([shares[:, list(own)].sum(axis=1) for own in names], -1)
        likely += np.log(called + LEAST) / len(SIDES)
    return [list(_apart(regions, own)) for own in np.exp(likely.T)]


class _Regions:
    """The pieces that are neither too small nor too large, and then the others."""

    def __init__(self, pieces: Pieces, others: Sequence[Mask]) -> None:
        self._pieces, self._others, self.size = pieces, others, pieces.size
        counts = pieces.sums(np.ones((*pieces.size, 1), np.float32))[:, 0]
        self._asked = np.flatnonzero((counts >= SHARES[0] * counts[-1]) & (counts <= SHARES[1] * counts[-1]))
        small = [
            cv2.resize(one.astype(np.float32), self.size[::-1], interpolation=cv2.INTER_AREA)
            for one in others
        ]
        self._weights = np.array(small, np.float32).reshape(len(others), pieces.size[0] * pieces.size[1])
        self._counts = np.concatenate([counts[self._asked], self._weights.sum(axis=1)])
        self.shares = self._counts / counts[-1]

    def __len__(self) -> int:
        return len(self._counts)

    def means(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(R, D) of (h, w, D)."""
        own = self._weights @ values.reshape(-1, values.shape[-1])
        sums = np.concatenate([self._pieces.sums(values)[self._asked], own])
        return np.asarray(sums / np.maximum(self._counts, 1e-6)[:, None], np.float32)

    def cells(self, number: int) -> Mask:
        """(h, w) on the grid of the pieces."""
        if number < len(self._asked):
            return self._pieces.mask(int(self._asked[number]))
        return self._other(number - len(self._asked))

    def outline(self, cells: Mask) -> Mask:
        """Of the others the one that is the same thing, which has a finer outline, else the cells."""
        shared = [frame_jaccard(self._other(number), cells) for number in range(len(self._others))]
        best = int(np.argmax([*shared, SAME]))
        return self._others[best] if best < len(shared) else cells

    def _other(self, number: int) -> Mask:
        return np.asarray(self._weights[number].reshape(self.size) > 0.5, bool)


def _apart(regions: _Regions, probabilities: NDArray[np.float64]) -> Iterator[tuple[Mask, float]]:
    worth = probabilities * np.sqrt(np.minimum(regions.shares, LARGE))
    best = int(worth.argmax())
    kept: list[Mask] = []
    for number in np.argsort(-worth)[:TRIED]:
        cells = regions.cells(number)
        if len(kept) < MOST and all(frame_jaccard(one, cells) < SAME for one in kept):
            kept.append(cells)
            yield regions.outline(cells), float(probabilities[best] * worth[number] / worth[best])


def scale_of(height: int, width: int, side: int) -> float:
    """How many times as large a picture is looked at: its shorter side becomes `side`, unless the longer one
    would be more than `WIDEST` of that.
    """
    short, long = sorted((height, width))
    return min(side / short, WIDEST * side / long)


def _features(picture: Frame, side: int, size: tuple[int, int]) -> NDArray[np.float32]:
    """(h, w, D) of the last layer before the mean over the picture."""
    height, width = picture.shape[:2]
    pixels = torch.from_numpy(fitted(picture, scale_of(height, width, side))).permute(2, 0, 1)[None].float()
    with computing():
        network = load_efficientnet()
        features = F.relu6(network.head(network.features(pixels)[STRIDE]))[0].numpy()
    return on_grid(features, size[::-1])


def _called(means: NDArray[np.float32]) -> NDArray[np.float32]:
    """(R, 1000) probabilities of ImageNet's classes."""
    with computing():
        return np.asarray(load_efficientnet().classifier(torch.from_numpy(means)).softmax(dim=-1).numpy())
