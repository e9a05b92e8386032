"""The model's mask decoder on many objects of one frame.

Runs the layers of transformers' modules itself. Tokens are few and places of the frame many, so where the two
attend to each other what would project every place is applied to the tokens instead: the same products,
multiplied in another order. Upscaling keeps the parts of a place together, where both transposed convolutions
are linear layers; only the mask that is chosen is made and brought into rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from refervid.models.chunks import pieces

_SCORE, _OVERLAP, _MASKS = 0, 1, 2
"""Where the tokens for presence, predicted overlap and masks stand before those of the prompt."""


@dataclass(frozen=True)
class Answer:
    """`logits` (B, 4 h, 4 w), `token` (B, C) of the mask; `scores` (B,): the object is there if above 0."""

    logits: Tensor
    token: Tensor
    scores: Tensor


class MaskDecoder:
    """SAM 2's, EdgeTAM's and SAM 3's mask decoder. Shapes: B objects, C channels, N = h * w places of the
    frame, P tokens."""

    def __init__(self, module: Any, positions: Tensor) -> None:
        """A module in the type that it runs in, and its encoding (1, C, h, w) of places in the frame."""
        self._module = module
        self._positions = positions.flatten(2).transpose(1, 2)
        self._upscale = [_per_place(module.upscale_conv1), _per_place(module.upscale_conv2)]

    def __call__(
        self,
        image: Tensor,
        sparse: Tensor,
        stride4: Tensor,
        stride8: Tensor,
        *,
        multimask: bool,
        stability_fallback: bool,
    ) -> Answer:
        """From what to decode `image` (B, C, h, w), prompts `sparse` (B or 1, P, C), and the frame's features
        (1, C / 8, 4 h, 4 w) and (1, C / 4, 2 h, 2 w).

        `multimask`: the best of three masks by predicted overlap; else the single one, which gives way to the
        best of three where it is unstable, if `stability_fallback`.
        """
        module, (height, width) = self._module, image.shape[-2:]
        own = [module.obj_score_token.weight, module.iou_token.weight, module.mask_tokens.weight]
        tokens = torch.cat([torch.cat(own).expand(len(sparse), -1, -1), sparse], 1).expand(len(image), -1, -1)
        tokens, places = self._attend(tokens, image.flatten(2).transpose(1, 2))
        overlaps = module.iou_prediction_head(tokens[:, _OVERLAP])
        scores = module.pred_obj_score_head(tokens[:, _SCORE])[:, 0]
        best = 1 + overlaps[:, 1:].argmax(1)
        single = torch.zeros_like(best)
        fallback = stability_fallback and module.dynamic_multimask_via_stability and not multimask
        wanted = torch.stack([single, best], 1) if fallback else (best if multimask else single)[:, None]
        masks = tokens[:, _MASKS : _MASKS + module.num_mask_tokens]
        logits = self._masks(places, masks, wanted, _by_place(stride4, 4), _by_place(stride8, 2))
        chosen = logits[..., 0]
        if fallback:
            chosen = torch.where(self._unstable(chosen)[:, None], logits[..., 1], chosen)
        token = masks[torch.arange(len(masks), device=masks.device), best if multimask else single]
        return Answer(_in_rows(chosen, height, width), token, scores)

    def _attend(self, asked: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, P, C) and places (B, N, C) after looking at each other."""
        transformer, tokens = self._module.transformer, asked
        for layer in transformer.layers:
            query = tokens if layer.skip_first_layer_pe else tokens + asked
            attended = layer.self_attn(query[:, None], query[:, None], tokens[:, None])[0][:, 0]
            tokens = layer.layer_norm1(attended if layer.skip_first_layer_pe else tokens + attended)
            placed = image + self._positions
            tokens = layer.layer_norm2(
                tokens + _tokens_look(layer.cross_attn_token_to_image, tokens + asked, placed, image)
            )
            tokens = layer.layer_norm3(tokens + layer.mlp(tokens))
            image = layer.layer_norm4(
                image + _places_look(layer.cross_attn_image_to_token, placed, tokens + asked, tokens)
            )
        final = transformer.final_attn_token_to_image
        attended = _tokens_look(final, tokens + asked, image + self._positions, image)
        return transformer.layer_norm_final_attn(tokens + attended), image

    def _masks(
        self, places: Tensor, tokens: Tensor, wanted: Tensor, stride4: Tensor, stride8: Tensor
    ) -> Tensor:
        """(B, 16 N, K) logits of the `wanted` (B, K) of the mask tokens; features as by `_by_place`."""
        module = self._module
        heads = zip(module.output_hypernetworks_mlps, tokens.unbind(1), strict=True)
        kernels = torch.stack([head(token) for head, token in heads], 1)
        kernels = kernels[torch.arange(len(wanted), device=wanted.device)[:, None], wanted].transpose(1, 2)
        norm = module.upscale_layer_norm
        logits = []
        for part in pieces(len(places), places.shape[1], places.device):
            x = torch.unflatten(F.linear(places[part], *self._upscale[0]).add_(stride8), -1, (4, -1))
            x = module.activation(F.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps))
            x = module.activation(F.linear(x, *self._upscale[1]).flatten(2).add_(stride4))
            logits.append(x.view(len(x), -1, kernels.shape[1]) @ kernels[part])
        return torch.cat(logits)

    def _unstable(self, logits: Tensor) -> Tensor:
        """(B,) whether a mask (B, 16 N) changes much between two thresholds around 0."""
        module = self._module
        delta = module.dynamic_multimask_stability_delta
        inner, outer = ((logits > level).sum(1).float() for level in (delta, -delta))
        stability = torch.where(outer > 0, inner / outer, 1.0)
        unstable: Tensor = stability < module.dynamic_multimask_stability_thresh
        return unstable


