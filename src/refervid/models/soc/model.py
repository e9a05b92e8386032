"""SOC: a clip and sentences in, the referred object's class, box and mask in every frame out.

Luo et al., "SOC: Semantic-Assisted Object Cluster for Referring Video Object Segmentation", NeurIPS 2023.
Attribute names are those of the published checkpoints. Axes: B clips, N sentences, T frames, Q queries,
K classes, C channels, L tokens of the four levels of one frame, S words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from refervid.models.soc.config import SocConfig
from refervid.models.soc.fpn import FpnDecoder
from refervid.models.soc.fusion import MultiplicativeFusion
from refervid.models.soc.heads import MlpHead, dynamic_masks, refine
from refervid.models.soc.positions import map_positions, word_positions
from refervid.models.soc.text import TextFeatures, TextProjection, build_text_encoder
from refervid.models.soc.tokenizer import Tokens
from refervid.models.soc.transformer import DecoderStates, DeformableTransformer, Geometry
from refervid.models.soc.video_swin import VideoSwin
from refervid.models.soc.voc import VideoObjectCluster

_STRIDE_32 = 2
"""The level (of strides 8, 16, 32, 64) whose fusion gives the text feature."""


@dataclass(frozen=True)
class ClipFeatures:
    """What is known of B clips before any sentence.

    `maps`: the backbone's four maps (B * T, C_i, h_i, w_i); `tokens` (B, T, L, C) of strides 8 to 64;
    `finest` (B, T, C / 8, h_0, w_0) for the mask decoder; `sizes` (B, 2) float, width and height of the
    unpadded frames in pixels.
    """

    maps: list[Tensor]
    tokens: Tensor
    finest: Tensor
    geometry: Geometry
    sizes: Tensor


@dataclass(frozen=True)
class Stages:
    """Everything between a sentence and the heads.

    `fused` (N, T, L, C) tokens after early fusion; `fused_words` (N, S, C) words that looked at the
    pixels; `memory` (N, T, L, C) encoded tokens; `clip_queries` (decoder layers in training, else 1,
    N, Q, C); `pixels` (N * T, features, h, w) of the mask decoder; `sizes` (N, 2) as in `ClipFeatures`.
    """

    text: TextFeatures
    fused: Tensor
    fused_words: Tensor
    memory: Tensor
    geometry: Geometry
    states: DecoderStates
    clip_queries: Tensor
    pixels: Tensor
    sizes: Tensor

    @property
    def text_feature(self) -> Tensor:
        """(N, C): mean of the fused words."""
        keep = self.text.keep[..., None].to(self.fused_words.dtype)
        return (self.fused_words * keep).sum(1) / keep.sum(1)


@dataclass(frozen=True)
class LayerOutput:
    """Predictions of one decoder layer.

    `classes` (N, T, Q, K) logits; `boxes` (N, T, Q, 4) cx, cy, w, h in 0..1 of the unpadded frame;
    `masks` (N, T, Q, ceil(H / 4), ceil(W / 4)) float32 logits over the padded frame; `queries` (N, Q, C)
    clip-level query vectors.
    """

    classes: Tensor
    boxes: Tensor
    masks: Tensor
    queries: Tensor


@dataclass(frozen=True)
class SocOutput:
    """`layers`: in training every decoder layer, the last is the main one; in eval mode one.

    `text_feature` (N, C) for the contrastive loss.
    """

    layers: tuple[LayerOutput, ...]
    text_feature: Tensor

    @property
    def main(self) -> LayerOutput:
        return self.layers[-1]


class SOC(nn.Module):
    """The network, randomly initialised as published for training from scratch."""

    def __init__(self, config: SocConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.backbone = VideoSwin(config.backbone)
        self.text_encoder = build_text_encoder(config.text)
        self.txt_proj = TextProjection(config.text.width, width, config.dropout)
        widths = config.backbone.widths
        self.input_proj = nn.ModuleList(_project(channels, width, 1, 1) for channels in widths[1:])
        self.input_proj.append(_project(widths[3], width, 3, 2))
        self.vlf = MultiplicativeFusion(width, config.heads)
        self.lvf = MultiplicativeFusion(width, config.heads)
        self.transformer = DeformableTransformer(config)
        self.query_embed = nn.Embedding(config.queries, width)
        self.voc = None if config.voc is None else VideoObjectCluster(config, config.voc)
        self.class_embed = _class_heads(config)
        self.bbox_embed = _box_heads(config)
        self.controller = MlpHead(width, config.mask_head.parameters)
        self.controller.reset_xavier()
        self.spatial_decoder = FpnDecoder(width, widths[0], config.mask_head.features)

    def forward(
        self,
        frames: Tensor,
        tokens: Tokens,
        sizes: Sequence[tuple[int, int]] | None = None,
        rows: Tensor | None = None,
        annotated: Tensor | None = None,
    ) -> SocOutput:
        """`encode_clips`, then `refer`."""
        return self.refer(self.encode_clips(frames, sizes, annotated), tokens, rows)

    def encode_clips(
        self,
        frames: Tensor,
        sizes: Sequence[tuple[int, int]] | None = None,
        annotated: Tensor | None = None,
    ) -> ClipFeatures:
        """Run the backbone.

        `frames` (B, T, 3, H, W) normalised float RGB, zero-padded at the right and bottom; `sizes`
        (height, width) of every clip before padding (None: nothing is padded). `annotated` (B,) long:
        the backbone sees all frames, but only this frame of each clip goes on (T becomes 1).
        """
        clips, _, _, height, width = frames.shape
        sizes = [(height, width)] * clips if sizes is None else sizes
        maps = self.backbone(frames)
        if annotated is not None:
            chosen = annotated + torch.arange(clips, device=annotated.device) * frames.shape[1]
            maps = [level[chosen] for level in maps]
        projected = [
            project(level) for project, level in zip(self.input_proj, [*maps[1:], maps[3]], strict=True)
        ]
        tokens = torch.cat([level.flatten(2).transpose(1, 2) for level in projected], 1)
        finest = self.spatial_decoder.adapter3(maps[0])
        shapes = tuple((level.shape[2], level.shape[3]) for level in projected)
        return ClipFeatures(
            maps,
            torch.unflatten(tokens, 0, (clips, -1)),
            torch.unflatten(finest, 0, (clips, -1)),
            self._geometry(sizes, (height, width), shapes, tokens),
            torch.tensor([(w, h) for h, w in sizes], dtype=torch.float32, device=frames.device),
        )

    def _geometry(
        self,
        sizes: Sequence[tuple[int, int]],
        padded_size: tuple[int, int],
        shapes: tuple[tuple[int, int], ...],
        like: Tensor,
    ) -> Geometry:
        padding = torch.ones(len(sizes), *padded_size, dtype=torch.bool, device=like.device)
        for clip, (height, width) in zip(padding, sizes, strict=True):
            clip[:height, :width] = False
        levels = [F.interpolate(padding[None].float(), size=shape)[0].bool() for shape in shapes]
        ratios = [
            torch.stack(((~level[:, 0]).float().mean(1), (~level[:, :, 0]).float().mean(1)), -1)
            for level in levels
        ]
        positions = [map_positions(level, self.config.width).flatten(1, 2) for level in levels]
        is_padded = any(tuple(size) != padded_size for size in sizes)
        return Geometry(
            shapes,
            torch.cat(positions, 1)[:, None].to(like.dtype),
            torch.cat([level.flatten(1) for level in levels], 1)[:, None] if is_padded else None,
            torch.stack(ratios, 1)[:, None],
        )

    def refer(self, features: ClipFeatures, tokens: Tokens, rows: Tensor | None = None) -> SocOutput:
        """What N sentences refer to. `rows` (N,) long names each sentence's clip (None: N = B, one each).

        In eval mode the answer is that of `config.prediction_layer`.
        """
        stages = self.stages(features, tokens, rows)
        if self.training:
            layers = range(self.config.decoder_layers)
        else:
            last = self.config.decoder_layers - 1
            layers = range(1) if self.config.prediction_layer == "first" else range(last, last + 1)
        return SocOutput(tuple(self.predict(stages, layer) for layer in layers), stages.text_feature)

    def encode_text(self, tokens: Tokens) -> TextFeatures:
        """Words and sentence of N texts. `<s>` and `</s>` count as words."""
        encoded = self.text_encoder(input_ids=tokens.ids, attention_mask=tokens.keep)
        return TextFeatures(
            self.txt_proj(encoded.last_hidden_state), self.txt_proj(encoded.pooler_output), tokens.keep
        )

    def stages(self, features: ClipFeatures, tokens: Tokens, rows: Tensor | None = None) -> Stages:
        """All that lies between features, sentences and the heads; arguments as for `refer`."""
        text = self.encode_text(tokens)
        fused = self._fuse_tokens(features, text, rows)
        if rows is None:
            rows = torch.arange(len(text.sentence), device=features.tokens.device)
        geometry = features.geometry.rows(rows)
        memory = self.transformer.encode(fused, geometry)
        states = self.transformer.decode(memory, geometry, self.query_embed.weight, self.bbox_embed)
        # Published: in eval mode only the last decoder layer's queries are clustered, and the result
        # is added to whichever layer answers.
        layers = slice(None) if self.training else slice(-1, None)
        hidden, boxes = states.hidden[layers], states.references[layers]
        clip_queries = hidden.mean(2) if self.voc is None else self.voc(hidden, text.sentence, boxes)
        levels = [level.flatten(0, 1) for level in geometry.split(memory)[: _STRIDE_32 + 1]]
        pixels = self.spatial_decoder(levels, features.finest[rows].flatten(0, 1))
        return Stages(
            text,
            fused,
            self._fuse_words(features, text, rows),
            memory,
            geometry,
            states,
            clip_queries,
            pixels,
            features.sizes[rows],
        )

    def _fuse_tokens(self, features: ClipFeatures, text: TextFeatures, rows: Tensor | None) -> Tensor:
        """Every pixel looks at the words: (N, T, L, C)."""
        positions = word_positions(text.keep, self.config.width).to(text.words.dtype)
        frames = features.tokens.shape[1]
        fused = self.vlf(features.tokens.flatten(1, 2), text.words, positions, text.keep, rows)
        return torch.unflatten(fused, 1, (frames, -1))

    def _fuse_words(self, features: ClipFeatures, text: TextFeatures, rows: Tensor) -> Tensor:
        """Every word looks at the pixels of stride 32 as they were before fusion: (N, S, C)."""
        geometry, frames = features.geometry, features.tokens.shape[1]
        counts = [h * w for h, w in geometry.shapes]
        level = slice(sum(counts[:_STRIDE_32]), sum(counts[: _STRIDE_32 + 1]))
        pixels = features.tokens[:, :, level].flatten(1, 2)
        positions = geometry.positions[:, :, level].expand(-1, frames, -1, -1).flatten(1, 2)
        keep = None
        if geometry.padding is not None:
            keep = ~geometry.padding[:, :, level].expand(-1, frames, -1).flatten(1, 2)[rows]
        return cast(Tensor, self.lvf(text.words, pixels[rows], positions[rows], keep))

    def predict(self, stages: Stages, layer: int) -> LayerOutput:
        """The heads of decoder layer `layer`."""
        states = stages.states
        queries = stages.clip_queries[min(layer, len(stages.clip_queries) - 1)]
        hidden = states.hidden[layer]
        if self.voc is not None:
            hidden = hidden + queries[:, None]
        before = states.initial_reference if layer == 0 else states.references[layer - 1]
        centres = states.references[layer][..., :2] * stages.sizes[:, None, None]
        kernels = self.controller(hidden).flatten(0, 1)
        masks = dynamic_masks(stages.pixels, kernels, centres.flatten(0, 1), self.config.mask_head)
        return LayerOutput(
            self.class_embed[layer](hidden),
            refine(self.bbox_embed[layer](hidden), before),
            torch.unflatten(masks, 0, hidden.shape[:2]),
            queries,
        )


def _project(channels: int, width: int, kernel: int, stride: int) -> nn.Sequential:
    """Convolution and group norm to the network's width."""
    convolution = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2)
    nn.init.xavier_uniform_(convolution.weight)
    nn.init.zeros_(cast(Tensor, convolution.bias))
    return nn.Sequential(convolution, nn.GroupNorm(32, width))


def _class_heads(config: SocConfig) -> nn.ModuleList:
    head = nn.Linear(config.width, config.classes)
    # A hundredth of the queries is expected to be positive at first (focal loss, ICCV 2017).
    nn.init.constant_(head.bias, -math.log(99))
    return _for_every_layer(head, config)


def _box_heads(config: SocConfig) -> nn.ModuleList:
    """At first they leave the reference where it is, with a box of 0.12."""
    head = MlpHead(config.width, 4)
    nn.init.zeros_(head.last.weight)
    nn.init.zeros_(head.last.bias)
    heads = _for_every_layer(head, config)
    nn.init.constant_(cast(MlpHead, heads[0]).last.bias[2:], -2.0)
    return heads


def _for_every_layer(head: nn.Module, config: SocConfig) -> nn.ModuleList:
    """A copy for every decoder layer; without box refinement, as published, the same one for all."""
    layers = range(config.decoder_layers)
    return nn.ModuleList(deepcopy(head) if config.box_refinement else head for _ in layers)
