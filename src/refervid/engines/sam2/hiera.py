"""SAM 2's image encoder: Hiera (arXiv 2306.00989) and its neck, as far as the tracker reads them.

Runs the layers of transformers' modules itself. Tokens stay sorted by windows from block to block, so that
hardly anything is copied, and a few windows at a time go through all of a block, so that on a CPU they stay
in cache. Where windows reach beyond the map, the padding is looked at, as published, but not computed: all
of it has one key and one value. What transformers computes between the heads of each token and then throws
away is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from refervid.models.chunks import by_rows, pieces


@dataclass(frozen=True)
class Group:
    """`count` windows of `height` by `width` tokens, with so many tokens of `padding` in each."""

    count: int
    height: int
    width: int
    padding: int

    @property
    def tokens(self) -> int:
        return self.height * self.width


@dataclass(frozen=True)
class Layout:
    """The tokens of a map, window by window: token i lies at `order[i]`, counted row by row."""

    height: int
    width: int
    window: int
    order: Tensor
    groups: tuple[Group, ...]

    @staticmethod
    def of(height: int, width: int, window: int) -> Layout:
        places = torch.arange(height * width).view(height, width)
        order, groups = [], []
        for rows in _whole_and_rest(height, window):
            for columns in _whole_and_rest(width, window):
                part = places[rows, columns]
                h, w = min(window, part.shape[0]), min(window, part.shape[1])
                tiled = part.view(part.shape[0] // h, h, part.shape[1] // w, w).transpose(1, 2)
                order.append(tiled.flatten())
                groups.append(Group(part.numel() // (h * w), h, w, window * window - h * w))
        return Layout(height, width, window, torch.cat(order), tuple(groups))

    def pooled(self) -> Layout:
        """What 2 x 2 pooling leaves of it; windows and maps that are pooled have even sides."""
        return Layout.of(self.height // 2, self.width // 2, self.window // 2)

    def sorted_as(self, other: Layout) -> Tensor:
        """Indices that put tokens of this layout into the order of another."""
        return self.order.argsort()[other.order]

    def row_by_row(self) -> Tensor:
        """Indices that put tokens into the order of the map."""
        return self.order.argsort()


def _whole_and_rest(side: int, window: int) -> list[slice]:
    whole = side // window * window
    return [part for part in (slice(0, whole), slice(whole, side)) if part.stop > part.start]


class _Step(nn.Module):
    """One block: its `layout`, and how tokens are `sorted` before it and come out `row_by_row` after it."""

    sorted: Tensor | None
    row_by_row: Tensor | None

    def __init__(self, block: Any, before: Layout, is_last_of_stage: bool) -> None:
        super().__init__()
        self.block = block
        self.layout = before
        if block.window_size not in (0, before.window):
            self.layout = Layout.of(before.height, before.width, block.window_size)
        # All tokens as one window: attention does not mind their order.
        whole = (Group(1, before.height, before.width, 0),)
        self.groups = self.layout.groups if block.window_size else whole
        changes = self.layout is not before
        self.register_buffer("sorted", before.sorted_as(self.layout) if changes else None, persistent=False)
        self.after = self.layout.pooled() if block.query_stride else self.layout
        index = self.after.row_by_row() if is_last_of_stage else None
        self.register_buffer("row_by_row", index, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (N, L, C) in the layout before to (N, L', C') in the layout after."""
        x = x if self.sorted is None else x[:, self.sorted]
        first, *others = self.groups
        if others:
            return self._block(x, self.groups)
        # Windows that are all alike do not need each other.
        windows = x.reshape(-1, first.tokens, x.shape[-1])
        one = (replace(first, count=1),)
        done = [self._block(windows[rows], one) for rows in pieces(len(windows), first.tokens, x.device)]
        return torch.cat(done).reshape(len(x), -1, done[0].shape[-1])

    def _block(self, x: Tensor, groups: Sequence[Group]) -> Tensor:
        """(M, T, C) tokens of whole windows through all layers of the block."""
        block = self.block
        normed = block.layer_norm1(x)
        if block.query_stride:
            x = self._pooled(block.proj(normed), groups)
        projected = block.attn.qkv(normed)
        sizes = [group.count * group.tokens for group in groups]
        attended = [
            self._attend(*pair) for pair in zip(torch.split(projected, sizes, 1), groups, strict=True)
        ]
        x = x + block.attn.proj(torch.cat(attended, 1) if len(attended) > 1 else attended[0])
        return x + by_rows(lambda rows: block.mlp(block.layer_norm2(rows)), x)

    def _attend(self, projected: Tensor, group: Group) -> Tensor:
        """(M, count * tokens, 3 C) queries, keys and values of a group to (M, tokens after pooling, C)."""
        attention = self.block.attn
        query, key, value = projected.reshape(-1, group.tokens, projected.shape[-1]).chunk(3, -1)
        if self.block.query_stride:
            query = _pool(query, group)
        if group.padding:
            # Beyond the map the layer's input is 0.
            _, beyond_key, beyond_value = attention.qkv.bias.expand(len(key), group.padding, -1).chunk(3, -1)
            key, value = torch.cat([key, beyond_key], 1), torch.cat([value, beyond_value], 1)
        heads = attention.num_attention_heads
        query, key, value = (
            torch.unflatten(part, -1, (heads, -1)).transpose(1, 2) for part in (query, key, value)
        )
        attended = F.scaled_dot_product_attention(query, key, value, scale=attention.scale)
        return attended.transpose(1, 2).reshape(len(projected), -1, attended.shape[-1] * heads)

    def _pooled(self, x: Tensor, groups: Sequence[Group]) -> Tensor:
        sizes = [group.count * group.tokens for group in groups]
        windows = [
            _pool(part.reshape(-1, group.tokens, part.shape[-1]), group).reshape(
                len(part), -1, part.shape[-1]
            )
            for part, group in zip(torch.split(x, sizes, 1), groups, strict=True)
        ]
        return torch.cat(windows, 1) if len(windows) > 1 else windows[0]


