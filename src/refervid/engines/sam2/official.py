"""The published `.pt` files of SAM 2 and SAM 2.1 as transformers' model.

Names follow facebookresearch/sam2 on one side and transformers' `Sam2VideoModel` on the other; the sizes
of the four published models are those of facebookresearch/sam2, `sam2/configs`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import Sam2HieraDetConfig, Sam2VideoConfig, Sam2VisionConfig

from refervid.core.errors import BadCheckpoint

# Applied one after another, each wherever it matches.
RENAMES: tuple[tuple[str, str], ...] = (
    (r"^image_encoder\.trunk\.", "vision_encoder.backbone."),
    (r"^(vision_encoder\.backbone\.patch_embed)\.proj\.", r"\1.projection."),
    (r"^(vision_encoder\.backbone\.blocks\.\d+)\.norm(\d)\.", r"\1.layer_norm\2."),
    (r"^(vision_encoder\.backbone\.blocks\.\d+\.mlp)\.layers\.0\.", r"\1.proj_in."),
    (r"^(vision_encoder\.backbone\.blocks\.\d+\.mlp)\.layers\.1\.", r"\1.proj_out."),
    (r"^image_encoder\.neck\.convs\.(\d+)\.conv\.", r"vision_encoder.neck.convs.\1."),
    (r"^sam_prompt_encoder\.", "prompt_encoder."),
    (r"^prompt_encoder\.pe_layer\.positional_encoding_gaussian_matrix$",
     "prompt_encoder.shared_embedding.positional_embedding"),
    (r"^prompt_encoder\.mask_downscaling\.0\.", "prompt_encoder.mask_embed.conv1."),
    (r"^prompt_encoder\.mask_downscaling\.1\.", "prompt_encoder.mask_embed.layer_norm1."),
    (r"^prompt_encoder\.mask_downscaling\.3\.", "prompt_encoder.mask_embed.conv2."),
    (r"^prompt_encoder\.mask_downscaling\.4\.", "prompt_encoder.mask_embed.layer_norm2."),
    (r"^prompt_encoder\.mask_downscaling\.6\.", "prompt_encoder.mask_embed.conv3."),
    (r"^sam_mask_decoder\.", "mask_decoder."),
    (r"^mask_decoder\.output_upscaling\.0\.", "mask_decoder.upscale_conv1."),
    (r"^mask_decoder\.output_upscaling\.1\.", "mask_decoder.upscale_layer_norm."),
    (r"^mask_decoder\.output_upscaling\.3\.", "mask_decoder.upscale_conv2."),
    (r"^(mask_decoder\.transformer\.layers\.\d+)\.norm(\d)\.", r"\1.layer_norm\2."),
    (r"^(mask_decoder\.transformer\.layers\.\d+\.mlp)\.layers\.0\.", r"\1.proj_in."),
    (r"^(mask_decoder\.transformer\.layers\.\d+\.mlp)\.layers\.1\.", r"\1.proj_out."),
    (r"^mask_decoder\.transformer\.norm_final_attn\.", "mask_decoder.transformer.layer_norm_final_attn."),
    (r"^(mask_decoder\.(?:iou_prediction_head|pred_obj_score_head|output_hypernetworks_mlps\.\d+)"
     r"|obj_ptr_proj)\.layers\.2\.", r"\1.proj_out."),
    (r"^(mask_decoder\.(?:iou_prediction_head|pred_obj_score_head|output_hypernetworks_mlps\.\d+)"
     r"|obj_ptr_proj)\.layers\.0\.", r"\1.proj_in."),
    (r"^(mask_decoder\.(?:iou_prediction_head|pred_obj_score_head|output_hypernetworks_mlps\.\d+)"
     r"|obj_ptr_proj)\.layers\.1\.", r"\1.layers.0."),
    (r"^((?:mask_decoder|memory_attention)\..*)\.out_proj\.", r"\1.o_proj."),
    (r"^(memory_attention\.layers\.\d+)\.norm(\d)\.", r"\1.layer_norm\2."),
    (r"^memory_attention\.norm\.", "memory_attention.layer_norm."),
    (r"^memory_encoder\.pix_feat_proj\.", "memory_encoder.feature_projection."),
    (r"^memory_encoder\.out_proj\.", "memory_encoder.projection."),
    (r"^memory_encoder\.fuser\.", "memory_encoder.memory_fuser."),
    (r"^(memory_encoder\.memory_fuser\.layers\.\d+)\.dwconv\.", r"\1.depthwise_conv."),
    (r"^(memory_encoder\.memory_fuser\.layers\.\d+)\.norm\.", r"\1.layer_norm."),
    (r"^(memory_encoder\.memory_fuser\.layers\.\d+)\.pwconv(\d)\.", r"\1.pointwise_conv\2."),
    (r"^(memory_encoder\.memory_fuser\.layers\.\d+)\.gamma$", r"\1.scale"),
    (r"^maskmem_tpos_enc$", "memory_temporal_positional_encoding"),
    (r"^no_mem_embed$", "no_memory_embedding"),
    (r"^no_mem_pos_enc$", "no_memory_positional_encoding"),
    (r"^no_obj_ptr$", "no_object_pointer"),
    (r"^obj_ptr_proj\.", "object_pointer_proj."),
    (r"^obj_ptr_tpos_proj\.", "temporal_positional_encoding_projection_layer."),
    (r"^no_obj_embed_spatial$", "occlusion_spatial_embedding_parameter"),
)  # fmt: skip

_DOWNSAMPLER = re.compile(r"^memory_encoder\.mask_downsampler\.encoder\.(\d+)\.(.*)$")
_POINT_EMBEDDING = "prompt_encoder.point_embeddings.{}.weight"


@dataclass(frozen=True)
class Size:
    """What tells the published models' image encoders apart; `width` and number of blocks are unique."""

    width: int
    blocks_per_stage: tuple[int, int, int, int]
    global_attention_blocks: tuple[int, int, int]
    heads: int = 1
    windows: tuple[int, int, int, int] = (8, 4, 14, 7)
    background: int = 7

    @property
    def blocks(self) -> int:
        return sum(self.blocks_per_stage)


