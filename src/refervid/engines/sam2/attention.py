"""The model's memory attention on many objects of one frame.

Runs the layers of transformers' modules itself, because these repeat per object what all objects share up to
the first look at a memory, and turn keys as interleaved real numbers: as complex ones it is an order of
magnitude faster on a CPU. An attention of one head, as all published models have, mixes values and then
projects the mix: both projections of values are one here.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from refervid.core.errors import BadCheckpoint
from refervid.models.chunks import by_rows, pieces

_SCORES = 1 << 20
"""Numbers that a core's cache holds beside what else it needs: so many scores can lie there at once."""


class MemoryAttention:
    """SAM 2's and EdgeTAM's memory attention. Shapes: B objects, N places of the frame, C channels, M
    memory channels; each spatial memory has `tokens` tokens, of which the last ones have a place."""

    def __init__(self, module: Any, tokens: int, device: torch.device, dtype: torch.dtype) -> None:
        """From a module in float32, which may become `dtype` afterwards. Raises `BadCheckpoint`."""
        self._module = module
        for part in module.modules():
            if isinstance(part, nn.ReLU):
                part.inplace = True
        self._query_rotation = _rotation(module, module.position_ids, device)
        key_places = getattr(module, "position_ids_k", module.position_ids)
        placed = _rotation(module, key_places, device)
        # EdgeTAM puts tokens without a place before those with one: they are not turned.
        unplaced = torch.ones(tokens - len(placed), placed.shape[1], device=device, dtype=placed.dtype)
        self._key_rotation = torch.cat([unplaced, placed])
        self._values = [
            (_joined(layer.self_attn, dtype), _joined(layer.cross_attn_image, dtype))
            for layer in module.layers
        ]

    def __call__(self, frame: Tensor, memory: Tensor, positions: Tensor, spatial: int) -> Tensor:
        """(B, N, C) from features (1, N, C) with the frame's own positions added, memories (B, tokens, M)
        and their positions, of which the first `spatial` memories have a place and the rest are pointers."""
        keys = memory + positions
        # What precedes the first look at a memory is the same for all objects.
        seen = self._look_at_frame(0, frame)
        parts = pieces(len(memory), frame.shape[1], frame.device)
        recalled = [self._recall(seen, memory[rows], keys[rows], spatial) for rows in parts]
        result: Tensor = self._module.layer_norm(torch.cat(recalled))
        return result

    def _recall(self, hidden: Tensor, memory: Tensor, keys: Tensor, spatial: int) -> Tensor:
        """From the first look at memories to the last layer's end."""
        for index, layer in enumerate(self._module.layers):
            if index:
                hidden = self._look_at_frame(index, hidden)
            attention, query = layer.cross_attn_image, layer.layer_norm2(hidden)
            query = self._turned(attention.q_proj(query), self._query_rotation)
            key = self._keys(attention.k_proj, keys, spatial)
            hidden = hidden + _mixed(query, key, memory, self._values[index][1], attention.scaling)
            hidden = hidden + by_rows(partial(_feed_forward, layer), hidden)
        return hidden

    def _look_at_frame(self, index: int, hidden: Tensor) -> Tensor:
        """The frame's places look at each other."""
        layer = self._module.layers[index]
        attention, normed = layer.self_attn, layer.layer_norm1(hidden)
        query, key = (
            self._turned(projection(normed), self._query_rotation)
            for projection in (attention.q_proj, attention.k_proj)
        )
        return hidden + _attend(query, key, F.linear(normed, *self._values[index][0]), attention.scaling)

    def _keys(self, projection: Any, keys: Tensor, spatial: int) -> Tensor:
        """(B, tokens, C): spatial memories turned, pointers not."""
        places = len(self._key_rotation)
        end = spatial * places
        found = keys.new_empty(*keys.shape[:2], projection.out_features)
        found[:, end:] = projection(keys[:, end:])
        memories, turned = (torch.unflatten(part[:, :end], 1, (spatial, places)) for part in (keys, found))
        for rows in pieces(len(keys), end, keys.device):
            for part in pieces(spatial, places, keys.device):
                turned[rows, part] = self._turned(projection(memories[rows, part]), self._key_rotation)
        return found

    @staticmethod
    def _turned(channels: Tensor, rotation: Tensor) -> Tensor:
        """Rotary position encoding of (..., N, C), in float32 as in the official package."""
        pairs = torch.view_as_complex(torch.unflatten(channels.float(), -1, (-1, 2)))
        return torch.view_as_real(pairs * rotation).flatten(-2).to(channels.dtype)


def _rotation(module: Any, places: Tensor, device: torch.device) -> Tensor:
    """(N, C / 2) complex numbers of modulus 1 that turn pairs of channels."""
    cosine, sine = module.rotary_emb(torch.zeros(1, device=device), places)
    return torch.complex(cosine[0, :, ::2].contiguous(), sine[0, :, ::2].contiguous())


def _joined(attention: Any, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Weight and bias of `v_proj` and `o_proj` one after the other. Weights of attention sum to 1."""
    if attention.num_attention_heads != 1:
        raise BadCheckpoint(
            f"memory attention of {attention.num_attention_heads} heads: this tracker knows 1"
        )
    first, second = attention.v_proj, attention.o_proj
    return (second.weight @ first.weight).to(dtype), (second.weight @ first.bias + second.bias).to(dtype)


def _mixed(
    query: Tensor, key: Tensor, memory: Tensor, projection: tuple[Tensor, Tensor], scale: float
) -> Tensor:
    """(B, N, C) from (B or 1, N, C), (B, K, C) and what values are projected from, (B, K, M)."""
    query = query.expand(len(key), -1, -1)
    small = query.shape[1] * key.shape[1] <= _SCORES
    if small and query.device.type == "cpu" and query.dtype == torch.float32:
        scores = ((each * scale) @ other.T for each, other in zip(query, key, strict=True))
        # Mixing before projecting is the same, as shares sum to 1, and M is much smaller than C.
        mixed = [each.softmax(-1) @ value for each, value in zip(scores, memory, strict=True)]
        return F.linear(torch.stack(mixed), *projection)
    return _attend(query, key, F.linear(memory, *projection), scale)


def _attend(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """(B, N, C) from (B, N, C), (B, K, C) and (B, K, C)."""
    # The fused kernels want an axis of heads.
    return F.scaled_dot_product_attention(query[:, None], key[:, None], value[:, None], scale=scale)[:, 0]


def _feed_forward(layer: Any, hidden: Tensor) -> Tensor:
    """SAM 2 has its two linear layers in the layer itself, EdgeTAM in a module."""
    normed = layer.layer_norm3(hidden)
    if hasattr(layer, "mlp"):
        result: Tensor = layer.mlp(normed)
    else:
        result = layer.linear2(layer.activation(layer.linear1(normed)))
    return result
