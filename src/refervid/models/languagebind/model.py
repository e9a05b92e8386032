"""LanguageBind's towers: transformers' CLIP, with a picture of any shape for sound.

Parameter names are those of the published files (PKU-YuanGroup/LanguageBind).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refervid.models.languagebind.config import AudioTower, ImageTower, LanguageBindConfig


class LanguageBind(nn.Module):
    """One modality's tower with its own copy of the text tower.

    The parameters may be built on the meta device; `load_languagebind` fills them.
    """

    def __init__(self, config: LanguageBindConfig) -> None:
        from transformers import CLIPConfig, CLIPModel

        super().__init__()
        self.config = config
        clip = CLIPModel(
            CLIPConfig(
                text_config=config.text_config.model_dump(),
                vision_config=_clip_fields(config.vision_config),
                projection_dim=config.projection_dim,
            )
        )
        clip.vision_model.embeddings = PatchEmbeddings(config.vision_config)
        # A buffer that no file fills and that is not needed with positions given.
        del clip.text_model.embeddings.position_ids
        self.text_model, self.vision_model = clip.text_model, clip.vision_model
        self.text_projection, self.visual_projection = clip.text_projection, clip.visual_projection
        self.logit_scale = clip.logit_scale

    def embed_texts(self, ids: Tensor) -> Tensor:
        """Unit vectors (N, D) of token ids (N, L <= 77), start and end tokens included.

        The end token has the largest id; attention is causal, so what follows it (padding) has no
        influence, whatever it is.
        """
        positions = torch.arange(ids.shape[1], device=ids.device)[None]
        hidden = self.text_model(input_ids=ids, position_ids=positions).last_hidden_state
        ends = ids.int().argmax(dim=1)
        pooled = hidden[torch.arange(len(ids), device=ids.device), ends]
        return F.normalize(self.text_projection(pooled), dim=1)

    def embed_pixels(self, pixels: Tensor) -> Tensor:
        """Unit vectors (N, D) of normalised pictures (N, 3, H, W): photographs or spectrograms."""
        return F.normalize(self.visual_projection(self.pool_pixels(pixels)), dim=1)

    def pool_pixels(self, pixels: Tensor) -> Tensor:
        """(N, hidden): the class token before projection."""
        pooled: Tensor = self.vision_model(pixel_values=pixels).pooler_output
        return pooled


class PatchEmbeddings(nn.Module):
    """Patches, row by row, after a class token, with learned positions.

    transformers' own takes square pictures only; a spectrogram is 112 by 1036.
    """

    def __init__(self, config: AudioTower | ImageTower) -> None:
        super().__init__()
        width, patch = config.hidden_size, config.patch_size
        height, length = (side // patch for side in config.pixels)
        self.class_embedding = nn.Parameter(torch.randn(width))
        self.patch_embedding = nn.Conv2d(3, width, patch, patch, bias=False)
        self.position_embedding = nn.Embedding(height * length + 1, width)

    def forward(self, pixels: Tensor, **_: Any) -> Tensor:
        """(N, 3, H, W) to (N, 1 + patches, hidden)."""
        patches = self.patch_embedding(pixels).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(len(pixels), 1, -1)
        return torch.cat([first, patches], dim=1) + self.position_embedding.weight


def _clip_fields(tower: AudioTower | ImageTower) -> dict[str, Any]:
    """What CLIP's encoder layers need; its patches are replaced."""
    names = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    fields = {name: getattr(tower, name) for name in names}
    return {**fields, "hidden_act": tower.hidden_act, "layer_norm_eps": tower.layer_norm_eps}
