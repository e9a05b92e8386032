"""What a BEATs checkpoint says about its network."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class BeatsConfig(BaseModel):
    """Fields as the `cfg` of a checkpoint calls them; the defaults are those of microsoft/unilm `beats`.

    They describe no published network: `max_distance`, `deep_norm` and the position fields differ in all
    of them. Fields that matter in training only are left out.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    input_patch_size: int = Field(-1, ge=1, le=128, validate_default=True)
    embed_dim: int = Field(512, ge=1, le=4096)
    conv_bias: bool = False
    encoder_layers: int = Field(12, ge=1, le=48)
    encoder_embed_dim: int = Field(768, ge=1, le=4096)
    encoder_ffn_embed_dim: int = Field(3072, ge=1, le=16384)
    encoder_attention_heads: int = Field(12, ge=1, le=64)
    activation_fn: Literal["gelu"] = "gelu"
    layer_norm_first: bool = False
    deep_norm: bool = False
    conv_pos: int = Field(128, ge=1, le=1024)
    conv_pos_groups: int = Field(16, ge=1, le=64)
    relative_position_embedding: bool = False
    num_buckets: int = Field(320, ge=4, le=4096)
    max_distance: int = Field(1280, ge=4)
    gru_rel_pos: bool = False
    finetuned_model: bool = False
    predictor_class: int = Field(527, ge=1, le=65536)

    @property
    def head_width(self) -> int:
        return self.encoder_embed_dim // self.encoder_attention_heads

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.encoder_embed_dim % self.encoder_attention_heads:
            raise ValueError("encoder_attention_heads must divide encoder_embed_dim")
        if self.encoder_embed_dim % self.conv_pos_groups:
            raise ValueError("conv_pos_groups must divide encoder_embed_dim")
        if self.layer_norm_first and self.deep_norm:
            raise ValueError("deep_norm is for networks whose layer norm comes last")
        if self.gru_rel_pos and not self.relative_position_embedding:
            raise ValueError("gru_rel_pos needs relative_position_embedding")
        if self.num_buckets % 4 or self.max_distance <= self.num_buckets // 4:
            raise ValueError("num_buckets must be a multiple of 4 and below 4 max_distance")
        return self
