"""A picture as a tree of pieces: what lies together and is alike in colour and looks is joined first.

Ward's method (J. H. Ward, "Hierarchical grouping to optimize an objective function", Journal of the American
Statistical Association 58, 1963) over the cells of a grid, of which only neighbours are joined.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from refervid.core.types import Frame, Mask
from refervid.engines.lite.computing import computing
from refervid.engines.lite.efficientnet import WEIGHTS, load_efficientnet

SIDE = 448
"""Longer side of the picture that is looked at, in pixels."""
CELL = 8
"""Pixels of that picture to a side of a cell."""
STRIDE = 16
"""Of the features: they tell leaves from a wall, and do not yet tell things apart."""
COLOUR = 4.0
"""Weight of colours (Lab, of its range) beside looks of length 1: in a picture they differ by a quarter."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """`size` (h, w) of the grid. Piece n is cell n up to h * w; after these come the joint ones, each of two
    of `joined` (h * w - 1, 2), in the order in which they were joined. The last is the whole picture. `costs`
    (h * w - 1,): what a join added to the squared distances of cells from the mean of their piece.
    """

    size: tuple[int, int]
    joined: NDArray[np.int64]
    costs: NDArray[np.float64]

    @property
    def _cells(self) -> int:
        return self.size[0] * self.size[1]

    def sums(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(P, D) of (h, w, D): of each piece over its cells."""
        total = np.zeros((self._cells + len(self.joined), values.shape[-1]), np.float32)
        total[: self._cells] = values.reshape(self._cells, -1)
        for number, (one, other) in enumerate(self.joined, self._cells):
            total[number] = total[one] + total[other]
        return total

    def mask(self, number: int) -> Mask:
        """(h, w) cells of a piece."""
        inside = np.zeros(self._cells + len(self.joined), bool)
        inside[number] = True
        for joint in range(number, self._cells - 1, -1):
            inside[self.joined[joint - self._cells]] = inside[joint]
        return inside[: self._cells].reshape(self.size)

    def areas(self, differing: float) -> NDArray[np.int64]:
        """(h, w) numbers from 0: a piece falls into its two where those make up more than this share of all
        that differs in the picture.
        """
        numbers = np.arange(self._cells + len(self.joined))
        apart = np.zeros(len(numbers), bool)
        apart[-1], least = True, differing * self.costs.sum()
        for joint in range(len(numbers) - 1, self._cells - 1, -1):
            pair = self.joined[joint - self._cells]
            if apart[joint] and self.costs[joint - self._cells] > least:
                apart[pair] = True
            else:
                numbers[pair] = numbers[joint]
        _, areas = np.unique(numbers[: self._cells], return_inverse=True)
        return np.asarray(areas.reshape(self.size), np.int64)


def pieces_of(picture: Frame) -> Pieces:
    """By colour and looks; without the network's weights by colour alone."""
    picture = fitted(picture, SIDE / max(picture.shape[:2]))
    height, width = (side // CELL for side in picture.shape[:2])
    smooth = cv2.resize(cv2.medianBlur(picture, 5), (width, height), interpolation=cv2.INTER_AREA)
    parts = [COLOUR / 255 * cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB)]
    if not WEIGHTS.missing():
        parts.append(_looks(picture, (width, height)))
    return Pieces((height, width), *_joined(np.concatenate(parts, -1, dtype=np.float64)))


def fitted(picture: Frame, scale: float) -> Frame:
    """As many times as large, with sides that the network's largest stride divides."""
    size = [32 * max(round(side * scale / 32), 1) for side in picture.shape[1::-1]]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)


def _looks(picture: Frame, size: tuple[int, int]) -> NDArray[np.float32]:
    """(h, w, D) features of length 1."""
    pixels = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    with computing():
        features = load_efficientnet().features(pixels, STRIDE)[STRIDE][0]
        unit = torch.nn.functional.normalize(features, dim=0).numpy()
    return on_grid(unit, size)


def on_grid(features: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """(h, w, D) of (D, h', w'); `size` is (w, h)."""
    return np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in features], -1)


def _joined(cells: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """`joined` and `costs` of (h, w, D): always the two neighbours whose join costs least."""
    numbers = np.arange(cells.shape[0] * cells.shape[1]).reshape(cells.shape[:2])
    pairs = np.concatenate(
        [
            np.stack([numbers[:, :-1], numbers[:, 1:]], -1).reshape(-1, 2),
            np.stack([numbers[:-1], numbers[1:]], -1).reshape(-1, 2),
        ]
    ).tolist()
    means, counts = list(cells.reshape(numbers.size, -1)), [1] * numbers.size
    neighbours: dict[int, set[int]] = {number: set() for number in range(numbers.size)}
    for one, other in pairs:
        neighbours[one].add(other)
        neighbours[other].add(one)

    def entry(one: int, other: int) -> tuple[float, int, int]:
        apart = means[one] - means[other]
        return counts[one] * counts[other] / (counts[one] + counts[other]) * float(apart @ apart), one, other

    waiting = [entry(one, other) for one, other in pairs]
    heapq.heapify(waiting)
    joined: list[tuple[int, int]] = []
    costs: list[float] = []
    while waiting:
        cost, one, other = heapq.heappop(waiting)
        if one not in neighbours or other not in neighbours:
            continue  # one of the two is part of a larger piece by now
        joint, count = len(means), counts[one] + counts[other]
        means.append((means[one] * counts[one] + means[other] * counts[other]) / count)
        counts.append(count)
        joined.append((one, other))
        costs.append(cost)
        around = (neighbours.pop(one) | neighbours.pop(other)) - {one, other}
        neighbours[joint] = around
        for each in around:
            neighbours[each] = (neighbours[each] - {one, other}) | {joint}
            heapq.heappush(waiting, entry(each, joint))
    return np.array(joined, np.int64).reshape(-1, 2), np.array(costs)
