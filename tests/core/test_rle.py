"""Run-length codes: what pycocotools reads and writes, and nothing else."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from pycocotools import mask as coco

from refervid.core.rle import decode_mask, encode_mask


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 5), (1, 300), (300, 1), (120, 90)])
def test_codes_are_read_as_pycocotools_reads_them(seed: int, height: int, width: int) -> None:
    random = np.random.default_rng(seed)
    grain = np.kron(random.random((height, width)), np.ones((1 + seed, 1 + seed)))[:height, :width]
    mask = grain > random.choice([-1, 0.05, 0.5, 0.95, 2])
    counts = encode_mask(mask)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = coco.decode({"size": [height, width], "counts": counts}).astype(bool)
    np.testing.assert_array_equal(decode_mask(counts, height, width), theirs)
    np.testing.assert_array_equal(theirs, mask)


def test_codes_that_cover_no_frame_are_refused() -> None:
    square = np.zeros((20, 400), bool)
    square[5:9, :3] = True
    counts = encode_mask(square)
    for damaged in (
        b"",
        counts[:-1],
        counts + b"1",
        counts + b"P",
        b"~" * 9,
        b"\x00",
        b"zzzzzzzzzzz1",
        b"N1",
    ):
        with pytest.raises(ValueError, match="400x20"):
            decode_mask(damaged, 20, 400)
