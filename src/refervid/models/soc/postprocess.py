"""From the network's output to masks in the video's size, one way per benchmark (public repository).

Mask maps cover whole cells of 4 pixels. Where a size is no multiple of 4 they are nevertheless stretched
to it exactly, as the published scripts do; only the RefCOCO evaluation enlarges by 4 and crops.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from refervid.models.soc.boxes import to_corners
from refervid.models.soc.heads import STRIDE
from refervid.models.soc.model import LayerOutput

Size = tuple[int, int]
"""(height, width) in pixels."""

DAVIS_CLIP = 36
"""Ref-DAVIS17 is answered in consecutive clips of so many frames."""
_DAVIS_BACKGROUND = 0.1


@dataclass(frozen=True)
class Predictions:
    """What is found for one sentence on one frame, n answers.

    `scores` (n,) in 0..1; `masks` (n, H, W) bool and `boxes` (n, 4) x0, y0, x1, y1 in pixels of the
    original frame.
    """

    scores: Tensor
    masks: Tensor
    boxes: Tensor


def a2d_predictions(
    output: LayerOutput, padded: Size, sizes: list[Size], originals: list[Size]
) -> list[Predictions]:
    """A2D-Sentences, JHMDB-Sentences: all queries of the annotated frame, in order.

    `padded` is the network's input size, `sizes` the frames' before padding, `originals` before resizing.
    """
    scores = output.classes[:, 0, :, 0].sigmoid()
    return [
        Predictions(
            scores[row],
            _cropped_masks(output.masks[row, 0], padded, sizes[row], originals[row]),
            _pixel_boxes(output.boxes[row, 0], originals[row]),
        )
        for row in range(len(scores))
    ]


def refcoco_predictions(output: LayerOutput, sizes: list[Size], originals: list[Size]) -> list[Predictions]:
    """RefCOCO/+/g: the 20 best pairs of query and class of a still, best first."""
    predictions = []
    classes = output.classes.shape[3]
    for row, logits in enumerate(output.classes[:, 0]):
        flat = logits.sigmoid().flatten()
        scores, pairs = flat.topk(min(20, len(flat)))
        chosen = pairs // classes
        masks = output.masks[row, 0, chosen]
        enlarged = (masks.shape[1] * STRIDE, masks.shape[2] * STRIDE)
        predictions.append(
            Predictions(
                scores,
                _cropped_masks(masks, enlarged, sizes[row], originals[row]),
                _pixel_boxes(output.boxes[row, 0, chosen], originals[row]),
            )
        )
    return predictions


def best_query(classes: Tensor) -> Tensor:
    """(N, T, Q, K) logits -> (N,) long: the highest score, mean over the clip, best class."""
    return classes.sigmoid().mean(1).amax(-1).argmax(-1)


def video_probabilities(output: LayerOutput, originals: list[Size]) -> list[Tensor]:
    """The best query of every sentence: (T, H, W) float in 0..1, in the clip's original size.

    Above 0.5 is the mask of the published inference scripts for Ref-YouTube-VOS.
    """
    logits = _best_masks(output)
    return [_resize(row, size).sigmoid() for row, size in zip(logits, originals, strict=True)]


def validation_masks(
    output: LayerOutput, padded: Size, sizes: list[Size], originals: list[Size]
) -> list[Tensor]:
    """As the published validation during training: (T, H, W) bool per sentence."""
    return [
        _cropped_masks(row, padded, size, original)
        for row, size, original in zip(_best_masks(output), sizes, originals, strict=True)
    ]


def davis_clips(frames: int) -> Iterator[slice]:
    """Consecutive clips of 36 frames, the last one shorter; each chooses its query anew."""
    return (slice(start, min(start + DAVIS_CLIP, frames)) for start in range(0, frames, DAVIS_CLIP))


def davis_labels(probabilities: Tensor) -> Tensor:
    """(objects, T, H, W) in 0..1 -> (T, H, W) uint8: 0 = background, i + 1 = object i."""
    certain = probabilities.where(probabilities >= 0.5, 0.0)
    background = torch.full_like(certain[:1], _DAVIS_BACKGROUND)
    return torch.cat((background, certain)).argmax(0).to(torch.uint8)


def _best_masks(output: LayerOutput) -> Tensor:
    query = best_query(output.classes)
    return output.masks[torch.arange(len(query), device=query.device), :, query]


def _cropped_masks(logits: Tensor, padded: Size, size: Size, original: Size) -> Tensor:
    """(n, h, w) logits over the padded frame -> (n, H, W) bool in the original size."""
    masks = _resize(logits, padded).sigmoid() > 0.5
    masks = masks[:, : size[0], : size[1]]
    return F.interpolate(masks[None].float(), size=original)[0].bool()


def _resize(logits: Tensor, size: Size) -> Tensor:
    return F.interpolate(logits[None], size=size, mode="bilinear")[0]


def _pixel_boxes(boxes: Tensor, original: Size) -> Tensor:
    height, width = original
    return to_corners(boxes) * torch.tensor([width, height, width, height], device=boxes.device)
