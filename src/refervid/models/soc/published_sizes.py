"""The sizes of a network, read off the shapes of a published checkpoint's tensors.

What shapes do not tell is as in all published settings: 8 heads, 64 channels to a head of RoBERTa, windows of
(8, 7, 7), the mask head, and the decoder layer that answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from torch import Tensor

from refervid.core.errors import BadCheckpoint
from refervid.models.soc.config import VIDEO_SWIN, RobertaTextConfig, SocConfig, VideoSwinConfig, VocConfig
from refervid.models.soc.transformer import LEVELS

BACKBONE = "backbone.0.body."
BOX_ALIAS = "transformer.decoder.bbox_embed."
"""Where the box heads are stored once more, for the decoder that refines by them."""
_FEED_FORWARD = "text_encoder.encoder.layer.0.intermediate.dense.weight"
LARGEST = 300_000
"""Of any size: RoBERTa's 50 265 tokens are the largest that is published."""

State = Mapping[str, Tensor]


def published_config(state: State) -> SocConfig:
    """Raises `BadCheckpoint`."""
    classes = state.get("class_embed.0.weight")
    patch = state.get(f"{BACKBONE}patch_embed.proj.weight")
    if classes is None or patch is None or classes.dim() != 2 or patch.dim() != 5 or not len(classes):
        raise BadCheckpoint(
            "this is no SOC checkpoint: it has no weights of a class head at class_embed.0.weight, or none "
            f"of a patch embedding under {BACKBONE}; give a file from the SOC authors"
        )
    if (largest := max(max(tensor.shape, default=0) for tensor in state.values())) > LARGEST:
        raise BadCheckpoint(f"a tensor of this checkpoint has {largest} rows: download it again")
    sizes = {**_network(state), "backbone": _backbone(state), "text": _text(state)}
    try:
        return SocConfig.model_validate(sizes)
    except ValidationError as error:
        fault = error.errors()[0]["msg"]
        raise BadCheckpoint(f"the sizes of this checkpoint make no network ({fault})") from error


def _network(state: State) -> dict[str, Any]:
    """Sizes whose tensors are missing stay as published: loading names the tensors."""
    defaults = SocConfig()
    queries = state.get("query_embed.weight")
    weights = _rows(state, "transformer.encoder.layers.0.self_attn.attention_weights.weight")
    return {
        "classes": _rows(state, "class_embed.0.weight"),
        "width": defaults.width if queries is None or queries.dim() != 2 else queries.shape[1],
        "queries": _rows(state, "query_embed.weight") or defaults.queries,
        "feed_forward": _rows(state, "transformer.encoder.layers.0.linear1.weight") or defaults.feed_forward,
        "encoder_layers": _count(state, "transformer.encoder.layers.") or defaults.encoder_layers,
        "decoder_layers": _count(state, "transformer.decoder.layers.") or defaults.decoder_layers,
        "points": weights // (defaults.heads * LEVELS) or defaults.points,
        "box_refinement": _refines(state),
        "voc": VocConfig(
            encoder_layers=_count(state, "voc.enc_self_attn.") or VocConfig().encoder_layers,
            decoder_layers=_count(state, "voc.transformer_cross_attention_layers.")
            or VocConfig().decoder_layers,
        ),
    }


def _refines(state: State) -> bool:
    """Without refinement the decoder is given no box heads, and all layers have one and the same."""
    first, second = (state.get(f"bbox_embed.{layer}.layers.2.bias") for layer in (0, 1))
    if first is None or second is None or f"{BOX_ALIAS}0.layers.2.bias" in state:
        return True
    return first.shape != second.shape or not bool((first == second).all())


def _backbone(state: State) -> VideoSwinConfig:
    width = _rows(state, f"{BACKBONE}patch_embed.proj.weight")
    depths = tuple(_count(state, f"{BACKBONE}layers.{stage}.blocks.") for stage in range(4))
    for known in VIDEO_SWIN.values():
        if (known.embed_dim, known.depths[2]) == (width, depths[2]):
            return known
    heads = tuple(_heads(state, stage) for stage in range(4))
    if not all(heads):
        raise BadCheckpoint(
            f"no published Video Swin has {width} channels and {depths[2]} blocks in its third stage, and it "
            f"lacks its tables of positions; published are {', '.join(VIDEO_SWIN)}"
        )
    try:
        return VideoSwinConfig.model_validate({"embed_dim": width, "depths": depths, "heads": heads})
    except ValidationError as error:
        raise BadCheckpoint(f"no Video Swin has these sizes: {error.errors()[0]['msg']}") from error


def _heads(state: State, stage: int) -> int:
    """0 if that cannot be told."""
    table = state.get(f"{BACKBONE}layers.{stage}.blocks.0.attn.relative_position_bias_table")
    return 0 if table is None or table.dim() != 2 else table.shape[1]


def _text(state: State) -> RobertaTextConfig:
    known = RobertaTextConfig()
    words = state.get("text_encoder.embeddings.word_embeddings.weight")
    if words is None or words.dim() != 2:
        return known
    return RobertaTextConfig(
        vocabulary_size=words.shape[0],
        width=words.shape[1],
        layers=_count(state, "text_encoder.encoder.layer.") or known.layers,
        heads=max(words.shape[1] * known.heads // known.width, 1),
        feed_forward=_rows(state, _FEED_FORWARD) or known.feed_forward,
        positions=_rows(state, "text_encoder.embeddings.position_embeddings.weight") or known.positions,
    )


def _rows(state: State, key: str) -> int:
    tensor = state.get(key)
    return 0 if tensor is None or not tensor.dim() else tensor.shape[0]


def _count(state: State, prefix: str) -> int:
    """How many numbered entries there are below `prefix`."""
    found = (re.match(r"\d+", key.removeprefix(prefix)) for key in state if key.startswith(prefix))
    return len({match[0] for match in found if match})
