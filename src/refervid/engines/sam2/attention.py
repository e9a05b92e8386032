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
from torch import Tensor

from refervid.core.errors import BadCheckpoint
from refervid.models.chunks import by_rows, pieces


class MemoryAttention:
    """SAM 2's and EdgeTAM's memory attention. Shapes: B objects, N places of the frame, C channels, M
    memory channels; each spatial memory has `tokens` tokens, of which the last ones have a place."""

    def __init__(self, module: Any, tokens: int, device: torch.device, dtype: torch.dtype) -> None:
        """From a module in float32, which may become `dtype` afterwards. Raises `BadCheckpoint`."""
        self._module = module
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
        hidden = frame
        for layer, (own_values, memory_values) in zip(self._module.layers, self._values, strict=True):
            normed = layer.layer_norm1(hidden)
            query, key = (
                self._turned(projection(normed), self._query_rotation)
                for projection in (layer.self_attn.q_proj, layer.self_attn.k_proj)
            )
            hidden = hidden + _attend(layer.self_attn, query, key, F.linear(normed, *own_values))
            attention = layer.cross_attn_image
            query = self._turned(attention.q_proj(layer.layer_norm2(hidden)), self._query_rotation)
            key = self._keys(attention.k_proj, keys, spatial)
            hidden = hidden + _attend(attention, query, key, F.linear(memory, *memory_values))
            hidden = hidden + by_rows(partial(_feed_forward, layer), hidden)
        result: Tensor = self._module.layer_norm(hidden)
        return result

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


def _attend(attention: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """(B, N, C) from (B or 1, N, C), (B, K, C) and (B, K, C)."""
    query = query.expand(len(key), -1, -1)[:, None]
    attended = F.scaled_dot_product_attention(query, key[:, None], value[:, None], scale=attention.scaling)
    return attended[:, 0]


def _feed_forward(layer: Any, hidden: Tensor) -> Tensor:
    """SAM 2 has its two linear layers in the layer itself, EdgeTAM in a module."""
    normed = layer.layer_norm3(hidden)
    if hasattr(layer, "mlp"):
        result: Tensor = layer.mlp(normed)
    else:
        result = layer.linear2(layer.activation(layer.linear1(normed)))
    return result
