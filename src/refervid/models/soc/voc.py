"""Video object cluster: from the queries of every frame, and the sentence, to one query per object and clip.

The encoder follows VITA (Heo et al., NeurIPS 2022), from which the windows over time come.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from refervid.models.soc.attention import MultiheadAttention, feed_forward
from refervid.models.soc.config import SocConfig, VocConfig

_HIDDEN = -1000.0
"""Added to the logit of a pair that must not see each other; finite, so that a row of them is no NaN."""
_STEPS = 3.0
"""What crosses a third of the frame, evenly and in the clip's time, takes steps of 1."""


class SelfAttentionLayer(nn.Module):
    def __init__(self, config: SocConfig) -> None:
        super().__init__()
        self.self_attn = MultiheadAttention(config.width, config.heads, config.dropout)
        self.norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, positions: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """(N, L, C) -> the same; `positions` (L, C) are added to query and key."""
        query = x if positions is None else x + positions
        normed: Tensor = self.norm(x + self.dropout(self.self_attn(query, query, x, mask)))
        return normed


class CrossAttentionLayer(nn.Module):
    def __init__(self, config: SocConfig) -> None:
        super().__init__()
        self.multihead_attn = MultiheadAttention(config.width, config.heads, config.dropout)
        self.norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, positions: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Queries (N, Q, C) read `value` (N, L, C) -> (N, Q, C)."""
        normed: Tensor = self.norm(x + self.dropout(self.multihead_attn(x + positions, key, value)))
        return normed


class FeedForwardLayer(nn.Module):
    def __init__(self, config: SocConfig) -> None:
        super().__init__()
        self.linear1 = nn.Linear(config.width, config.feed_forward)
        self.linear2 = nn.Linear(config.feed_forward, config.width)
        self.norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        y = self.dropout(feed_forward(x, self.linear1, self.linear2, self.dropout))
        normed: Tensor = self.norm(x + y)
        return normed


class Whereabouts(nn.Module):
    """Tells every frame query where its box is, how it came there and goes on, and when that is."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(13, width)
        self.linear2 = nn.Linear(width, width)

    def forward(self, boxes: Tensor) -> Tensor:
        """(N, T, Q, 4) as cx, cy, w, h in 0..1 -> (N, T, Q, C)."""
        before = torch.cat((boxes[:, :1], boxes[:, :-1]), 1)
        after = torch.cat((boxes[:, 1:], boxes[:, -1:]), 1)
        time = torch.linspace(0, 1, boxes.shape[1], device=boxes.device)[:, None, None]
        steps = torch.cat((boxes - before, after - boxes), -1) * (boxes.shape[1] - 1) * _STEPS
        known = torch.cat((boxes, steps, time.expand(*boxes.shape[:3], 1)), -1)
        told: Tensor = self.linear2(F.gelu(self.linear1(known.to(self.linear1.weight.dtype))))
        return told


class VideoObjectCluster(nn.Module):
    def __init__(self, config: SocConfig, voc: VocConfig) -> None:
        super().__init__()
        self.window = voc.window
        self.enc_self_attn = nn.ModuleList(SelfAttentionLayer(config) for _ in range(voc.encoder_layers))
        self.enc_ffn = nn.ModuleList(FeedForwardLayer(config) for _ in range(voc.encoder_layers))
        layers = range(voc.decoder_layers)
        self.transformer_cross_attention_layers = nn.ModuleList(CrossAttentionLayer(config) for _ in layers)
        self.transformer_self_attention_layers = nn.ModuleList(SelfAttentionLayer(config) for _ in layers)
        self.transformer_ffn_layers = nn.ModuleList(FeedForwardLayer(config) for _ in layers)
        self.decoder_norm = nn.LayerNorm(config.width)
        self.query_embed = nn.Embedding(config.queries, config.width)
        self.fq_pos = nn.Embedding(config.queries, config.width)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1 and not name.startswith(("query_embed", "fq_pos")):
                nn.init.xavier_uniform_(parameter)
        self.whereabouts = Whereabouts(config.width) if voc.whereabouts else None

    def forward(self, frame_queries: Tensor, sentence: Tensor, boxes: Tensor) -> Tensor:
        """`frame_queries` (layers, N, T, Q, C), `sentence` (N, C) and the queries' `boxes`
        (layers, N, T, Q, 4) -> (layers, N, Q, C).

        Every decoder layer's queries form a clip of their own. The published code mixes the clips of a
        batch when it holds several of several frames (its recipes never do); here they stay apart.
        """
        layers, clips, frames, queries, _ = frame_queries.shape
        x = frame_queries.flatten(0, 1)
        if self.whereabouts is not None:
            x = x + self.whereabouts(boxes.flatten(0, 1))
        memory = self._encode(x) if self.window == 0 else self._encode_in_windows(x)
        key = memory + self.fq_pos.weight.repeat(frames, 1)

        x = sentence.repeat(layers, 1)[:, None].expand(-1, queries, -1)
        positions = self.query_embed.weight
        for cross, own, ffn in zip(
            self.transformer_cross_attention_layers,
            self.transformer_self_attention_layers,
            self.transformer_ffn_layers,
            strict=True,
        ):
            x = ffn(own(cross(x, positions, key, memory), positions))
        normed: Tensor = self.decoder_norm(x)
        return torch.unflatten(normed, 0, (layers, clips))

    def _encode(self, x: Tensor) -> Tensor:
        """(M, T, Q, C) -> (M, T * Q, C): every token sees the whole clip."""
        x = x.flatten(1, 2)
        for attention, ffn in zip(self.enc_self_attn, self.enc_ffn, strict=True):
            x = ffn(attention(x))
        return x

    def _encode_in_windows(self, x: Tensor) -> Tensor:
        """As `_encode`, but inside windows of frames; in eval mode every second layer shifts them."""
        clips, frames, queries, width = x.shape
        half = -(-self.window // 2)
        x = F.pad(x, (0, 0, 0, 0, 0, -frames % self.window))
        padded = torch.arange(x.shape[1], device=x.device) >= frames
        plain, shifted = self._plain_mask(padded), self._shifted_mask(padded.roll(half), half)
        for index, (attention, ffn) in enumerate(zip(self.enc_self_attn, self.enc_ffn, strict=True)):
            # Public repository: windows shift only outside training.
            shift = half if index % 2 and not self.training else 0
            frame_mask = shifted if shift else plain
            mask = frame_mask.repeat_interleave(queries, 1).repeat_interleave(queries, 2)
            windows = x.roll(shift, 1).reshape(-1, self.window * queries, width)
            windows = ffn(attention(windows, mask=mask.repeat(clips, 1, 1)[:, None].to(x.dtype)))
            x = windows.view_as(x).roll(-shift, 1)
        return x[:, :frames].flatten(1, 2)

    def _plain_mask(self, padded: Tensor) -> Tensor:
        """(windows, w, w) float: padded frames are not seen."""
        columns = padded.view(-1, 1, self.window).expand(-1, self.window, -1)
        return torch.zeros_like(columns, dtype=torch.float32).masked_fill(columns, float("-inf"))

    def _shifted_mask(self, padded: Tensor, half: int) -> Tensor:
        """(windows, w, w) float for rolled frames.

        As in the public repository a padded frame's row is masked in every window, its column only in the
        first and the last; in the first window the frames rolled in from the end keep to themselves.
        """
        rows = padded.view(-1, self.window, 1).expand(-1, -1, self.window).clone()
        rows[0] |= rows[0].clone().t()
        rows[-1] |= rows[-1].clone().t()
        rows[0, :half, half:] = True
        rows[0, half:, :half] = True
        return rows * _HIDDEN
