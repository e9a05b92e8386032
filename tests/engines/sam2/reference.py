"""transformers' own session and iterator, with its two departures from the official package undone."""

from __future__ import annotations

from types import MethodType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from transformers import EdgeTamVideoInferenceSession, Sam2VideoInferenceSession
from transformers.models.sam3_tracker_video.modeling_sam3_tracker_video import (
    Sam3TrackerVideoInferenceSession,
)

from refervid.core.types import Pivot
from refervid.engines.sam2.network import NORMALISATION
from refervid.engines.sam2.pixels import prompt_masks, video_pixels
from refervid.models.normalisation import IMAGENET_MEAN, IMAGENET_STD


def corrected(model: Any) -> Any:
    """Pointer from the single mask; memory of the prompted frame from the low-resolution mask."""
    as_shipped = model._use_mask_as_output

    def use_mask_as_output(
        self: Any, backbone_features: Any, high_res_features: Any, mask_inputs: Any
    ) -> Any:
        output = as_shipped(backbone_features, high_res_features, mask_inputs)
        single = self._single_frame_forward(
            input_masks=self.mask_downsample(mask_inputs.to(backbone_features.dtype)),
            image_embeddings=[*high_res_features, backbone_features],
            multimask_output=False,
        )
        present = mask_inputs.any().to(backbone_features.dtype)
        output.object_pointer = present * single.object_pointer + (1 - present) * self.no_object_pointer
        size = (self.image_size, self.image_size)
        output.high_res_masks = F.interpolate(output.pred_masks.float(), size, mode="bilinear")
        return output

    model._use_mask_as_output = MethodType(use_mask_as_output, model)
    return model


SESSIONS: dict[str, Any] = {
    "sam2_video": Sam2VideoInferenceSession,
    "edgetam_video": EdgeTamVideoInferenceSession,
    "sam3_tracker_video": Sam3TrackerVideoInferenceSession,
}


def track(model: Any, pictures: NDArray[np.uint8], pivots: list[Pivot]) -> torch.Tensor:
    """(T, h, w) logits of one object: prompt, propagate forward, then backward."""
    size = model.config.image_size
    known = NORMALISATION.get(model.config.model_type, (IMAGENET_MEAN, IMAGENET_STD))
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in known)
    pixels = torch.stack([(video_pixels(frame, size).float() / 255 - mean) / std for frame in pictures])
    kind = SESSIONS[model.config.model_type]
    height, width = pictures.shape[1:3]
    session = kind(video=pixels, video_height=height, video_width=width, dtype=torch.float32)
    for pivot in pivots:
        row = session.obj_id_to_idx(1)
        if pivot.mask is not None:
            inputs = prompt_masks(torch.from_numpy(pivot.mask)[None], size)[None]
            session.add_mask_inputs(row, pivot.frame_index, inputs)
        else:
            assert pivot.points_xy is not None
            assert pivot.point_labels is not None
            points = torch.from_numpy(pivot.points_xy / np.array([width, height], np.float32) * size)
            labels = torch.from_numpy(pivot.point_labels.astype(np.int32))
            inputs = {"point_coords": points[None, None], "point_labels": labels[None, None]}
            session.add_point_inputs(row, pivot.frame_index, inputs)
        session.obj_with_new_inputs = [1]
        model(session, frame_idx=pivot.frame_index)
    start = sorted(pivot.frame_index for pivot in pivots)[len(pivots) // 2]
    logits = torch.zeros(len(pictures), *model.prompt_encoder.mask_input_size)
    for reverse in (False, True):
        for output in model.propagate_in_video_iterator(session, start_frame_idx=start, reverse=reverse):
            logits[output.frame_idx] = output.pred_masks[0, 0]
    return logits
