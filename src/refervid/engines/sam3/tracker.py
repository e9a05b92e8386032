"""SAM 3's tracker: SAM 2's passes over a clip, on the network behind SAM 3's image encoder."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from transformers import Sam3TrackerVideoModel

from refervid.engines.base import Weights
from refervid.engines.hub.weights import load_pretrained
from refervid.engines.sam2.engine import Sam2Settings, Sam2Tracker


class Sam3TrackerSettings(Sam2Settings):
    """As for SAM 2, with SAM 3's weights: those of the whole model, whose detector is left out here."""

    kind: Literal["sam3"] = "sam3"  # type: ignore[assignment]
    weights: Weights = "facebook/sam3"


class Sam3Tracker(Sam2Tracker):
    """Boxes, points and masks as prompts, any number of objects in one pass, bounded memory."""

    Settings: ClassVar[type[Sam2Settings]] = Sam3TrackerSettings
    name = "sam3"

    @classmethod
    def _load(cls, settings: Sam2Settings) -> Any:
        return load_pretrained(Sam3TrackerVideoModel, settings.path(), dtype=torch.float32)
