"""A small network that finds an object's mask from a box, points, or the masks of other frames."""

from refervid.models.mask_decoder.matching import (
    equations,
    keys,
    likeness,
    nearness,
    solve,
    traits,
    votes,
)
from refervid.models.mask_decoder.network import PROMPTS, MaskDecoder

__all__ = ["PROMPTS", "MaskDecoder", "equations", "keys", "likeness", "nearness", "solve", "traits", "votes"]
