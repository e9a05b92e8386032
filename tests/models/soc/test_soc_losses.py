"""Matching and losses where the published code fails."""

from __future__ import annotations

import pytest
import torch

from refervid.core.errors import TrainingDiverged
from refervid.models.soc import Criterion, LayerOutput, MatchingWeights, SocOutput, Targets
from refervid.models.soc.boxes import generalised_iou, to_centres, to_corners
from refervid.models.soc.matcher import match, matching_cost


def layer(clips: int, frames: int, queries: int = 4, classes: int = 1) -> LayerOutput:
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    return LayerOutput(
        random(clips, frames, queries, classes),
        random(clips, frames, queries, 4).sigmoid(),
        random(clips, frames, queries, 6, 8),
        random(clips, queries, 16),
    )


def targets(visible: list[list[bool]]) -> Targets:
    seen = torch.tensor(visible)
    masks = torch.zeros(*seen.shape, 24, 32, dtype=torch.bool)
    masks[..., 4:12, 8:20] = True
    masks &= seen[..., None, None]
    boxes = torch.tensor([0.4, 0.3, 0.4, 0.3]) * seen[..., None]
    return Targets(masks, boxes, seen, torch.zeros(len(seen), dtype=torch.long))


def rows(output: LayerOutput, index: int) -> LayerOutput:
    part = slice(index, index + 1)
    return LayerOutput(output.classes[part], output.boxes[part], output.masks[part], output.queries[part])


def test_clips_with_unequal_visibility_cost_what_each_costs_alone() -> None:
    output, truth = layer(3, 2), targets([[True, True], [True, False], [False, False]])
    together = matching_cost(output, truth, MatchingWeights())
    for index in range(3):
        alone = Targets(*(x[index : index + 1] for x in vars(truth).values()))
        torch.testing.assert_close(
            together[index], matching_cost(rows(output, index), alone, MatchingWeights())[0]
        )


def test_never_visible_still_trains() -> None:
    output, truth = layer(1, 3), targets([[False, False, False]])
    losses = Criterion()(SocOutput((output,), torch.randn(1, 16)), truth)
    assert all(loss.isfinite() for loss in losses.values())


def test_the_best_query_is_chosen() -> None:
    output, truth = layer(1, 2), targets([[True, True]])
    output.masks[:, :, 2] = torch.where(truth.masks[:, :, ::4, ::4], 9.0, -9.0)
    output.boxes[:, :, 2] = truth.boxes
    output.classes[:, :, 2] = 5.0
    assert match(output, truth, MatchingWeights()).tolist() == [2]
    losses = Criterion()(SocOutput((output,), torch.randn(1, 16)), truth)
    assert losses["loss_bbox"] == 0
    assert losses["loss_dice"] < 0.2


def test_not_a_number_stops_with_the_clip_named() -> None:
    output = layer(2, 1)
    output.masks[1, 0, 3] = float("nan")
    with pytest.raises(TrainingDiverged, match=r"clips \[1\]"):
        match(output, targets([[True], [True]]), MatchingWeights())


def test_boxes() -> None:
    box = torch.tensor([0.5, 0.4, 0.2, 0.6])
    torch.testing.assert_close(to_centres(to_corners(box)), box)
    apart = torch.tensor([0.1, 0.4, 0.2, 0.6])
    assert generalised_iou(box, box) == pytest.approx(1, abs=1e-5)
    # Side by side with a gap as wide as both: (0.24 of 0.36 covered)
    assert generalised_iou(box, apart) == pytest.approx(-(0.36 - 0.24) / 0.36, abs=1e-4)
