"""Deformable transformer with iterative box refinement, frame by frame (Zhu et al., ICLR 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from refervid.models.chunks import pieces
from refervid.models.soc.attention import MultiheadAttention, feed_forward
from refervid.models.soc.config import SocConfig
from refervid.models.soc.deformable import DeformableAttention
from refervid.models.soc.heads import refine

LEVELS = 4
"""Maps of stride 8, 16, 32 and 64."""


@dataclass(frozen=True)
class Geometry:
    """Where the L tokens of all levels lie, for N clips or sentences; the same for every frame of one.

    `positions` (N, 1, L, C) sine codes; `padding` (N, 1, L) bool, or None when nothing is padded;
    `valid_ratios` (N, 1, levels, 2): the unpadded share of every map's width and height.
    """

    shapes: tuple[tuple[int, int], ...]
    positions: Tensor
    padding: Tensor | None
    valid_ratios: Tensor

    def rows(self, index: Tensor | slice) -> Geometry:
        """The rows named by `index`, (M,) long or a slice."""
        padding = None if self.padding is None else self.padding[index]
        return Geometry(self.shapes, self.positions[index], padding, self.valid_ratios[index])

    def split(self, tokens: Tensor) -> list[Tensor]:
        """(..., L, C) -> (..., C, h, w) for every level, channels last in memory."""
        levels = torch.split(tokens, [h * w for h, w in self.shapes], -2)
        return [
            torch.unflatten(level, -2, shape).movedim(-1, -3)
            for level, shape in zip(levels, self.shapes, strict=True)
        ]

    def token_references(self) -> Tensor:
        """(N, 1, L, levels, 2): every token's centre, x, y in 0..1 of each level's padded map."""
        ratios = self.valid_ratios
        centres = []
        for level, (height, width) in enumerate(self.shapes):
            y = (torch.arange(height, device=ratios.device) + 0.5) / height
            x = (torch.arange(width, device=ratios.device) + 0.5) / width
            grid = torch.stack((x.expand(height, -1), y[:, None].expand(-1, width)), -1)
            centres.append(grid.flatten(0, 1) / ratios[:, :, level, None])
        return torch.cat(centres, 2)[..., None, :] * ratios[:, :, None]


@dataclass(frozen=True)
class DecoderStates:
    """What the decoder's layers found.

    `hidden` (layers, N, T, Q, C); `initial_reference` (N, T, Q, 2) as x, y and `references`
    (layers, N, T, Q, 4) as cx, cy, w, h after every layer, all in 0..1 of the unpadded frame; without box
    refinement they stay the initial one.
    """

    hidden: Tensor
    initial_reference: Tensor
    references: Tensor


class EncoderLayer(nn.Module):
    def __init__(self, config: SocConfig) -> None:
        super().__init__()
        width = config.width
        self.self_attn = DeformableAttention(width, config.heads, LEVELS, config.points)
        self.norm1 = nn.LayerNorm(width)
        self.linear1 = nn.Linear(width, config.feed_forward)
        self.linear2 = nn.Linear(config.feed_forward, width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, positions: Tensor, reference: Tensor, geometry: Geometry) -> Tensor:
        """(N, T, L, C) -> the same; `reference` (N, 1, L, levels, 2)."""
        attended = self.self_attn(x + positions, reference, x, geometry.shapes, geometry.padding)
        x = self.norm1(x + self.dropout(attended))
        y = self.dropout(feed_forward(x, self.linear1, self.linear2, self.dropout))
        normed: Tensor = self.norm2(x + y)
        return normed


class DecoderLayer(nn.Module):
    def __init__(self, config: SocConfig) -> None:
        super().__init__()
        width = config.width
        self.cross_attn = DeformableAttention(width, config.heads, LEVELS, config.points)
        self.norm1 = nn.LayerNorm(width)
        self.self_attn = MultiheadAttention(width, config.heads, config.dropout)
        self.norm2 = nn.LayerNorm(width)
        self.linear1 = nn.Linear(width, config.feed_forward)
        self.linear2 = nn.Linear(config.feed_forward, width)
        self.norm3 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Tensor, positions: Tensor, reference: Tensor, memory: Tensor, geometry: Geometry
    ) -> Tensor:
        """Queries `x` (N, T, Q, C) with `positions` (Q, C) -> the same."""
        query = (x + positions).flatten(0, 1)
        attended = self.self_attn(query, query, x.flatten(0, 1)).view_as(x)
        x = self.norm2(x + self.dropout(attended))
        attended = self.cross_attn(x + positions, reference, memory, geometry.shapes, geometry.padding)
        x = self.norm1(x + self.dropout(attended))
        y = self.dropout(feed_forward(x, self.linear1, self.linear2, self.dropout))
        normed: Tensor = self.norm3(x + y)
        return normed


class Layers(nn.Module):
    """A list of layers under the name that checkpoints use."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)


class DeformableTransformer(nn.Module):
    def __init__(self, config: SocConfig) -> None:
        super().__init__()
        self._refines = config.box_refinement
        self.level_embed = nn.Parameter(torch.empty(LEVELS, config.width))
        self.reference_points = nn.Linear(config.width, 2)
        self.encoder = Layers([EncoderLayer(config) for _ in range(config.encoder_layers)])
        self.decoder = Layers([DecoderLayer(config) for _ in range(config.decoder_layers)])
        self._reset()

    def _reset(self) -> None:
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        for module in self.modules():
            if isinstance(module, DeformableAttention):
                module.reset()
        nn.init.zeros_(self.reference_points.bias)
        nn.init.normal_(self.level_embed)

    def encode(self, x: Tensor, geometry: Geometry) -> Tensor:
        """Tokens of all levels (N, T, L, C) -> memory (N, T, L, C)."""
        embedding = torch.cat(
            [row.expand(h * w, -1) for row, (h, w) in zip(self.level_embed, geometry.shapes, strict=True)]
        )
        positions = geometry.positions + embedding
        reference = geometry.token_references()
        clips, frames, tokens = x.shape[:3]
        encoded = []
        for rows in pieces(clips, frames * tokens, x.device):
            place = geometry.rows(rows)
            for part in pieces(frames, tokens, x.device):
                y = x[rows, part]
                for layer in self.encoder.layers:
                    y = layer(y, positions[rows], reference[rows], place)
                encoded.append(y.flatten(0, 1))
        return torch.cat(encoded).view_as(x)

    def decode(
        self, memory: Tensor, geometry: Geometry, queries: Tensor, box_heads: nn.ModuleList
    ) -> DecoderStates:
        """`queries` (Q, C), the same in every frame, look at `memory` (N, T, L, C)."""
        clips, frames = memory.shape[:2]
        x = memory.new_zeros(clips, frames, *queries.shape)
        # Places are float32 whatever the network's type, see `DeformableAttention.sampling`.
        with torch.autocast(queries.device.type, enabled=False):
            initial = self.reference_points(queries).sigmoid().expand(clips, frames, -1, -1)
        ratios = geometry.valid_ratios[:, :, None]
        reference = initial
        hidden, references = [], []
        for layer, box_head in zip(self.decoder.layers, box_heads, strict=True):
            scaled = reference[..., None, :] * ratios.repeat(1, 1, 1, 1, reference.shape[-1] // 2)
            x = layer(x, queries, scaled, memory, geometry)
            if self._refines:
                reference = refine(box_head(x), reference).detach()
            hidden.append(x)
            references.append(reference)
        return DecoderStates(torch.stack(hidden), initial, torch.stack(references))
