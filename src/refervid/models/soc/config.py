"""Sizes of the SOC network.

Published sizes: Luo et al., "SOC: Semantic-Assisted Object Cluster for Referring Video Object
Segmentation", NeurIPS 2023, and its public repository; Video Swin sizes: Liu et al., CVPR 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from refervid.config.frozen import Frozen
from refervid.core.errors import SettingsError

# Upper limits are far above all published sizes: a file from outside may say anything.
_Layers = Annotated[int, Field(ge=1, le=64)]
_Heads = Annotated[int, Field(ge=1, le=128)]
_Width = Annotated[int, Field(ge=1, le=4096)]
_Wide = Annotated[int, Field(ge=1, le=16384)]
_Side = Annotated[int, Field(ge=1, le=8192)]


class InputSize(NamedTuple):
    """The short side becomes `short`, unless the long side would then exceed `long`; pixels."""

    short: _Side
    long: _Side


class VideoSwinConfig(Frozen):
    """Video Swin transformer; `window` is (time, height, width) in tokens of one stage."""

    embed_dim: int = Field(96, ge=1, le=1024)
    depths: tuple[_Layers, _Layers, _Layers, _Layers] = (2, 2, 6, 2)
    heads: tuple[_Heads, _Heads, _Heads, _Heads] = (3, 6, 12, 24)
    window: tuple[_Heads, _Heads, _Heads] = (8, 7, 7)
    mlp_ratio: int = Field(4, ge=1, le=16)
    drop_path: float = Field(0.2, ge=0, lt=1)

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        for stage, heads in enumerate(self.heads):
            if (self.embed_dim << stage) % heads:
                raise ValueError(
                    f"{heads} heads do not divide the {self.embed_dim << stage} channels of a stage"
                )
        return self

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """Channels of the four feature maps (strides 4, 8, 16, 32)."""
        return self.embed_dim, self.embed_dim * 2, self.embed_dim * 4, self.embed_dim * 8


class RobertaTextConfig(Frozen):
    """RoBERTa, by default `roberta-base`; `tokenizer` is a hub name or a folder."""

    kind: Literal["roberta"] = "roberta"
    tokenizer: str = "FacebookAI/roberta-base"
    vocabulary_size: int = Field(50265, ge=1, le=1_000_000)
    width: _Width = 768
    layers: _Layers = 12
    heads: _Heads = 12
    feed_forward: _Wide = 3072
    positions: _Width = 514


class NanoTextConfig(Frozen):
    """A small encoder with its own tokenizer: known words are one token, others are spelled in bytes."""

    kind: Literal["nano"] = "nano"
    words: tuple[str, ...] = ()
    width: _Width = 128
    layers: _Layers = 2
    heads: _Heads = 4
    feed_forward: _Wide = 256
    max_tokens: _Width = 64


TextConfig = Annotated[RobertaTextConfig | NanoTextConfig, Field(discriminator="kind")]


class VocConfig(Frozen):
    """Video object cluster.

    `window` in frames; 0 attends over the whole clip, as all published models. With `whereabouts` the
    frames' queries come with their boxes, steps and times. The published network has none of these, and
    cannot tell in which order its frames come once they are queries.
    """

    encoder_layers: _Layers = 3
    decoder_layers: _Layers = 3
    window: int = Field(0, ge=0)
    whereabouts: bool = False


class MaskHeadConfig(Frozen):
    """The convolutions that a query brings along for its mask (Tian et al., "CondInst", ECCV 2020).

    `layers` of them, all 1x1, read `features` channels of the mask decoder, with `channels` in between. With
    `places` the first one also sees how far a pixel lies from the query's reference point.
    """

    features: int = Field(8, ge=1, le=64)
    channels: int = Field(8, ge=1, le=64)
    layers: int = Field(3, ge=2, le=8)
    places: bool = True

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """(inputs, outputs) of every layer."""
        first = self.features + 2 * self.places
        return tuple(pairwise((first, *[self.channels] * (self.layers - 1), 1)))

    @property
    def parameters(self) -> int:
        """How many numbers a query brings along: 169 in all published settings."""
        return sum((inputs + 1) * outputs for inputs, outputs in self.sizes)


class SocConfig(Frozen):
    """The whole network.

    `size` is what frames are resized to: the input size of its training. Published files do not tell it.
    `classes` 1 means "is it referred to?"; Ref-YouTube-VOS from scratch has 65. `queries` is the number
    of objects looked for, in every frame and in the clip. `voc` None leaves the clip level out (an
    ablation). Without `box_refinement` all decoder layers look around the query's first reference point, and
    have their heads for class and box in common.
    `prediction_layer` says which decoder layer's heads answer in eval mode.
    """

    size: InputSize | None = None
    backbone: VideoSwinConfig = VideoSwinConfig()
    text: TextConfig = RobertaTextConfig()
    voc: VocConfig | None = VocConfig()
    classes: int = Field(1, ge=1, le=1_000_000)
    width: _Width = 256
    heads: _Heads = 8
    feed_forward: _Wide = 2048
    queries: _Width = 20
    encoder_layers: _Layers = 3
    decoder_layers: _Layers = 3
    points: int = Field(4, ge=1, le=64)
    dropout: float = Field(0.1, ge=0, lt=1)
    box_refinement: bool = True
    mask_head: MaskHeadConfig = MaskHeadConfig()
    # The released scripts predict with the heads of the first decoder layer (public repository: the
    # clip-level queries have length 1 in eval mode and are zipped with the layers).
    prediction_layer: Literal["first", "last"] = "first"

    @model_validator(mode="before")
    @classmethod
    def _one_stage(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "two_stage" in values:
            raise ValueError(
                "two_stage is no setting here: the published code stops with an error where it is on, so "
                "that no network with it exists; leave it out"
            )
        return values

    @model_validator(mode="after")
    def _widths_fit(self) -> Self:
        # 32 groups in the input projections, 8 groups in maps of width / 16, sine pairs on two axes.
        if self.width % 128:
            raise ValueError(f"width {self.width} is no multiple of 128")
        if self.voc is not None and self.voc.whereabouts and not self.box_refinement:
            raise ValueError("a cluster that is told the whereabouts of boxes needs box_refinement")
        if self.width % self.heads:
            raise ValueError(f"{self.heads} heads do not divide the width {self.width}")
        return self

    @classmethod
    def preset(cls, name: str, classes: int = 1) -> SocConfig:
        """A published size: "video-swin-t", "video-swin-s" or "video-swin-b". Raises `SettingsError`."""
        if name not in VIDEO_SWIN:
            raise SettingsError(f"unknown SOC size {name!r}; choose one of {', '.join(VIDEO_SWIN)}")
        return cls(backbone=VIDEO_SWIN[name], classes=classes)

    @classmethod
    def nano(cls, words: tuple[str, ...] = (), classes: int = 1) -> SocConfig:
        """About 4 M parameters; `words` is the tokenizer's vocabulary."""
        return cls(
            size=InputSize(96, 171),
            backbone=VideoSwinConfig(
                embed_dim=24, depths=(2, 2, 2, 2), heads=(1, 2, 4, 8), window=(8, 5, 5), drop_path=0.0
            ),
            text=NanoTextConfig(words=words),
            voc=VocConfig(encoder_layers=2, decoder_layers=2, whereabouts=True),
            classes=classes,
            width=128,
            heads=4,
            feed_forward=256,
            queries=5,
            encoder_layers=1,
            decoder_layers=3,
            points=2,
            dropout=0.0,
            prediction_layer="last",
        )


VIDEO_SWIN = {
    "video-swin-t": VideoSwinConfig(),
    "video-swin-s": VideoSwinConfig(depths=(2, 2, 18, 2)),
    "video-swin-b": VideoSwinConfig(embed_dim=128, depths=(2, 2, 18, 2), heads=(4, 8, 16, 32)),
}


class LossWeights(Frozen):
    """Weights of the training losses, named as the losses are without `loss_` (published values)."""

    con: float = 1.0
    dice: float = 5.0
    sigmoid_focal: float = 2.0
    cls: float = 2.0
    bbox: float = 2.0
    giou: float = 2.0


class MatchingWeights(Frozen):
    """Weights of the matching costs (published values)."""

    cls: float = 2.0
    dice: float = 5.0
    bbox: float = 2.0
    giou: float = 2.0
