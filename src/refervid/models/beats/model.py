"""The BEATs network (arXiv 2212.09058), parameter names as in the published checkpoints.

Written from the description of microsoft/unilm `beats`. N batch, T spectrogram frames, L tokens
(8 frequency bands per patch column, time-major), C channels, H heads.
"""

from __future__ import annotations

from math import log

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refervid.models.beats.config import BeatsConfig
from refervid.models.beats.features import front_end, shrink_mask


class Beats(nn.Module):
    """Waveform to class probabilities, or to token features for checkpoints without a predictor."""

    def __init__(self, config: BeatsConfig) -> None:
        super().__init__()
        self.config = config
        patch = config.input_patch_size
        self.patch_embedding = nn.Conv2d(1, config.embed_dim, patch, patch, bias=config.conv_bias)
        self.layer_norm = nn.LayerNorm(config.embed_dim)
        self.post_extract_proj = (
            nn.Linear(config.embed_dim, config.encoder_embed_dim)
            if config.embed_dim != config.encoder_embed_dim
            else nn.Identity()
        )
        self.encoder = Encoder(config)
        self.predictor = (
            nn.Linear(config.encoder_embed_dim, config.predictor_class) if config.finetuned_model else None
        )

    def tokens(self, waveforms: Tensor, padding: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Encoded tokens (N, L, C) of waveforms (N, n), float32 in -1..1 at 16 kHz, and their mask (N, L).

        `padding` (N, m) bool, True = padding, is per sample; m may differ from n but not be below T.
        A waveform needs at least as many frames as a patch is long: 0.175 s for patches of 16.
        """
        spectrogram = front_end(waveforms)
        patches = self.patch_embedding(spectrogram[:, None])  # (N, embed_dim, T // patch, bands)
        x = self.post_extract_proj(self.layer_norm(patches.flatten(2).transpose(1, 2)))
        if padding is not None:
            padding = shrink_mask(shrink_mask(padding, spectrogram.shape[1]), x.shape[1])
        return self.encoder(x, padding), padding

    def classify(self, tokens: Tensor, padding: Tensor | None = None) -> Tensor:
        """Class probabilities (N, classes) of encoded tokens: mean of the tokens' logits, then sigmoid."""
        assert self.predictor is not None
        logits = self.predictor(tokens)
        if padding is None or not padding.any():
            return torch.sigmoid(logits.mean(dim=1))
        heard = ~padding[..., None]
        return torch.sigmoid((logits * heard).sum(dim=1) / heard.sum(dim=1))

    def forward(self, waveforms: Tensor, padding: Tensor | None = None) -> Tensor:
        """Class probabilities (N, classes)."""
        return self.classify(*self.tokens(waveforms, padding))


class Encoder(nn.Module):
    def __init__(self, config: BeatsConfig) -> None:
        super().__init__()
        self._config = config
        self.pos_conv = nn.Sequential(PositionalConvolution(config))
        self.layer_norm = nn.LayerNorm(config.encoder_embed_dim)
        layers = [Layer(config) for _ in range(config.encoder_layers)]
        if config.relative_position_embedding:
            # One table for all layers; published files list it under every one of them.
            table = nn.Embedding(config.num_buckets, config.encoder_attention_heads)
            for layer in layers:
                layer.self_attn.relative_attention_bias = table
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor, padding: Tensor | None) -> Tensor:
        if padding is not None:
            x = x.masked_fill(padding[..., None], 0)
        x = x + self.pos_conv(x)
        if not self._config.layer_norm_first:
            x = self.layer_norm(x)
        bias = self.position_bias(x.shape[1])
        for layer in self.layers:
            x = layer(x, bias, padding)
        if self._config.layer_norm_first:
            x = self.layer_norm(x)
        return x

    def position_bias(self, length: int) -> Tensor | None:
        """(H, L, L): by query and key token."""
        if not self._config.relative_position_embedding:
            return None
        table = self.get_submodule("layers.0.self_attn.relative_attention_bias")
        assert isinstance(table, nn.Embedding)
        places = torch.arange(length, device=table.weight.device)
        found = buckets(places - places[:, None], self._config.num_buckets, self._config.max_distance)
        bias: Tensor = table(found).permute(2, 0, 1)
        return bias


