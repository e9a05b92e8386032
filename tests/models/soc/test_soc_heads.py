"""The mask head against the formula of CondInst (Tian et al., ECCV 2020), written down number by number."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
import torch
from torch import Tensor

from refervid.models.soc import MaskHeadConfig
from refervid.models.soc.heads import dynamic_masks


def logit(head: MaskHeadConfig, pixel: Tensor, offset: Tensor, numbers: list[float]) -> float:
    """Of one pixel: all weights come first, output by output, then all biases."""
    x = [*pixel.tolist(), *(offset.tolist() if head.places else ())]
    widths = [len(x), *[head.channels] * (head.layers - 1), 1]
    left = list(numbers)
    weights = [
        [[left.pop(0) for _ in range(inputs)] for _ in range(outputs)] for inputs, outputs in pairwise(widths)
    ]
    for layer, (rows, outputs) in enumerate(zip(weights, widths[1:], strict=True)):
        biases = [left.pop(0) for _ in range(outputs)]
        x = [sum(w * v for w, v in zip(row, x, strict=True)) + b for row, b in zip(rows, biases, strict=True)]
        if layer < head.layers - 1:
            x = [max(v, 0.0) for v in x]
    assert not left
    return x[0]


@pytest.mark.parametrize(
    "head",
    [
        MaskHeadConfig(),
        MaskHeadConfig(places=False),
        MaskHeadConfig(features=3, channels=5, layers=2),
        MaskHeadConfig(features=16, channels=2, layers=5, places=False),
    ],
)
def test_every_form_of_the_mask_head(head: MaskHeadConfig) -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, head.features, 3, 4, generator=generator)
    numbers = torch.randn(2, 3, head.parameters, generator=generator)
    centres = torch.rand(2, 3, 2, generator=generator) * 16
    found = dynamic_masks(features, numbers, centres, head)
    assert found.shape == (2, 3, 3, 4)
    for frame, query, row, column in product(range(2), range(3), range(3), range(4)):
        offset = centres[frame, query] - torch.tensor([4.0 * column + 2, 4.0 * row + 2])
        pixel = features[frame, :, row, column]
        plain = logit(head, pixel, offset, numbers[frame, query].tolist())
        assert found[frame, query, row, column].item() == pytest.approx(plain, rel=1e-4, abs=1e-3)


def test_the_published_head_has_169_numbers() -> None:
    assert MaskHeadConfig().parameters == 169
    assert MaskHeadConfig().sizes == ((10, 8), (8, 8), (8, 1))