SIZES: Mapping[str, Size] = {
    "tiny": Size(96, (1, 2, 7, 2), (5, 7, 9)),
    "small": Size(96, (1, 2, 11, 2), (7, 10, 13)),
    "base_plus": Size(112, (2, 3, 16, 3), (12, 16, 20), heads=2, background=14),
    "large": Size(144, (2, 6, 36, 4), (23, 33, 43), heads=2, windows=(8, 4, 16, 8)),
}


def transformers_name(name: str) -> str:
    """The name that transformers gives to a parameter of the official package."""
    if match := _DOWNSAMPLER.match(name):
        position, leaf = int(match[1]), match[2]
        if position == 12:
            return f"memory_encoder.mask_downsampler.final_conv.{leaf}"
        part = "conv" if position % 3 == 0 else "layer_norm"
        return f"memory_encoder.mask_downsampler.layers.{position // 3}.{part}.{leaf}"
    for pattern, replacement in RENAMES:
        name = re.sub(pattern, replacement, name)
    return name


def to_transformers(official: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The official state dict with transformers' names and shapes.

    Raises `BadCheckpoint` where the tensors that transformers stacks are not complete.
    """
    state = {transformers_name(name): tensor for name, tensor in official.items()}
    corners = [_POINT_EMBEDDING.format(i) for i in range(4)]
    shared = "prompt_encoder.shared_embedding.positional_embedding"
    if lacking := [name for name in [*corners, shared] if name not in state]:
        raise BadCheckpoint(f"no SAM 2 checkpoint: {', '.join(lacking)} missing")
    state["prompt_encoder.point_embed.weight"] = torch.cat([state.pop(name) for name in corners])
    state["shared_image_embedding.positional_embedding"] = state[shared]
    return state


def configuration(size: Size, *, is_2_1: bool = True, image_size: int = 1024) -> Sam2VideoConfig:
    """The model of a published size, SAM 2.1 or 2.0, for square inputs of another side if wanted."""
    grid = image_size // 16
    widths = [size.width * factor for factor in (1, 2, 4, 8)]
    backbone = Sam2HieraDetConfig(
        hidden_size=size.width,
        num_attention_heads=size.heads,
        image_size=[image_size, image_size],
        blocks_per_stage=list(size.blocks_per_stage),
        global_attention_blocks=list(size.global_attention_blocks),
        embed_dim_per_stage=widths,
        num_attention_heads_per_stage=[size.heads * factor for factor in (1, 2, 4, 8)],
        window_size_per_stage=list(size.windows),
        window_positional_embedding_background_size=[size.background, size.background],
    )
    vision = Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=widths[::-1],
        backbone_feature_sizes=[[4 * grid, 4 * grid], [2 * grid, 2 * grid], [grid, grid]],
    )
    return Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"image_size": image_size},
        image_size=image_size,
        memory_attention_rope_feat_sizes=[grid, grid],
        enable_temporal_pos_encoding_for_object_pointers=is_2_1,
        enable_occlusion_spatial_embedding=is_2_1,
    )


def configuration_of(official: Mapping[str, Tensor], image_size: int = 1024) -> Sam2VideoConfig:
    """The published model that a state dict belongs to, told by its shapes.

    Raises `BadCheckpoint` when it is none of the published ones.
    """
    patch = official.get("image_encoder.trunk.patch_embed.proj.weight")
    width = 0 if patch is None else len(patch)
    numbers = {m[1] for name in official if (m := re.match(r"image_encoder\.trunk\.blocks\.(\d+)\.", name))}
    for size in SIZES.values():
        if (size.width, size.blocks) == (width, len(numbers)):
            return configuration(size, is_2_1="no_obj_embed_spatial" in official, image_size=image_size)
    raise BadCheckpoint(
        f"no published SAM 2 model has an image encoder of width {width} and {len(numbers)} blocks: "
        "give a .pt file of facebookresearch/sam2, or a folder in transformers' format"
    )
