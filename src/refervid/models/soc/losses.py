"""The training losses."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch import distributed as dist

from refervid.models.soc.boxes import generalised_iou
from refervid.models.soc.config import LossWeights, MatchingWeights
from refervid.models.soc.matcher import match
from refervid.models.soc.model import LayerOutput, SocOutput
from refervid.models.soc.targets import Targets

_ALPHA = 0.25
"""Weight of the positives in the focal losses, whose exponent is 2 (Lin et al., ICCV 2017)."""


class Criterion(nn.Module):
    """All losses of all decoder layers; every layer has its own assignment."""

    def __init__(self, weights: LossWeights | None = None, matching: MatchingWeights | None = None) -> None:
        super().__init__()
        self.weights = weights or LossWeights()
        self.matching = matching or MatchingWeights()

    def forward(self, output: SocOutput, targets: Targets) -> dict[str, Tensor]:
        """Unweighted scalars `loss_X`, X one of the names in `LossWeights`.

        Those of the main (last) layer have plain names, the others a suffix `_0`, `_1`, ...
        Raises `TrainingDiverged`.
        """
        count = _masks_per_process(targets)
        losses: dict[str, Tensor] = {}
        for index, layer in enumerate(output.layers):
            suffix = "" if layer is output.main else f"_{index}"
            query = match(layer, targets, self.matching)
            for name, loss in _layer_losses(layer, output.text_feature, targets, query, count).items():
                losses[f"loss_{name}{suffix}"] = loss
        return losses

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """Weighted sum, the number to minimise."""
        weights = self.weights.model_dump()
        terms = []
        for name, loss in losses.items():
            kind = name.removeprefix("loss_").rstrip("_0123456789")
            terms.append(weights[kind] * loss)
        return torch.stack(terms).sum()


def _masks_per_process(targets: Targets) -> Tensor:
    """Number of target masks, hidden ones included, averaged over the processes; at least 1."""
    count = torch.tensor(float(targets.visible.numel()), device=targets.visible.device)
    if dist.is_available() and dist.is_initialized():
        dist.all_reduce(count)
        count = count / dist.get_world_size()
    return count.clamp(min=1)


def _layer_losses(
    layer: LayerOutput, text_feature: Tensor, targets: Targets, query: Tensor, count: Tensor
) -> dict[str, Tensor]:
    """Losses of one layer; `query` (N,) is the assignment."""
    clips = torch.arange(len(query), device=query.device)
    masks, boxes = layer.masks[clips, :, query].float(), layer.boxes[clips, :, query].float()
    logits = F.interpolate(masks, size=targets.masks.shape[2:], mode="bilinear").flatten(0, 1).flatten(1)
    truth = targets.masks.flatten(0, 1).flatten(1).float()
    # Public repository: frames that hide the object train the box towards a point at the corner.
    return {
        "sigmoid_focal": focal_loss(logits, truth).mean(1).sum() / count,
        "dice": dice_loss(logits, truth).sum() / count,
        "cls": _class_loss(layer.classes.float(), targets, query) / count,
        "bbox": (boxes - targets.boxes).abs().sum() / count,
        "giou": (1 - generalised_iou(boxes, targets.boxes)).sum() / count,
        "con": contrastive_loss(layer.queries.float(), text_feature.float(), query),
    }


def focal_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Element by element; `truth` is 0 or 1."""
    probability = logits.sigmoid()
    cross_entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    missed = probability + truth - 2 * probability * truth
    return (_ALPHA * truth + (1 - _ALPHA) * (1 - truth)) * missed**2 * cross_entropy


def dice_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """(M, pixels) -> (M,): one minus the smoothed Dice ratio."""
    probability = logits.sigmoid()
    overlap = (probability * truth).sum(1)
    return 1 - (2 * overlap + 1) / (probability.sum(1) + truth.sum(1) + 1)


def _class_loss(logits: Tensor, targets: Targets, query: Tensor) -> Tensor:
    """Focal loss over all queries and classes; the assigned query has the object's class where visible."""
    truth = torch.zeros_like(logits)
    clips = torch.arange(len(query), device=query.device)
    truth[clips, :, query, targets.labels] = targets.visible.to(truth.dtype)
    return focal_loss(logits, truth).sum()


def contrastive_loss(queries: Tensor, text_feature: Tensor, query: Tensor) -> Tensor:
    """Among the queries (N, Q, C) of a clip the assigned one should be closest to the text (N, C).

    `query` is the assignment, (N,) long, or every query's share of it, (N, Q).

    Published form: dot products of un-normalised vectors divided by C; the other queries of the clip are
    the only negatives.
    """
    similarity = torch.einsum("nqc,nc->nq", queries, text_feature) / queries.shape[2]
    return F.cross_entropy(similarity, query)
