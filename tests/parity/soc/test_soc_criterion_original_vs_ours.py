"""Matching costs, assignments, losses and gradients against the published code."""

from __future__ import annotations

import pytest
import torch

from refervid.models.soc import (
    Criterion,
    LayerOutput,
    MatchingWeights,
    SocOutput,
    Target,
    Targets,
    collate_targets,
)
from refervid.models.soc.boxes import to_centres
from refervid.models.soc.matcher import match, matching_cost
from refervid.models.soc.transforms import mask_boxes
from tests.parity.soc.published import Expected, random

VALUE = 5e-6
GRADIENT = 2e-5

Rectangle = tuple[int, int, int, int] | None
MOVING: list[Rectangle] = [(8, 10, 40, 50), (10, 14, 44, 56), None, (12, 30, 50, 80)]


def target(size: tuple[int, int], rectangles: list[Rectangle], label: int) -> Target:
    masks = torch.zeros(len(rectangles), *size, dtype=torch.bool)
    for mask, rectangle in zip(masks, rectangles, strict=True):
        if rectangle is not None:
            y0, x0, y1, x1 = rectangle
            mask[y0:y1, x0:x1] = True
    boxes = to_centres(mask_boxes(masks)) / torch.tensor([size[1], size[0], size[1], size[0]])
    return Target(masks, boxes, masks.flatten(1).any(1), label)


CASES = {
    "video": (1, [target((60, 90), MOVING, 0)]),
    "frame": (1, [target((64, 96), [(8, 10, 40, 50)], 0), target((40, 56), [(5, 7, 30, 28)], 0)]),
    "video65": (65, [target((60, 90), MOVING, 42)]),
}


@pytest.mark.parametrize("case", CASES)
def test_criterion_original_vs_ours(case: str) -> None:
    expected, (classes, objects) = Expected("criterion"), CASES[case]
    targets = collate_targets(objects)
    published = [predictions(case, layer, classes, targets) for layer in range(3)]
    layers = tuple(batch_first(layer) for layer in published)
    text = random(f"criterion/{case}/text", len(objects), 256).requires_grad_()
    criterion = Criterion()
    losses = criterion(SocOutput(layers, text), targets)
    assert len(losses) == 18
    for name, loss in losses.items():
        expected.check(f"{case}/loss/{name}", loss, VALUE)
    total = criterion.total(losses)
    expected.check(f"{case}/total", total, VALUE)

    total.backward()
    expected.check(f"{case}/grad/text", text.grad, GRADIENT)
    for index, (layer, leaves) in enumerate(zip(layers, published, strict=True)):
        name = f"{case}/layer{index}"
        cost = matching_cost(layer, targets, MatchingWeights())
        query = match(layer, targets, MatchingWeights())
        for clip in range(len(objects)):
            expected.check(f"{name}/cost{clip}", cost[clip][:, None], VALUE)
            assert query[clip] == expected[f"{name}/query{clip}"]
        for leaf, value in leaves.items():
            expected.check(f"{case}/grad/layer{index}/{leaf}", value.grad, GRADIENT)


def predictions(case: str, layer: int, classes: int, targets: Targets) -> dict[str, torch.Tensor]:
    """Leaves in the published layout, time first."""
    clips, frames, height, width = targets.masks.shape
    name = f"criterion/{case}/layer{layer}"
    leaves = {
        "pred_masks": 2 * random(f"{name}/masks", frames, clips, 20, -(-height // 4), -(-width // 4)),
        "pred_boxes": random(f"{name}/boxes", frames, clips, 20, 4).sigmoid(),
        "pred_cls": random(f"{name}/cls", frames, clips, 20, classes) - 2,
        "pred_logit": 4 * random(f"{name}/logit", clips, 20, 256),
    }
    return {key: value.requires_grad_() for key, value in leaves.items()}


def batch_first(leaves: dict[str, torch.Tensor]) -> LayerOutput:
    return LayerOutput(
        classes=leaves["pred_cls"].transpose(0, 1),
        boxes=leaves["pred_boxes"].transpose(0, 1),
        masks=leaves["pred_masks"].transpose(0, 1),
        queries=leaves["pred_logit"],
    )
