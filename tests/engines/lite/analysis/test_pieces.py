"""A made-up picture as a tree of pieces."""

from __future__ import annotations

import numpy as np

from refervid.engines.lite.analysis.pieces import Pieces, pieces_of

LAWN, SKY, ROOF = (40, 150, 50), (110, 160, 230), (220, 20, 20)


def _picture() -> Pieces:
    frame = np.full((224, 448, 3), LAWN, np.uint8)
    frame[:112] = SKY
    frame[64:160, 160:256] = ROOF
    return pieces_of(frame)


def test_what_differs_most_is_joined_last() -> None:
    pieces = _picture()
    assert pieces.size == (28, 56)
    areas = pieces.areas(0.05)
    roof = np.zeros(pieces.size, bool)
    roof[8:20, 20:32] = True
    [number] = np.unique(areas[10:18, 22:30])
    found = areas == number
    assert (found & roof).sum() / (found | roof).sum() > 0.8
    assert len(np.unique(areas[:2])) == len(np.unique(areas[-2:])) == 1
    assert areas[0, 0] != areas[-1, 0]
    assert len(np.unique(pieces.areas(0.002))) > len(np.unique(areas))
    assert not pieces.areas(1.0).any()


def test_a_piece_is_its_two_together() -> None:
    pieces = _picture()
    ones = np.ones((*pieces.size, 1), np.float32)
    counts = pieces.sums(ones)[:, 0]
    cells = pieces.size[0] * pieces.size[1]
    assert counts[-1] == cells == counts[:cells].sum()
    for number in (cells, len(counts) - 2, len(counts) - 1):
        one, other = pieces.joined[number - cells]
        mask = pieces.mask(number)
        assert (mask == (pieces.mask(one) | pieces.mask(other))).all()
        assert mask.sum() == counts[number] == counts[one] + counts[other]


def test_a_picture_of_one_colour_falls_into_nothing() -> None:
    tiny = pieces_of(np.full((3, 5, 3), LAWN, np.uint8))
    assert tiny.areas(0.9).max() == 0
    assert len(tiny.joined) == tiny.size[0] * tiny.size[1] - 1
