"""From the network's output to answers in the video's size, as each benchmark takes them (public repository).

Mask maps cover whole cells of 4 pixels. Where a size is no multiple of 4 they are nevertheless stretched
to it exactly, as the published scripts do; only the RefCOCO evaluation enlarges by 4 and crops.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from refervid.core.types import ScoredMask
from refervid.models.soc.boxes import to_corners
from refervid.models.soc.heads import STRIDE
from refervid.models.soc.model import LayerOutput

Size = tuple[int, int]
"""(height, width) in pixels."""


@dataclass(frozen=True)
class Predictions:
    """What is found for one sentence on one frame, n answers.

    `scores` (n,) in 0..1; `masks` (n, H, W) bool and `boxes` (n, 4) x0, y0, x1, y1 in pixels of the
    original frame.
    """

    scores: Tensor
    masks: Tensor
    boxes: Tensor

    def scored_masks(self) -> list[ScoredMask]:
        """Every answer by itself."""
        parts = (self.masks.cpu().numpy(), self.scores.tolist(), self.boxes.float().cpu().numpy())
        return [ScoredMask(*each) for each in zip(*parts, strict=True)]


def a2d_predictions(
    output: LayerOutput, padded: Size, sizes: list[Size], originals: list[Size]
) -> list[Predictions]:
    """A2D-Sentences, JHMDB-Sentences: all queries of the annotated frame, in order.

    `padded` is the network's input size, `sizes` the frames' before padding, `originals` before resizing.
    """
    scores = output.classes[:, 0, :, 0].float().sigmoid()
    return [
        Predictions(
            scores[row],
            cropped_masks(output.masks[row, 0], padded, sizes[row], originals[row]),
            _pixel_boxes(output.boxes[row, 0], originals[row]),
        )
        for row in range(len(scores))
    ]


def refcoco_predictions(output: LayerOutput, sizes: list[Size], originals: list[Size]) -> list[Predictions]:
    """RefCOCO/+/g: the 20 best pairs of query and class of a still, best first."""
    predictions = []
    classes = output.classes.shape[3]
    for row, logits in enumerate(output.classes[:, 0]):
        flat = logits.float().sigmoid().flatten()
        scores, pairs = flat.topk(min(20, len(flat)))
        chosen = pairs // classes
        masks = output.masks[row, 0, chosen]
        enlarged = (masks.shape[1] * STRIDE, masks.shape[2] * STRIDE)
        predictions.append(
            Predictions(
                scores,
                cropped_masks(masks, enlarged, sizes[row], originals[row]),
                _pixel_boxes(output.boxes[row, 0, chosen], originals[row]),
            )
        )
    return predictions


@dataclass(frozen=True)
class ClipScores:
    """Of every query: `total` (N, Q), which the best answer has most of, and `presence` (N, T, Q), how sure
    it is of each frame; both in 0..1.
    """

    total: Tensor
    presence: Tensor


def clip_scores(classes: Tensor) -> ClipScores:
    """From logits (N, T, Q, K): a query stands for its class of the highest mean over the clip."""
    scores = classes.float().sigmoid()
    total, kind = scores.mean(1).max(-1)
    chosen = kind[:, None, :, None].expand(-1, scores.shape[1], -1, 1)
    return ClipScores(total, scores.gather(3, chosen)[..., 0])


def cropped_masks(logits: Tensor, padded: Size, size: Size, original: Size) -> Tensor:
    """(n, h, w) logits over the padded frame -> (n, H, W) bool in the original size."""
    masks = resized(logits, padded).sigmoid() > 0.5
    masks = masks[:, : size[0], : size[1]]
    return F.interpolate(masks[None].float(), size=original)[0].bool()


def resized(logits: Tensor, size: Size) -> Tensor:
    """(n, h, w) -> (n, H, W), bilinear."""
    return F.interpolate(logits[None], size=size, mode="bilinear")[0]


def _pixel_boxes(boxes: Tensor, original: Size) -> Tensor:
    height, width = original
    return to_corners(boxes) * torch.tensor([width, height, width, height], device=boxes.device)
