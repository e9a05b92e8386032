"""A small network that finds an object's mask from a box, points, or the masks of other frames."""

from refervid.models.mask_decoder.matching import (
    equations,
    likeness,
    nearness,
    solve,
    traits,
    votes,
)
from refervid.models.mask_decoder.network import HELD, PROMPTS, MaskDecoder

__all__ = ["HELD", "PROMPTS", "MaskDecoder", "equations", "likeness", "nearness", "solve", "traits", "votes"]