class PositionalConvolution(nn.Module):
    """Grouped convolution over tokens, its kernel weight-normalised per position (`weight_g`, `weight_v`)."""

    def __init__(self, config: BeatsConfig) -> None:
        super().__init__()
        width, kernel, self._groups = config.encoder_embed_dim, config.conv_pos, config.conv_pos_groups
        self.weight_g = nn.Parameter(torch.ones(1, 1, kernel))
        self.weight_v = nn.Parameter(torch.randn(width, width // self._groups, kernel) / kernel)
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """(N, L, C) to (N, L, C)."""
        kernel = self.weight_g * self.weight_v / self.weight_v.norm(dim=(0, 1), keepdim=True)
        padded = kernel.shape[2] // 2
        y = F.conv1d(x.transpose(1, 2), kernel, self.bias, padding=padded, groups=self._groups)
        return F.gelu(y[..., : x.shape[1]]).transpose(1, 2)


class Layer(nn.Module):
    """Attention and two linear layers, with layer norm after (and residuals weighted) or before."""

    def __init__(self, config: BeatsConfig) -> None:
        super().__init__()
        width = config.encoder_embed_dim
        self._norm_first = config.layer_norm_first
        # Deep norm (arXiv 2203.00555) for an encoder: alpha = (2 layers)^(1/4).
        self._alpha = (2 * config.encoder_layers) ** 0.25 if config.deep_norm else 1.0
        self.self_attn = Attention(config)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, config.encoder_ffn_embed_dim)
        self.fc2 = nn.Linear(config.encoder_ffn_embed_dim, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, bias: Tensor | None, padding: Tensor | None) -> Tensor:
        if self._norm_first:
            x = x + self.self_attn(self.self_attn_layer_norm(x), bias, padding)
            x = x + self._linear(self.final_layer_norm(x))
        else:
            x = self.self_attn_layer_norm(self._alpha * x + self.self_attn(x, bias, padding))
            x = self.final_layer_norm(self._alpha * x + self._linear(x))
        return x

    def _linear(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return y


class Attention(nn.Module):
    """Multi-head attention whose position bias is gated by the query."""

    relative_attention_bias: nn.Embedding

    def __init__(self, config: BeatsConfig) -> None:
        super().__init__()
        width, self._heads = config.encoder_embed_dim, config.encoder_attention_heads
        self.q_proj, self.k_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.v_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)
        self._gated = config.gru_rel_pos
        if self._gated:
            self.grep_linear = nn.Linear(config.head_width, 8)
            self.grep_a = nn.Parameter(torch.ones(1, self._heads, 1, 1))

    def forward(self, x: Tensor, bias: Tensor | None, padding: Tensor | None) -> Tensor:
        """(N, L, C) to (N, L, C); `bias` (H, L, L); keys in `padding` (N, L) are not attended to."""
        query, key, value = (
            projection(x).unflatten(2, (self._heads, -1)).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        if bias is not None and self._gated:
            bias = self._gate(query) * bias
        if padding is not None:
            closed = torch.zeros_like(padding, dtype=x.dtype).masked_fill(padding, -torch.inf)[:, None, None]
            bias = closed if bias is None else bias + closed
        heard = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        y: Tensor = self.out_proj(heard.transpose(1, 2).flatten(2))
        return y

    def _gate(self, query: Tensor) -> Tensor:
        """(N, H, L, 1) from the projected query; WavLM, which looks the same, takes the layer's input."""
        a, b = self.grep_linear(query).unflatten(3, (2, 4)).sum(dim=4).sigmoid().chunk(2, dim=3)
        gate: Tensor = a * (b * self.grep_a - 1) + 2
        return gate


def buckets(distance: Tensor, count: int, largest: int) -> Tensor:
    """Bucket of a signed distance (key minus query): exact up to count / 4, then logarithmic to `largest`."""
    half = count // 2
    exact = half // 2
    far = distance.abs()
    scale = torch.log(far.clamp(min=1).float() / exact) / log(largest / exact) * (half - exact)
    coarse = (exact + scale.long()).clamp(max=half - 1)
    return torch.where(far < exact, far, coarse) + half * (distance > 0)
