"""Video Swin transformer (Liu et al., CVPR 2022) as SOC uses it: time is never reduced, no output norms."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from refervid.models.chunks import by_rows, pieces
from refervid.models.soc.config import VideoSwinConfig
from refervid.models.soc.windows import Partition, Size, partition, relative_position_index


class PatchEmbed(nn.Module):
    """4x4 patches of every frame, normalised."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv3d(3, width, (1, 4, 4), stride=(1, 4, 4))
        self.norm = nn.LayerNorm(width)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T, 3, H, W) -> (B, T, ceil(H / 4), ceil(W / 4), E)."""
        height, width = frames.shape[-2:]
        frames = F.pad(frames, (0, -width % 4, 0, -height % 4))
        # Equal to the convolution, and the channels come out last without another copy.
        cells = torch.unflatten(torch.unflatten(frames, 4, (-1, 4)), 3, (-1, 4))
        patches = cells.permute(0, 1, 3, 5, 2, 4, 6).flatten(4)
        tokens: Tensor = self.norm(F.linear(patches, self.proj.weight.flatten(1), self.proj.bias))
        return tokens


class PatchMerging(nn.Module):
    """Halves height and width, doubles the channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, H, W, C) -> (B, T, ceil(H / 2), ceil(W / 2), 2C)."""
        x = F.pad(x, (0, 0, 0, x.shape[3] % 2, 0, x.shape[2] % 2))
        quads = [x[:, :, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        merged: Tensor = self.reduction(self.norm(torch.cat(quads, -1)))
        return merged


class WindowAttention(nn.Module):
    """Multi-head attention inside windows with a learned bias per relative position."""

    def __init__(self, width: int, heads: int, window: Size) -> None:
        super().__init__()
        self.heads = heads
        self.window = window
        positions = (2 * window[0] - 1) * (2 * window[1] - 1) * (2 * window[2] - 1)
        self.relative_position_bias_table = nn.Parameter(torch.zeros(positions, heads))
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def forward(self, x: Tensor, part: Partition) -> Tensor:
        """(tokens, C), in the order of the map, -> (tokens, C)."""
        bias = self.relative_bias(part.tokens)
        attended = []
        for group in part.groups:
            mask = bias if group.mask is None else bias + group.mask
            for piece in pieces(len(group.gather), part.tokens, x.device):
                padding = None if group.padding is None else group.padding[piece]
                attended.append(self._attend(x, group.gather[piece], padding, mask))
        projected: Tensor = self.proj(torch.cat(attended).index_select(0, part.scatter))
        return projected

    def _attend(self, x: Tensor, gather: Tensor, padding: Tensor | None, mask: Tensor) -> Tensor:
        """Windows of the tokens that `gather` (windows, N) names -> (windows * N, C)."""
        windows = x.index_select(0, gather.flatten())
        if padding is not None:
            windows = windows.masked_fill(padding.view(-1, 1), 0.0)
        qkv = self.qkv(windows).view(*gather.shape, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value, mask.to(query.dtype)[None])
        return attended.transpose(1, 2).reshape(-1, x.shape[1])

    def relative_bias(self, tokens: int) -> Tensor:
        """(heads, N, N) for a window of N tokens.

        Kept from the public Video Swin code: a window cut small by its map takes the top-left corner of
        the full window's index table, although these are other offsets once height or width shrink.
        """
        index = relative_position_index(self.window, self.relative_position_bias_table.device)
        corner = index[:tokens, :tokens].flatten()
        bias = self.relative_position_bias_table.t().index_select(1, corner)
        return bias.view(self.heads, tokens, tokens)


class Mlp(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return by_rows(lambda rows: self.fc2(F.gelu(self.fc1(rows))), x)


class Block(nn.Module):
    """Window attention and MLP, each with a norm before and a residual around it."""

    def __init__(self, width: int, heads: int, config: VideoSwinConfig, drop_path: float) -> None:
        super().__init__()
        self.drop_path = drop_path
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads, config.window)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, config.mlp_ratio * width)

    def forward(self, x: Tensor, part: Partition, batch: int) -> Tensor:
        """(tokens of all clips, C) -> the same."""
        x = x + self._drop(self.attn(self.norm1(x), part), batch)
        return x + self._drop(self.mlp(self.norm2(x)), batch)

    def _drop(self, x: Tensor, batch: int) -> Tensor:
        """Stochastic depth: the branch is left out for whole clips."""
        if not self.training or self.drop_path == 0:
            return x
        kept = torch.rand(batch, device=x.device) >= self.drop_path
        scale = kept.to(x.dtype) / (1 - self.drop_path)
        return (x.view(batch, -1, x.shape[1]) * scale[:, None, None]).view_as(x)


class Stage(nn.Module):
    """Blocks on one resolution; every second one shifts its windows."""

    def __init__(self, width: int, heads: int, config: VideoSwinConfig, drop_paths: list[float]) -> None:
        super().__init__()
        self.window = config.window
        self.blocks = nn.ModuleList(Block(width, heads, config, rate) for rate in drop_paths)

    def forward(self, x: Tensor, gradient_checkpointing: bool) -> Tensor:
        """(B, T, H, W, C) -> the same."""
        batch, frames, height, width = x.shape[:4]
        tokens = x.reshape(-1, x.shape[4])
        for index, block in enumerate(self.blocks):
            part = partition(batch, (frames, height, width), self.window, index % 2 == 1, x.device)
            if gradient_checkpointing and torch.is_grad_enabled():
                tokens = checkpoint(block, tokens, part, batch, use_reentrant=False)
            else:
                tokens = block(tokens, part, batch)
        return tokens.view_as(x)


class VideoSwin(nn.Module):
    """Four feature maps, strides 4, 8, 16 and 32.

    `gradient_checkpointing` recomputes every block in the backward pass to save memory.
    """

    def __init__(self, config: VideoSwinConfig) -> None:
        super().__init__()
        self.gradient_checkpointing = False
        blocks = sum(config.depths)
        rates = [config.drop_path * index / max(blocks - 1, 1) for index in range(blocks)]
        self.patch_embed = PatchEmbed(config.embed_dim)
        self.layers = nn.ModuleList()
        for width, depth, heads in zip(config.widths, config.depths, config.heads, strict=True):
            self.layers.append(Stage(width, heads, config, rates[:depth]))
            del rates[:depth]
        self.downsamples = nn.ModuleList(PatchMerging(width) for width in config.widths[:-1])

    def forward(self, frames: Tensor) -> list[Tensor]:
        """`frames` (B, T, 3, H, W) normalised -> four maps (B * T, C_i, h_i, w_i), clip by clip.

        h_0 = ceil(H / 4), h_i = ceil(h_(i-1) / 2); the memory format is channels last.
        """
        x = self.patch_embed(frames)
        maps = []
        for index, stage in enumerate(self.layers):
            x = stage(x, self.gradient_checkpointing)
            maps.append(x.flatten(0, 1).permute(0, 3, 1, 2))
            if index < len(self.downsamples):
                x = self.downsamples[index](x)
        return maps
