"""Sentence encoders and their projection to the network's width."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from refervid.models.soc.attention import MultiheadAttention, feed_forward
from refervid.models.soc.config import NanoTextConfig, RobertaTextConfig
from refervid.models.soc.tokenizer import PAD, vocabulary_size


class Encoded(NamedTuple):
    """`last_hidden_state` (N, S, D) and `pooler_output` (N, D), the names that transformers uses."""

    last_hidden_state: Tensor
    pooler_output: Tensor


def build_text_encoder(config: RobertaTextConfig | NanoTextConfig) -> nn.Module:
    """A module `(input_ids, attention_mask) -> Encoded`, randomly initialised."""
    if isinstance(config, NanoTextConfig):
        return NanoEncoder(config)
    from transformers import RobertaConfig, RobertaModel

    settings = RobertaConfig(
        vocab_size=config.vocabulary_size,
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        intermediate_size=config.feed_forward,
        max_position_embeddings=config.positions,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        pad_token_id=PAD,
    )
    return cast(nn.Module, RobertaModel(settings))


class NanoEncoder(nn.Module):
    """A small pre-norm transformer; the pooled output is a tanh layer on the first token, as in RoBERTa."""

    def __init__(self, config: NanoTextConfig) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary_size(config), config.width)
        self.positions = nn.Embedding(config.max_tokens, config.width)
        self.layers = nn.ModuleList(NanoLayer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.pooler = nn.Linear(config.width, config.width)
        # Words start far apart and pass the layers almost as they are: what the network learns first is
        # which words the sentence holds. With small embeddings it learned places, and never colours.
        nn.init.normal_(self.positions.weight, std=0.2)
        for layer in cast(Iterable[NanoLayer], self.layers):
            for projection in (layer.self_attn.out_proj, layer.linear2):
                nn.init.normal_(projection.weight, std=0.1 * config.width**-0.5)
                nn.init.zeros_(projection.bias)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Encoded:
        """Both (N, S); the mask is True at tokens."""
        x = self.words(input_ids) + self.positions.weight[: input_ids.shape[1]]
        mask = attention_mask.bool()[:, None, None]
        for layer in self.layers:
            x = layer(x, mask)
        x = self.norm(x)
        return Encoded(x, torch.tanh(self.pooler(x[:, 0])))


class NanoLayer(nn.Module):
    def __init__(self, config: NanoTextConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width)
        self.self_attn = MultiheadAttention(config.width, config.heads)
        self.norm2 = nn.LayerNorm(config.width)
        self.linear1 = nn.Linear(config.width, config.feed_forward)
        self.linear2 = nn.Linear(config.feed_forward, config.width)
        self.dropout = nn.Identity()

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.self_attn(y, y, y, mask)
        return x + feed_forward(self.norm2(x), self.linear1, self.linear2, self.dropout)


class TextProjection(nn.Module):
    """Linear, layer norm, dropout; one set of weights for words and sentence."""

    def __init__(self, text_width: int, width: int, dropout: float) -> None:
        super().__init__()
        self.fc = nn.Linear(text_width, width)
        # eps of the public repository.
        self.layer_norm = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) -> (..., C)."""
        projected: Tensor = self.dropout(self.layer_norm(self.fc(x)))
        return projected


class TextFeatures(NamedTuple):
    """`words` (N, S, C), `sentence` (N, C), `keep` (N, S) bool, True = token."""

    words: Tensor
    sentence: Tensor
    keep: Tensor
