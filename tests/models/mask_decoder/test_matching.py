"""Votes of the places that look alike, against all places sorted."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from refervid.models.mask_decoder import votes
from refervid.models.mask_decoder.matching import MATCHES, TEMPERATURE


@pytest.mark.parametrize("places", [7, 84, 576])
def test_the_best_matches_vote(places: int) -> None:
    noise = torch.Generator().manual_seed(places)
    query, memory = (F.normalize(torch.randn(2, n, 16, generator=noise), dim=2) for n in (30, places))
    values = torch.randn(2, places, 3, generator=noise)
    bias = -torch.rand(30, places, generator=noise)
    found = votes(query, memory, values, bias)
    similarity = query @ memory.mT + bias
    for row in range(2):
        for place in range(30):
            best = similarity[row, place].argsort(descending=True)[:MATCHES]
            weights = torch.softmax(similarity[row, place, best] / TEMPERATURE, 0)
            torch.testing.assert_close(found[row, place], weights @ values[row, best])