def _tokens_look(attention: Any, tokens: Tensor, placed: Tensor, image: Tensor) -> Tensor:
    """(B, P, C): tokens attend to places, with keys from `placed` and values from `image`, both (B, N, C)."""
    heads = attention.num_attention_heads
    query = attention.q_proj(tokens).unflatten(-1, (heads, -1)).transpose(1, 2)
    # The bias of keys adds the same to all scores of a token, which softmax does not see.
    query = (query @ attention.k_proj.weight.unflatten(0, (heads, -1))).flatten(1, 2)
    # One head, as it were, with the tokens of all.
    seen = F.scaled_dot_product_attention(
        query[:, None], placed[:, None], image[:, None], scale=attention.scaling
    )
    weight = attention.v_proj.weight.unflatten(0, (heads, -1)).transpose(1, 2)
    value = seen.view(len(seen), heads, -1, seen.shape[-1]) @ weight
    # Shares sum to 1, so the bias of values stays as it is.
    result: Tensor = attention.o_proj(value.transpose(1, 2).flatten(2) + attention.v_proj.bias)
    return result


def _places_look(attention: Any, placed: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """(B, N, C): places `placed` (B, N, C) attend to tokens, with `keys` and `values` (B, P, C)."""
    heads, count = attention.num_attention_heads, keys.shape[1]
    key = attention.k_proj(keys).unflatten(-1, (heads, -1)).transpose(1, 2) * attention.scaling
    projection = attention.q_proj
    weight, bias = (each.unflatten(0, (heads, -1)) for each in (projection.weight, projection.bias))
    offset = (key @ bias[..., None]).flatten(1, 2)
    # Places last: a row of scores as short as the tokens are few would take long.
    scores = torch.baddbmm(offset, (key @ weight).flatten(1, 2), placed.transpose(1, 2))
    shares = torch.unflatten(scores, 1, (heads, count)).softmax(2).flatten(1, 2).transpose(1, 2)
    value = attention.v_proj(values).unflatten(-1, (heads, -1)).transpose(1, 2)
    output = attention.o_proj.weight.T.unflatten(0, (heads, -1))
    return torch.baddbmm(attention.o_proj.bias, shares, (value @ output).flatten(1, 2))


def _per_place(convolution: Any) -> tuple[Tensor, Tensor]:
    """A transposed convolution of 2 x 2 with that stride as a linear layer to 4 x channels."""
    weight = convolution.weight.permute(2, 3, 1, 0).flatten(0, 2).contiguous()
    return weight, convolution.bias.repeat(4)


def _by_place(features: Tensor, fineness: int) -> Tensor:
    """(1, c, f h, f w) features to (1, N, f * f * c), the parts of a place as upscaling leaves them."""
    _, channels, height, width = features.shape
    h, w = height // fineness, width // fineness
    steps = (2,) * (fineness // 2)
    parts = features[0].view(channels, h, *steps, w, *steps)
    parts = parts.permute(1, 3, 2, 4, 0) if fineness == 2 else parts.permute(1, 4, 2, 5, 3, 6, 0)
    return parts.reshape(1, h * w, -1)


def _in_rows(logits: Tensor, height: int, width: int) -> Tensor:
    """(B, 16 N) of `_masks` to (B, 4 h, 4 w)."""
    parts = logits.view(-1, height, width, 2, 2, 2, 2)
    return parts.permute(0, 1, 3, 5, 2, 4, 6).reshape(-1, 4 * height, 4 * width)
