"""Colours of training clips."""

from __future__ import annotations

import numpy as np
import torch

from refervid.training.jitter import jittered


def frames(count: int = 200) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, 3, 6, 8), np.uint8))


def test_every_frame_by_itself_and_the_same_again() -> None:
    before = frames()
    after = jittered(before, np.random.default_rng(1))
    assert after.dtype == torch.uint8
    assert after.shape == before.shape
    assert torch.equal(after, jittered(before, np.random.default_rng(1)))
    assert not torch.equal(after, jittered(before, np.random.default_rng(2)))
    same = [torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert 0 < sum(same) < len(same) / 5  # one in 32 is left as it is


def test_a_grey_frame_stays_grey_but_for_its_light() -> None:
    grey = torch.full((100, 3, 4, 4), 100, dtype=torch.uint8)
    after = jittered(grey, np.random.default_rng(0)).float()
    assert (after.amax(1) - after.amin(1)).max() <= 1
    lights = after.mean((1, 2, 3))
    assert lights.min() >= 0.5 * (100 - 32) - 1
    assert lights.max() <= 1.5 * (100 + 32) + 1
    assert len(lights.round().unique()) > 20
