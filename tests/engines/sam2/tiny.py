"""Small real models with weights from a fixed rule, and clips to run them on."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    EdgeTamVideoConfig,
    EdgeTamVideoModel,
    Sam2HieraDetConfig,
    Sam2VideoConfig,
    Sam2VideoModel,
    Sam2VisionConfig,
)
from transformers.models.edgetam_video.configuration_edgetam_video import EdgeTamVideoMaskDecoderConfig
from transformers.models.sam2_video.configuration_sam2_video import Sam2VideoMaskDecoderConfig

from refervid.engines.sam2.network import Network
from refervid.media.array import ArrayClip
from tests.parity.fill import fill

SIZE = 64
CHANNELS = 128
HEIGHT, WIDTH = 48, 80
DECODER = {"hidden_size": CHANNELS, "mlp_dim": 128, "iou_head_hidden_dim": CHANNELS}


def vision_config(size: int) -> Sam2VisionConfig:
    grid = size // 16
    backbone = Sam2HieraDetConfig(
        hidden_size=16,
        image_size=[size, size],
        embed_dim_per_stage=[16, 32, 64, 128],
        num_attention_heads_per_stage=[1, 2, 4, 8],
        blocks_per_stage=[1, 1, 2, 1],
        window_size_per_stage=[4, 4, 4, 2],
        global_attention_blocks=[3],
    )
    return Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[128, 64, 32, 16],
        backbone_feature_sizes=[[4 * grid, 4 * grid], [2 * grid, 2 * grid], [grid, grid]],
        fpn_hidden_size=CHANNELS,
    )


def shared_options(size: int) -> dict[str, Any]:
    return {
        "vision_config": vision_config(size),
        "prompt_encoder_config": {"image_size": size, "hidden_size": CHANNELS},
        "image_size": size,
        "memory_attention_hidden_size": CHANNELS,
        "memory_attention_num_layers": 2,
        "memory_attention_rope_feat_sizes": [size // 16, size // 16],
        "memory_encoder_hidden_size": CHANNELS,
        "mask_downsampler_embed_dim": CHANNELS,
        "memory_fuser_embed_dim": CHANNELS,
        "memory_fuser_intermediate_dim": 128,
    }


def sam2_model(size: int = SIZE) -> Sam2VideoModel:
    config = Sam2VideoConfig(
        **shared_options(size),
        mask_decoder_config=Sam2VideoMaskDecoderConfig(**DECODER),
        memory_attention_feed_forward_hidden_size=128,
    )
    return filled(Sam2VideoModel(config))


def edgetam_model(size: int = SIZE) -> EdgeTamVideoModel:
    """EdgeTAM's memory behind a Hiera image encoder: its own comes from a library we do not need."""
    config = EdgeTamVideoConfig(
        **shared_options(size),
        mask_decoder_config=EdgeTamVideoMaskDecoderConfig(**DECODER),
        memory_attention_mlp_hidden_size=128,
        memory_attention_rope_k_sizes=[2, 2],
        perceiver_resampler_num_latents=4,
        perceiver_resampler_num_latents_2d=4,
        perceiver_resampler_mlp_intermediate_size=64,
    )
    return filled(EdgeTamVideoModel(config))


def filled(model: Any) -> Any:
    """Weights by name; masks that are neither empty nor full, objects that are there."""
    kept = model.state_dict()
    with torch.no_grad():
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if name in kept:
                tensor.copy_(torch.from_numpy(fill(name, tuple(tensor.shape))))
        shared = model.shared_image_embedding.positional_embedding
        model.prompt_encoder.shared_embedding.positional_embedding.copy_(shared)
        model.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(10.0)
        model.mask_decoder.output_hypernetworks_mlps[0].proj_out.bias.add_(0.3)
        model.memory_encoder.feature_projection.weight.mul_(0.1)
        model.memory_encoder.mask_downsampler.final_conv.weight.mul_(4.0)
    return model.eval()


MODELS = {"sam2": sam2_model, "edgetam": edgetam_model}


@cache
def network(kind: str = "sam2", size: int = SIZE) -> Network:
    return Network(MODELS[kind](size), torch.device("cpu"), torch.float32)


def frames(count: int, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """A bright square that wanders over noise."""
    generator = np.random.default_rng(7)
    noise = generator.integers(0, 120, (height, width, 3))
    pictures = np.repeat(noise[None], count, axis=0).astype(np.uint8)
    for index in range(count):
        pictures[index][mask(index, height, width)] = (240, 200, 40)
    return pictures


def mask(index: int, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.bool_]:
    """The square on a frame."""
    square = np.zeros((height, width), bool)
    left, top = 5 + (3 * index) % (width - 30), 5 + index % (height - 25)
    square[top : top + 18, left : left + 22] = True
    return square


def clip(count: int) -> ArrayClip:
    return ArrayClip(frames(count))
