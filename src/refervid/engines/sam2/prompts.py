"""From pivots to what the decoder answers on a pivot frame.

A box becomes a mask first, the way the published flow does it: the image predictor's single mask without
stability fallback or absence gate, above 0 at video size. A mask is taken as the answer as it is. Points,
with a box if there is one, prompt the decoder directly; with a mask they correct that mask.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from refervid.core.types import BoxArray, Mask, Pivot
from refervid.engines.sam2.network import Decoded, FrameFeatures, Network
from refervid.engines.sam2.pixels import at_video_size, prompt_masks


def boxes_to_masks(
    network: Network, features: FrameFeatures, boxes_xyxy: Sequence[BoxArray], height: int, width: int
) -> tuple[list[Mask], Decoded]:
    """Bool (height, width) masks of the objects in boxes given in pixels of the frame, and the decoder's
    answer they come from; boxes may stick out of the frame."""
    corners = torch.as_tensor(np.stack(boxes_xyxy), dtype=torch.float32, device=network.device).view(-1, 2, 2)
    points = corners / torch.tensor([width, height], device=network.device) * network.image_size
    labels = torch.tensor([2, 3], dtype=torch.int32, device=network.device).expand(len(points), 2)
    image = network.without_memory(features).expand(len(points), -1, -1, -1)
    decoded = network.decode(
        features,
        image,
        network.embed_points(points, labels),
        multimask=False,
        gated=False,
        stability_fallback=False,
    )
    masks = (at_video_size(decoded.logits, height, width) > 0).cpu().numpy()
    return list(masks), decoded


def answer(
    network: Network, features: FrameFeatures, objects: Sequence[Sequence[Pivot]], height: int, width: int
) -> Decoded:
    """The decoder's answer for the pivots that each object has on one frame, in the objects' order."""
    resolved = with_masks(network, features, objects, height, width)
    pivots = [_combined(group) for group in resolved]
    masks_only = [row for row, pivot in enumerate(pivots) if pivot.points_xy is None]
    answers = {
        row: _answer_points(network, features, pivot, height, width)
        for row, pivot in enumerate(pivots)
        if row not in masks_only
    }
    if masks_only:
        decoded = network.decode_masks(features, _stacked_masks(network, [pivots[row] for row in masks_only]))
        answers |= {row: decoded.pick(place) for place, row in enumerate(masks_only)}
    return Decoded.join([answers[row] for row in range(len(pivots))])


def with_masks(
    network: Network, features: FrameFeatures, objects: Sequence[Sequence[Pivot]], height: int, width: int
) -> list[list[Pivot]]:
    """The pivots of each object on one frame, boxes that stand alone replaced by masks."""
    boxes = [p.box_xyxy for pivots in objects for p in pivots if p.box_xyxy is not None and is_box(p)]
    masks = iter(boxes_to_masks(network, features, boxes, height, width)[0] if boxes else [])
    return [
        [Pivot(p.frame_index, mask=next(masks)) if is_box(p) else p for p in pivots] for pivots in objects
    ]


def is_box(pivot: Pivot) -> bool:
    """Whether it is a box that stands alone."""
    return pivot.box_xyxy is not None and pivot.mask is None and pivot.points_xy is None


def _combined(pivots: Sequence[Pivot]) -> Pivot:
    """Several pivots of one object on one frame as one: masks united, points together."""
    masks = [pivot.mask for pivot in pivots if pivot.mask is not None]
    points = [pivot.points_xy for pivot in pivots if pivot.points_xy is not None]
    labels = [pivot.point_labels for pivot in pivots if pivot.point_labels is not None]
    return Pivot(
        pivots[0].frame_index,
        box_xyxy=next((pivot.box_xyxy for pivot in pivots if pivot.box_xyxy is not None), None),
        mask=np.logical_or.reduce(masks) if masks else None,
        points_xy=np.concatenate(points) if points else None,
        point_labels=np.concatenate(labels) if labels else None,
    )


def _answer_points(
    network: Network, features: FrameFeatures, pivot: Pivot, height: int, width: int
) -> Decoded:
    assert pivot.points_xy is not None
    assert pivot.point_labels is not None
    points, labels = pivot.points_xy, pivot.point_labels.astype(np.int32)
    if pivot.box_xyxy is not None:
        points = np.concatenate([pivot.box_xyxy.reshape(2, 2), points])
        labels = np.concatenate([np.array([2, 3], np.int32), labels])
    scale = network.image_size / np.array([width, height], np.float32)
    mask_logits = None
    if pivot.mask is not None:
        mask_logits = network.mask_logits(_stacked_masks(network, [pivot]))
    prompt = network.embed_points(
        torch.as_tensor(points * scale, device=network.device)[None],
        torch.as_tensor(labels, device=network.device)[None],
        mask_logits,
    )
    image = network.without_memory(features)
    return network.decode(features, image, prompt, multimask=network.wants_multimask(len(points)))


def _stacked_masks(network: Network, pivots: Sequence[Pivot]) -> Tensor:
    masks = np.stack([pivot.mask for pivot in pivots if pivot.mask is not None])
    return prompt_masks(torch.as_tensor(masks, device=network.device), network.image_size)
