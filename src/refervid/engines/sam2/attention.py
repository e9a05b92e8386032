"""The model's memory attention on many objects of one frame.

Runs the layers of transformers' modules itself, because these repeat per object what all objects share up to
the first look at a memory, and turn keys as interleaved real numbers: as complex ones, where they lie, it is
an order of magnitude faster on a CPU. An attention of one head, as all published models have, mixes values
and then projects the mix: both projections of values are one here.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        self._norm = module.layer_norm
        self._query_rotation = _rotation(module, module.position_ids, device)
        key_places = getattr(module, "position_ids_k", module.position_ids)
        placed = _rotation(module, key_places, device)
        # EdgeTAM puts tokens without a place before those with one: they are not turned.
        unplaced = torch.ones(tokens - len(placed), placed.shape[1], device=device, dtype=placed.dtype)
        self._key_rotation = torch.cat([unplaced, placed])
        self._layers = [_Layer(layer, dtype) for layer in module.layers]

    def look(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """What is the same for all objects, from features (1, N, C) with the frame's own positions added: the
        frame after the first look at itself, and what it asks of memories first, both (1, N, C)."""
        seen = frame + self._look_at_frame(self._layers[0], frame)
        return seen, self._query(self._layers[0], seen)

    def recall(self, seen: Tensor, query: Tensor, memory: Tensor, positions: Tensor, spatial: int) -> Tensor:
        """(B, N, C) from what `look` returns, memories (B, K, M) and their positions, of which the first
        `spatial` memories have a place and the rest are pointers."""
        keys = memory + positions
        parts = pieces(len(memory), seen.shape[1], seen.device)
        recalled = [self._recall(seen, query, memory[rows], keys[rows], spatial) for rows in parts]
        result: Tensor = self._norm(torch.cat(recalled))
        return result

    def _recall(self, hidden: Tensor, query: Tensor, memory: Tensor, keys: Tensor, spatial: int) -> Tensor:
        """From the first look at memories to the last layer's end."""
        for layer in self._layers:
            if layer is not self._layers[0]:
                hidden = hidden + self._look_at_frame(layer, hidden)
                query = self._query(layer, hidden)
            hidden = hidden + _mixed(query, self._key(layer, keys, spatial), memory, layer.value)
            hidden += by_rows(layer.feed_forward, hidden)
        return hidden

    def _look_at_frame(self, layer: _Layer, hidden: Tensor) -> Tensor:
        """The frame's places look at each other."""
        query, key, value = F.linear(layer.norm1(hidden), *layer.look).chunk(3, -1)
        _turn(query, self._query_rotation)
        _turn(key, self._query_rotation)
        return _attend(query, key, value)

    def _query(self, layer: _Layer, hidden: Tensor) -> Tensor:
        query = F.linear(layer.norm2(hidden), *layer.query)
        _turn(query, self._query_rotation)
        return query

    def _key(self, layer: _Layer, keys: Tensor, spatial: int) -> Tensor:
        """(B, K, C): spatial memories turned, pointers not."""
        weight, bias = layer.key
        key, places = F.linear(keys, weight), len(self._key_rotation)
        memories = torch.unflatten(key[:, : spatial * places], 1, (spatial, places))
        # Turned beforehand, the bias is added while they are turned, and no pass of its own.
        offset = self._key_rotation * _pairs(bias)
        for part in pieces(spatial, places, key.device):
            _turn(memories[:, part], self._key_rotation, offset)
        key[:, spatial * places :] += bias
        return key


