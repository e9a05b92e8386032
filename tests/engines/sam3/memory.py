"""How much a session of SAM 3 holds."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers.models.sam3_video.modeling_sam3_video import Sam3VideoInferenceSession


def memory_of(session: Sam3VideoInferenceSession) -> int:
    """Bytes of tensors that a session holds."""
    total, places = 0, [vars(session)]
    while places:
        value: Any = places.pop()
        if isinstance(value, Tensor):
            total += value.nbytes
        elif isinstance(value, dict):
            places += value.values()
        elif isinstance(value, list | tuple):
            places += value
        elif hasattr(value, "_vision_features"):
            places.append(value._vision_features)
    return total
