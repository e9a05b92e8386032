"""SOC: referring video object segmentation by a trained network (Luo et al., NeurIPS 2023)."""

from refervid.models.soc.checkpoint import load, load_published, save
from refervid.models.soc.config import (
    InputSize,
    LossWeights,
    MaskHeadConfig,
    MatchingWeights,
    NanoTextConfig,
    RobertaTextConfig,
    SocConfig,
    VideoSwinConfig,
    VocConfig,
)
from refervid.models.soc.losses import Criterion
from refervid.models.soc.model import SOC, ClipFeatures, LayerOutput, SocOutput
from refervid.models.soc.targets import Target, Targets, collate_frames, collate_targets
from refervid.models.soc.tokenizer import Tokens, build_tokenizer, common_words

__all__ = [
    "SOC",
    "ClipFeatures",
    "Criterion",
    "InputSize",
    "LayerOutput",
    "LossWeights",
    "MaskHeadConfig",
    "MatchingWeights",
    "NanoTextConfig",
    "RobertaTextConfig",
    "SocConfig",
    "SocOutput",
    "Target",
    "Targets",
    "Tokens",
    "VideoSwinConfig",
    "VocConfig",
    "build_tokenizer",
    "collate_frames",
    "collate_targets",
    "common_words",
    "load",
    "load_published",
    "save",
]
