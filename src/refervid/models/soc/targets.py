"""What the network should have said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Target:
    """The object that one sentence refers to, in the T frames of its clip.

    `masks` (T, h, w) bool in the clip's resized size; `boxes` (T, 4) float32 cx, cy, w, h in 0..1 of
    that size, zero where the object is hidden; `visible` (T,) bool; `label` its class, 0 with one class.
    """

    masks: Tensor
    boxes: Tensor
    visible: Tensor
    label: int = 0


@dataclass(frozen=True)
class Targets:
    """`masks` (N, T, H, W) padded with False, `boxes` (N, T, 4), `visible` (N, T), `labels` (N,) long."""

    masks: Tensor
    boxes: Tensor
    visible: Tensor
    labels: Tensor

    def to(self, device: torch.device | str) -> Targets:
        return Targets(*(x.to(device) for x in (self.masks, self.boxes, self.visible, self.labels)))


def collate_targets(targets: Sequence[Target]) -> Targets:
    """Pad masks at the right and bottom to the largest; all targets have the same number of frames."""
    height = max(target.masks.shape[1] for target in targets)
    width = max(target.masks.shape[2] for target in targets)
    masks = [
        F.pad(target.masks, (0, width - target.masks.shape[2], 0, height - target.masks.shape[1]))
        for target in targets
    ]
    return Targets(
        torch.stack(masks),
        torch.stack([target.boxes for target in targets]),
        torch.stack([target.visible for target in targets]),
        torch.tensor([target.label for target in targets]),
    )


def collate_frames(clips: Sequence[Tensor]) -> tuple[Tensor, list[tuple[int, int]]]:
    """Clips (T, 3, h, w) of one length -> (B, T, 3, H, W), zero-padded, and their (h, w)."""
    height = max(clip.shape[2] for clip in clips)
    width = max(clip.shape[3] for clip in clips)
    padded = [F.pad(clip, (0, width - clip.shape[3], 0, height - clip.shape[2])) for clip in clips]
    return torch.stack(padded), [(clip.shape[2], clip.shape[3]) for clip in clips]
