"""`Sam3VideoModel` from a folder, with its own suppression of detections that lie on each other."""

from __future__ import annotations

from logging import ERROR, getLogger
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import Sam3VideoModel

from refervid.engines.base import Runtime
from refervid.engines.hub.parts import load_part
from refervid.engines.hub.weights import load_pretrained, torch_dtype

# It says with every frame that more is there than is followed, and misses a package that is not needed.
getLogger("transformers.models.sam3_video.modeling_sam3_video").setLevel(ERROR)


class Segmenter(Sam3VideoModel):  # type: ignore[misc]
    """transformers leaves non-maximum suppression to compiled code of a package that may not be here; then it
    leaves it out, and one thing becomes several tracks. Here it is a few lines.
    """

    det_nms_thresh: float

    def run_detection(self, inference_session: Any, vision_embeds: Any) -> dict[int, dict[str, Tensor]]:
        """By concept, boxes, mask logits and scores of its instances on one frame."""
        threshold = self.det_nms_thresh
        self.det_nms_thresh = 0.0
        try:
            found: dict[int, dict[str, Tensor]] = super().run_detection(inference_session, vision_embeds)
        finally:
            self.det_nms_thresh = threshold
        if threshold > 0:
            for concept, detections in found.items():
                kept = unsuppressed(detections["mask"] > 0, detections["scores"], threshold)
                found[concept] = {name: value[kept] for name, value in detections.items()}
        return found


def unsuppressed(masks: Tensor, scores: Tensor, most: float) -> Tensor:
    """Rows of masks (N, h, w) bool, in order: none overlaps a surer one by more than `most` (IoU)."""
    flat = masks.flatten(1).float()
    shared = flat @ flat.T
    areas = shared.diagonal()
    overlap = shared / (areas[:, None] + areas - shared).clamp(min=1)
    kept: list[int] = []
    for row in scores.argsort(descending=True, stable=True).tolist():
        if not kept or bool((overlap[row, kept] <= most).all()):
            kept.append(row)
    return torch.tensor(sorted(kept), dtype=torch.long, device=masks.device)


def load_segmenter(folder: Path, runtime: Runtime) -> tuple[Segmenter, Any]:
    """The network on its device, and the tokenizer. Raises `BadCheckpoint`."""
    from transformers import AutoTokenizer

    dtype = torch_dtype(runtime.dtype, runtime.device)
    model = load_pretrained(Segmenter, folder, dtype=dtype)
    return model.to(runtime.device), load_part(AutoTokenizer, folder)
