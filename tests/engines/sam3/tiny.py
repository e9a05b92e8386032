"""SAM 3 as a small real model with random weights, and the folder it lies in."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import (
    CLIPTokenizerFast,
    Sam3TrackerVideoConfig,
    Sam3TrackerVideoModel,
    Sam3VideoConfig,
    Sam3VideoModel,
)

from refervid.engines.sam2.network import Network
from tests.engines.sam2.tiny import filled
from tests.engines.sound import clip_tokenizer

SIZE, PATCH, CHANNELS = 56, 14, 128


def vision_config(size: int) -> dict[str, Any]:
    grid = size // PATCH
    backbone = {
        "model_type": "sam3_vit_model",
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": size,
        "patch_size": PATCH,
        "window_size": 2,
        "global_attn_indexes": [1],
        "pretrain_image_size": 28,
    }
    return {
        "model_type": "sam3_vision_model",
        "backbone_config": backbone,
        "fpn_hidden_size": CHANNELS,
        "backbone_feature_sizes": [[4 * grid, 4 * grid], [2 * grid, 2 * grid], [grid, grid]],
    }


def tracker_options(size: int) -> dict[str, Any]:
    return {
        "vision_config": vision_config(size),
        "prompt_encoder_config": {"image_size": size, "patch_size": PATCH, "hidden_size": CHANNELS},
        "mask_decoder_config": {"hidden_size": CHANNELS, "mlp_dim": 128, "iou_head_hidden_dim": CHANNELS},
        "image_size": size,
        "memory_attention_hidden_size": CHANNELS,
        "memory_attention_num_layers": 2,
        "memory_attention_feed_forward_hidden_size": 128,
        "memory_attention_rope_feat_sizes": [size // PATCH, size // PATCH],
        "memory_encoder_hidden_size": CHANNELS,
        "mask_downsampler_embed_dim": CHANNELS,
        "memory_fuser_embed_dim": CHANNELS,
        "memory_fuser_intermediate_dim": 128,
    }


def video_config(**changes: Any) -> Sam3VideoConfig:
    block = {"hidden_size": CHANNELS, "num_attention_heads": 4, "intermediate_size": 64}
    detector = {
        "model_type": "sam3",
        "vision_config": vision_config(SIZE),
        "text_config": {
            "model_type": "clip_text_model",
            "vocab_size": 514,
            "bos_token_id": 512,
            "eos_token_id": 513,
            "hidden_size": 32,
            "intermediate_size": 48,
            "projection_dim": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "max_position_embeddings": 32,
        },
        "geometry_encoder_config": {**block, "num_layers": 1, "roi_size": 2},
        "detr_encoder_config": {**block, "num_layers": 1},
        "detr_decoder_config": {**block, "num_layers": 2, "num_queries": 8},
        "mask_decoder_config": {
            "hidden_size": CHANNELS,
            "num_upsampling_stages": 2,
            "num_attention_heads": 4,
        },
    }
    return Sam3VideoConfig(
        detector_config=detector,
        tracker_config={"model_type": "sam3_tracker_video", **tracker_options(SIZE)},
        low_res_mask_size=4 * SIZE // PATCH,
        **changes,
    )


def video_model(tracker: dict[str, Any] | None = None, **changes: Any) -> Sam3VideoModel:
    """Objects are there on all frames, and their masks neither empty nor full; `tracker` and `changes` are
    options of the tracker's and of the whole configuration."""
    torch.manual_seed(0)
    config = video_config(**LOOSE | changes)
    for name, value in (tracker or {}).items():
        setattr(config.tracker_config, name, value)
    model = Sam3VideoModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        model.tracker_model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(10.0)
    return model.eval()


LOOSE = {
    "score_threshold_detection": 0.2,
    "new_det_thresh": 0.25,
    "det_nms_thresh": 0.3,
    "max_num_objects": 3,
}
"""Made-up weights are sure of nothing."""


def tracker_model(size: int = SIZE) -> Sam3TrackerVideoModel:
    return filled(Sam3TrackerVideoModel(Sam3TrackerVideoConfig(**tracker_options(size))))


@cache
def network(size: int = SIZE) -> Network:
    return Network(tracker_model(size), torch.device("cpu"), torch.float32)


def folder_of(model: Sam3VideoModel, folder: Path) -> Path:
    """As the hub has it."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    clip_tokenizer(folder)
    CLIPTokenizerFast.from_pretrained(folder).save_pretrained(folder)
    return folder
