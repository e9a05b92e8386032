"""Which query answers for the object: one assignment per clip, over all its frames."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from refervid.core.errors import TrainingDiverged
from refervid.models.soc.boxes import generalised_iou
from refervid.models.soc.config import MatchingWeights
from refervid.models.soc.model import LayerOutput
from refervid.models.soc.targets import Targets

_ALPHA = 0.25
_EPS = 1e-8
"""Focal cost of the public repository."""


@torch.no_grad()
def match(output: LayerOutput, targets: Targets, weights: MatchingWeights) -> Tensor:
    """(N,) long: the query assigned to every clip's object. Raises `TrainingDiverged`."""
    cost = matching_cost(output, targets, weights).cpu()
    if not bool(cost.isfinite().all()):
        clips = (~cost.isfinite()).any(1).nonzero().flatten().tolist()
        raise TrainingDiverged(
            f"the matching cost of clips {clips} of the batch is not finite: lower the learning rate, "
            "or train without mixed precision"
        )
    # An expression refers to one object, so every clip's problem has a single column.
    chosen = [int(linear_sum_assignment(clip[:, None].numpy())[0][0]) for clip in cost]
    return torch.tensor(chosen, device=output.masks.device)


def matching_cost(output: LayerOutput, targets: Targets, weights: MatchingWeights) -> Tensor:
    """(N, Q) float32."""
    boxes, truth = output.boxes.float(), targets.boxes[:, :, None]
    dice = torch.stack([_dice(*clip) for clip in zip(output.masks, targets.masks, strict=True)])
    return (
        weights.cls * _class_cost(output.classes.float(), targets)
        - weights.dice * dice
        + weights.bbox * (boxes - truth).abs().sum(-1).mean(1)
        - weights.giou * generalised_iou(boxes, truth).mean(1)
    )


def _class_cost(logits: Tensor, targets: Targets) -> Tensor:
    """Focal cost of the object's class (N, T, Q, K) -> (N, Q), mean over the frames that show the object.

    Clips that never show it cost nothing here (the published code fails on them).
    """
    labels = targets.labels[:, None, None, None].expand(*logits.shape[:3], 1)
    probability = logits.gather(3, labels).squeeze(3).sigmoid()
    positive = _ALPHA * (1 - probability) ** 2 * -(probability + _EPS).log()
    negative = (1 - _ALPHA) * probability**2 * -(1 - probability + _EPS).log()
    visible = targets.visible
    if logits.shape[1] == 1 and logits.shape[3] == 1:
        # Public repository: a single frame counts whether or not it shows the object.
        visible = torch.ones_like(visible)
    counted = visible[:, :, None].float()
    return ((positive - negative) * counted).sum(1) / counted.sum(1).clamp(min=1)


def _dice(logits: Tensor, truth: Tensor) -> Tensor:
    """Of one clip: (T, Q, h, w) logits and (T, H, W) bool -> (Q,), mean over the frames."""
    size = (truth.shape[1], truth.shape[2])
    probability = F.interpolate(logits.float(), size=size, mode="bilinear").sigmoid().flatten(2)
    flat = truth.flatten(1).float()
    overlap = torch.einsum("tqp,tp->tq", probability, flat)
    ratio = (2 * overlap + 1) / (probability.sum(-1) + flat.sum(-1, keepdim=True) + 1)
    return ratio.mean(0)
