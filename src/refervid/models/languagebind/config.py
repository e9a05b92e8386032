"""What a LanguageBind folder's `config.json` says about its network."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Activation = Literal["gelu", "quick_gelu"]


class _FromFile(BaseModel):
    """Fields that a file may hold beyond these concern training."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Transformer(_FromFile):
    hidden_size: int = Field(ge=1, le=4096)
    intermediate_size: int = Field(ge=1, le=16384)
    num_hidden_layers: int = Field(ge=1, le=64)
    num_attention_heads: int = Field(ge=1, le=64)
    hidden_act: Activation
    layer_norm_eps: float = Field(1e-5, gt=0)


class TextTower(_Transformer):
    vocab_size: int = Field(49408, ge=2, le=1_000_000)
    max_position_embeddings: int = Field(77, ge=2, le=4096)


class ImageTower(_Transformer):
    patch_size: int = Field(ge=1, le=256)
    image_size: int = Field(224, ge=1, le=4096)

    @property
    def pixels(self) -> tuple[int, int]:
        """Height and width of what the tower looks at."""
        return self.image_size, self.image_size


class AudioTower(_Transformer):
    """`audio_mean` and `audio_std` are of the log-mel picture, which is num_mel_bins by target_length."""

    patch_size: int = Field(ge=1, le=256)
    num_mel_bins: int = Field(ge=1, le=1024)
    target_length: int = Field(ge=1, le=65536)
    audio_sample_rate: Literal[16000] = 16000
    audio_mean: float
    audio_std: float = Field(gt=0)

    @property
    def pixels(self) -> tuple[int, int]:
        """Height and width of what the tower looks at."""
        return self.num_mel_bins, self.target_length


class LanguageBindConfig(_FromFile):
    """Everything is required that the published classes would default to another model's value."""

    model_type: Literal["LanguageBindAudio", "LanguageBindImage"]
    projection_dim: int = Field(ge=1, le=4096)
    text_config: TextTower
    vision_config: AudioTower | ImageTower

    @model_validator(mode="before")
    @classmethod
    def _merge(cls, values: Any) -> Any:
        """`text_config_dict` and `vision_config_dict` win over the plain ones, as published."""
        if not isinstance(values, dict):
            return values
        merged = dict(values)
        for name in ("text_config", "vision_config"):
            if isinstance(values.get(f"{name}_dict"), dict) and isinstance(values.get(name), dict | None):
                merged[name] = {**(values.get(name) or {}), **values[f"{name}_dict"]}
        tower = AudioTower if values.get("model_type") == "LanguageBindAudio" else ImageTower
        merged["vision_config"] = tower.model_validate(merged.get("vision_config"))
        return merged

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for tower in (self.text_config, self.vision_config):
            if tower.hidden_size % tower.num_attention_heads:
                raise ValueError("num_attention_heads must divide hidden_size")
        if min(self.vision_config.pixels) < self.vision_config.patch_size:
            raise ValueError("patch_size is larger than the picture")
        return self