def _pool(x: Tensor, group: Group) -> Tensor:
    """The largest of 2 x 2 tokens: (M, tokens, C) to (M, tokens / 4, C)."""
    x = x.view(len(x), group.height // 2, 2, group.width // 2, 2, -1)
    above, below = x.unbind(2)
    left, right = torch.maximum(above, below).unbind(3)
    return torch.maximum(left, right).flatten(1, 2)


class ImageEncoder(nn.Module):
    """Normalised pictures (N, 3, S, S) to the levels of `FrameFeatures`, channels last in memory."""

    positions: Tensor

    def __init__(self, model: Any, size: int) -> None:
        super().__init__()
        backbone, neck, decoder = model.vision_encoder.backbone, model.vision_encoder.neck, model.mask_decoder
        self.patch_embed = backbone.patch_embed
        side = size // 4
        layout = Layout.of(side, side, backbone.blocks[0].window_size)
        positions = backbone._get_pos_embed((side, side)).flatten(1, 2)
        self.register_buffer("positions", positions[:, layout.order.to(positions.device)], persistent=False)
        self.register_buffer("order", layout.order.to(positions.device), persistent=False)
        self.steps = nn.ModuleList()
        for index, block in enumerate(backbone.blocks):
            step = _Step(block, layout, index in backbone.stage_ends).to(positions.device)
            self.steps.append(step)
            layout = step.after
        # Of the neck's levels the two fine ones take nothing from above: the decoder's projection of them
        # and the neck's are one.
        self.fine = nn.ModuleList(
            [_joined(neck.convs[3], decoder.conv_s0), _joined(neck.convs[2], decoder.conv_s1)]
        )
        self.coarse = nn.ModuleList([neck.convs[1], neck.convs[0]])

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        embedded = self.patch_embed(pixels).flatten(1, 2)
        x = embedded[:, self.order] + self.positions
        stages = []
        for step in cast(Iterable[_Step], self.steps):
            x = step(x)
            if step.row_by_row is not None:
                side = step.after.height
                stages.append(torch.unflatten(x[:, step.row_by_row], 1, (side, side)).movedim(-1, 1))
        stride4, stride8, stride16, stride32 = stages
        above = self.coarse[1](stride32)
        height, width = above.shape[-2:]
        # Every pixel of the level above goes to 2 x 2 here.
        coarse = self.coarse[0](stride16)
        coarse.unflatten(-1, (width, 2)).unflatten(-3, (height, 2)).add_(above[..., None, :, None])
        return self.fine[0](stride4), self.fine[1](stride8), coarse


def _joined(first: nn.Conv2d, second: nn.Conv2d) -> nn.Conv2d:
    """Two convolutions of one pixel, one after the other, as one."""
    weight = second.weight.flatten(1) @ first.weight.flatten(1)
    joined = nn.Conv2d(weight.shape[1], weight.shape[0], 1, device=weight.device, dtype=weight.dtype)
    joined.weight = nn.Parameter(weight[..., None, None], requires_grad=False)
    bias = second.weight.flatten(1) @ first.bias + second.bias  # type: ignore[operator]
    joined.bias = nn.Parameter(bias, requires_grad=False)
    return joined


class PlainEncoder(nn.Module):
    """The same for other image encoders: EdgeTAM's RepViT, and SAM 3's, which has a coarser level besides."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.encoder, self.decoder = model.vision_encoder, model.mask_decoder

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        stride4, stride8, stride16, *_ = self.encoder(pixels, return_dict=True).fpn_hidden_states
        return self.decoder.conv_s0(stride4), self.decoder.conv_s1(stride8), stride16
