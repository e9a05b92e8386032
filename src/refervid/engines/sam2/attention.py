"""The model's memory attention on many objects of one frame.

Runs the layers of transformers' modules itself, because these repeat per object what all objects share
up to the first look at a memory, and because turning keys as complex numbers is an order of magnitude
faster on a CPU than turning them as interleaved real ones.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


class MemoryAttention:
    """SAM 2's and EdgeTAM's memory attention. Shapes: B objects, N places of the frame, C channels, M
    memory channels; each spatial memory has `tokens` tokens, of which the last ones have a place."""

    def __init__(self, module: Any, tokens: int, device: torch.device) -> None:
        self._module = module
        self._query_rotation = _rotation(module, module.position_ids, device)
        key_places = getattr(module, "position_ids_k", module.position_ids)
        placed = _rotation(module, key_places, device)
        # EdgeTAM puts tokens without a place before those with one: they are not turned.
        unplaced = torch.ones(tokens - len(placed), placed.shape[1], device=device, dtype=placed.dtype)
        self._key_rotation = torch.cat([unplaced, placed])

    def __call__(self, frame: Tensor, memory: Tensor, positions: Tensor, spatial: int) -> Tensor:
        """(B, N, C) from features (1, N, C) with the frame's own positions added, memories (B, tokens, M)
        and their positions, of which the first `spatial` memories have a place and the rest are pointers."""
        keys = memory + positions
        hidden = frame
        for layer in self._module.layers:
            normed = layer.layer_norm1(hidden)
            hidden = hidden + self._self_attention(layer.self_attn, normed)
            normed = layer.layer_norm2(hidden)
            hidden = hidden + self._cross_attention(layer.cross_attn_image, normed, keys, memory, spatial)
            hidden = hidden + _feed_forward(layer, layer.layer_norm3(hidden))
        result: Tensor = self._module.layer_norm(hidden)
        return result

    def _self_attention(self, attention: Any, hidden: Tensor) -> Tensor:
        query = _turn(_heads(attention, attention.q_proj(hidden)), self._query_rotation)
        key = _turn(_heads(attention, attention.k_proj(hidden)), self._query_rotation)
        return _attend(attention, query, key, _heads(attention, attention.v_proj(hidden)))

    def _cross_attention(
        self, attention: Any, hidden: Tensor, keys: Tensor, values: Tensor, spatial: int
    ) -> Tensor:
        query = _turn(_heads(attention, attention.q_proj(hidden)), self._query_rotation)
        key = _heads(attention, attention.k_proj(keys))
        placed = key[:, :, : spatial * len(self._key_rotation)]
        placed.copy_(_turn(placed, self._key_rotation.repeat(spatial, 1)))
        return _attend(attention, query, key, _heads(attention, attention.v_proj(values)))


def _rotation(module: Any, places: Tensor, device: torch.device) -> Tensor:
    """(N, D / 2) complex numbers of modulus 1 that turn pairs of channels."""
    cosine, sine = module.rotary_emb(torch.zeros(1, device=device), places)
    return torch.complex(cosine[0, :, ::2].contiguous(), sine[0, :, ::2].contiguous())


def _turn(channels: Tensor, rotation: Tensor) -> Tensor:
    """Rotary position encoding of (..., N, D), in float32 as in the official package."""
    pairs = torch.view_as_complex(channels.float().reshape(*channels.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * rotation).flatten(-2).to(channels.dtype)


def _heads(attention: Any, projected: Tensor) -> Tensor:
    """(B, N, heads * D) as (B, heads, N, D)."""
    return projected.view(*projected.shape[:2], attention.num_attention_heads, -1).transpose(1, 2)


def _attend(attention: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    query = query.expand(len(key), -1, -1, -1)
    attended = F.scaled_dot_product_attention(query, key, value, scale=attention.scaling)
    projected: Tensor = attention.o_proj(attended.transpose(1, 2).flatten(2))
    return projected


def _feed_forward(layer: Any, hidden: Tensor) -> Tensor:
    """SAM 2 has its two linear layers in the layer itself, EdgeTAM in a module."""
    if hasattr(layer, "mlp"):
        result: Tensor = layer.mlp(hidden)
    else:
        result = layer.linear2(layer.activation(layer.linear1(hidden)))
    return result
