"""transformers' video session, which holds no more than later frames can see.

As it comes, a session keeps the pixels, masks at full size and memories of all frames, and copies its notes
on all of them with every frame. What a frame reads of that is: memories of the last frames, pointers of some
more, the nearest conditioning frames, and pointers of all conditioning frames (`Sam3TrackerVideoModel`,
`_gather_memory_frame_outputs` and `_get_object_pointers`). The rest is let go after every frame, and answers
stay the same.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import Sam3VideoModel
from transformers.models.sam3_video.modeling_sam3_video import Sam3VideoInferenceSession

POINTER = ("object_pointer", "object_score_logits")
"""What stays of a frame whose memory is no longer seen."""
MASKS = ("pred_masks", "high_res_masks")
"""Seen on their own frame alone."""


class BoundedSession(Sam3VideoInferenceSession):  # type: ignore[misc]
    """Of a clip of `frames` frames that come one after another, first to last."""

    def __init__(self, model: Sam3VideoModel, frames: int, height: int, width: int) -> None:
        super().__init__(
            None,
            height,
            width,
            inference_device=model.device,
            inference_state_device=model.device,
            video_storage_device=model.device,
            dtype=model.dtype,
        )
        tracker = model.config.tracker_config
        self._frames = frames
        self._spatial_window: int = tracker.num_maskmem - 1
        self._pointer_window: int = tracker.max_object_pointers_in_encoder - 1
        self._conditioning: int = tracker.max_cond_frame_num
        self._mismatches: int = max(model.hotstart_unmatch_thresh, model.hotstart_dup_thresh, 1)

    @property
    def num_frames(self) -> int:
        """Of the clip, however few are held."""
        return self._frames

    def give(self, index: int, pixels: Tensor) -> None:
        """The next frame, (3, S, S) as the network takes it."""
        self.processed_frames = {index: pixels.to(self.inference_device, self.dtype)}

    def forget(self, index: int) -> None:
        """What no frame after `index` reads."""
        for outputs in self.output_dict_per_obj.values():
            self._forget_outputs(outputs, index + 1)
        for inputs in (*self.mask_inputs_per_obj.values(), *self.frames_tracked_per_obj.values()):
            inputs.clear()
        self.obj_id_to_tracker_score_frame_wise.clear()
        self.suppressed_obj_ids.clear()
        # Only how many there are counts, and only up to a threshold.
        for noted in (*self.unmatched_frame_inds.values(), *self.overlap_pair_to_frame_inds.values()):
            del noted[: -self._mismatches]

    def _forget_outputs(self, outputs: dict[str, dict[int, dict[str, Any]]], coming: int) -> None:
        tracked, conditioning = outputs["non_cond_frame_outputs"], outputs["cond_frame_outputs"]
        for frame in [frame for frame in tracked if frame < coming - self._pointer_window]:
            del tracked[frame]
        near = range(coming - self._spatial_window, coming)
        nearest = (
            sorted(conditioning)[-self._conditioning :] if self._conditioning > 0 else list(conditioning)
        )
        for held, seen in ((tracked, near), (conditioning, {*near, *nearest})):
            for frame, kept in held.items():
                for name in [
                    name for name in kept if name in MASKS or (frame not in seen and name not in POINTER)
                ]:
                    del kept[name]


def pixels_of(frame: Any, size: int) -> Tensor:
    """(3, size, size) float32 in -1..1 of a frame (H, W, 3) uint8: bilinear with antialiasing on bytes."""
    picture = torch.from_numpy(frame).permute(2, 0, 1)[None].float()
    resized = torch.nn.functional.interpolate(picture, (size, size), mode="bilinear", antialias=True)
    return (resized[0].round().clamp(0, 255) / 255 - 0.5) / 0.5