class _Layer:
    """The linear layers of one of the module's layers as they run: queries scaled, values joined, and those
    of a look at the frame, `look`, side by side."""

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        look, recall = layer.self_attn, layer.cross_attn_image
        self.norm1, self.norm2, self._norm3 = layer.layer_norm1, layer.layer_norm2, layer.layer_norm3
        parts = [_linear(look.q_proj, look.scaling), _linear(look.k_proj), _joined(look)]
        self.look = [torch.cat(each).to(dtype) for each in zip(*parts, strict=True)]
        self.query = [each.to(dtype) for each in _linear(recall.q_proj, recall.scaling)]
        self.key = [each.to(dtype) for each in _linear(recall.k_proj)]
        self.value = [each.to(dtype) for each in _joined(recall)]
        if hasattr(layer, "mlp"):  # EdgeTAM
            first, activation, second = layer.mlp.up_proj, layer.mlp.act_fn, layer.mlp.down_proj
        else:
            first, activation, second = layer.linear1, layer.activation, layer.linear2
        if not isinstance(activation, nn.ReLU):
            raise BadCheckpoint(f"memory attention with {type(activation).__name__}: this tracker knows ReLU")
        # relu(x + b) is max(x, -b) + b, and what the second layer makes of b is the same everywhere.
        joined = second.weight @ first.bias + second.bias
        self._first, self._floor = first.weight.to(dtype), (-first.bias).to(dtype)
        self._second = second.weight.to(dtype), joined.to(dtype)

    def feed_forward(self, hidden: Tensor) -> Tensor:
        inner = F.linear(self._norm3(hidden), self._first)
        return F.linear(torch.maximum(inner, self._floor, out=inner), *self._second)


def _turn(channels: Tensor, rotation: Tensor, offset: Tensor | None = None) -> None:
    """Rotary position encoding of (..., N, C) in place, in float32 as in the official package; `offset` (N,
    C / 2) is turned already and added."""
    pairs = _pairs(channels)
    if offset is None:
        pairs *= rotation
    else:
        torch.addcmul(offset, pairs, rotation, out=pairs)
    if channels.dtype != torch.float32:
        channels.copy_(torch.view_as_real(pairs).flatten(-2))


def _pairs(channels: Tensor) -> Tensor:
    """(..., C) as complex numbers (..., C / 2), where they lie if they are float32."""
    return torch.view_as_complex(torch.unflatten(channels.float(), -1, (-1, 2)))


def _rotation(module: Any, places: Tensor, device: torch.device) -> Tensor:
    """(N, C / 2) complex numbers of modulus 1 that turn pairs of channels."""
    cosine, sine = module.rotary_emb(torch.zeros(1, device=device), places)
    return torch.complex(cosine[0, :, ::2].contiguous(), sine[0, :, ::2].contiguous())


def _linear(layer: Any, scale: float = 1) -> tuple[Tensor, Tensor]:
    return scale * layer.weight, scale * layer.bias


def _joined(attention: Any) -> tuple[Tensor, Tensor]:
    """Weight and bias of `v_proj` and `o_proj` one after the other. Weights of attention sum to 1."""
    if attention.num_attention_heads != 1:
        raise BadCheckpoint(
            f"memory attention of {attention.num_attention_heads} heads: this tracker knows 1"
        )
    first, second = attention.v_proj, attention.o_proj
    return second.weight @ first.weight, second.weight @ first.bias + second.bias


def _mixed(query: Tensor, key: Tensor, memory: Tensor, projection: Sequence[Tensor]) -> Tensor:
    """(B, N, C) from (B or 1, N, C), (B, K, C) and what values are projected from, (B, K, M)."""
    query = query.expand(len(key), -1, -1)
    small = query.shape[1] * key.shape[1] <= _SCORES
    if not small or query.device.type != "cpu" or query.dtype != torch.float32:
        return _attend(query, key, F.linear(memory, *projection))
    # Mixing before projecting is the same, as shares sum to 1, and M is much smaller than C.
    mixed = query.new_empty(*query.shape[:2], memory.shape[-1])
    for each, other, values, found in zip(query, key, memory, mixed, strict=True):
        scores = each @ other.T
        torch.mm(torch.softmax(scores, -1, out=scores), values, out=found)
    return F.linear(mixed, *projection)


def _attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """(B, N, C) from scaled (B, N, C), (B, K, C) and (B, K, C)."""
    # The fused kernels want an axis of heads.
    return F.scaled_dot_product_attention(query[:, None], key[:, None], value[:, None], scale=1.0)[:, 0]
