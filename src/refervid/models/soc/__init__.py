"""SOC: referring video object segmentation by a trained network (Luo et al., NeurIPS 2023)."""

from refervid.models.soc.config import LossWeights, MatchingWeights, SocConfig
from refervid.models.soc.losses import Criterion
from refervid.models.soc.model import SOC, ClipFeatures, LayerOutput, SocOutput
from refervid.models.soc.targets import Target, Targets, collate_frames, collate_targets
from refervid.models.soc.tokenizer import Tokens, build_tokenizer, common_words

__all__ = [
    "SOC",
    "ClipFeatures",
    "Criterion",
    "LayerOutput",
    "LossWeights",
    "MatchingWeights",
    "SocConfig",
    "SocOutput",
    "Target",
    "Targets",
    "Tokens",
    "build_tokenizer",
    "collate_frames",
    "collate_targets",
    "common_words",
]
