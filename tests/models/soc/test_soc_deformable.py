"""Both ways of sampling read the same, also beyond the maps."""

from __future__ import annotations

import torch

from refervid.models.soc.deformable import DeformableAttention, sample_grid, sample_rows

SHAPES = ((7, 9), (4, 5), (2, 3), (1, 1))
TOKENS = sum(h * w for h, w in SHAPES)


def inputs(spread: float) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    value = torch.randn(2, TOKENS, 2, 8, generator=generator)
    x, y = (0.5 + spread * torch.randn(2, 30, 2, 4, 3, generator=generator) for _ in range(2))
    weights = torch.rand(2, 30, 2, 4, 3, generator=generator)
    return value, x, y, weights


def test_rows_and_grid_agree_inside_and_outside() -> None:
    for spread in (0.2, 1.0, 50.0):
        value, x, y, weights = inputs(spread)
        grid = sample_grid(value, SHAPES, x, y, weights)
        torch.testing.assert_close(sample_rows(value, SHAPES, x, y, weights), grid, rtol=1e-5, atol=1e-5)


def test_places_stay_exact_where_maps_are_half_numbers() -> None:
    value, x, y, weights = inputs(0.2)
    half, weights = value.bfloat16(), weights.bfloat16()
    exact = sample_grid(half.float(), SHAPES, x, y, weights.float())
    for formulation in (sample_grid, sample_rows):
        read = formulation(half, SHAPES, x, y, weights)
        assert read.dtype == torch.bfloat16
        torch.testing.assert_close(read.float(), exact, rtol=0.01, atol=0.01)


def test_pixel_centres_and_borders() -> None:
    value = torch.arange(6.0).view(1, 6, 1, 1)
    x = torch.tensor([0.5 / 3, 2.5 / 3, 1.0, 1.5 / 3, -1.0]).view(1, 5, 1, 1, 1)
    y = torch.tensor([0.25, 0.75, 0.75, 0.5, 0.5]).view(1, 5, 1, 1, 1)
    expected = torch.tensor([0.0, 5.0, 2.5, 2.5, 0.0])
    for formulation in (sample_grid, sample_rows):
        read = formulation(value, ((2, 3),), x, y, torch.ones_like(x)).flatten()
        torch.testing.assert_close(read, expected)


def test_heads_look_in_different_directions_at_first() -> None:
    attention = DeformableAttention(64, 4, 4, 3)
    attention.reset()
    query = torch.randn(1, 1, 5, 64)
    x, y, weights = attention.sampling(query, torch.full((1, 1, 5, 4, 2), 0.5), ((10, 10),) * 4)
    assert torch.allclose(weights, torch.full_like(weights, 1 / 12))
    offsets = torch.stack((x, y), -1)[0, 0, 0, :, 0] * 10 - 5
    expected = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    for point in range(3):
        torch.testing.assert_close(offsets[:, point], expected * (point + 1), atol=1e-5, rtol=0)
