"""LanguageBind's published architecture, filled by rule."""

from __future__ import annotations

from typing import Any

import torch

from refervid.models.languagebind import LanguageBind, LanguageBindConfig
from refervid.models.state import load_exactly
from tests.parity.audio.published import facts, filled

TEXT = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "hidden_act": "gelu",
}
VISION = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "hidden_act": "gelu",
    "patch_size": 14,
}
SPECTROGRAM = {
    "num_mel_bins": 112,
    "target_length": 1036,
    "audio_sample_rate": 16000,
    "audio_mean": -4.2677393,
    "audio_std": 4.5689974,
}


def config(model_type: str, text_layers: int = 12, vision_layers: int = 24) -> LanguageBindConfig:
    vision: dict[str, Any] = {**VISION, "num_hidden_layers": vision_layers}
    if model_type == "LanguageBindAudio":
        vision |= SPECTROGRAM
    return LanguageBindConfig.model_validate(
        {
            "model_type": model_type,
            "projection_dim": 768,
            "text_config": {**TEXT, "num_hidden_layers": text_layers},
            "vision_config": vision,
        }
    )


def network(model_type: str, text_layers: int = 12, vision_layers: int = 24) -> LanguageBind:
    """Fewer layers are the first ones of the whole network."""
    torch.set_num_threads(1)
    with torch.device("meta"):
        model = LanguageBind(config(model_type, text_layers, vision_layers))
    keys = facts("languagebind_audio_keys" if "Audio" in model_type else "languagebind_image_keys")
    load_exactly(model, filled({key: keys[key] for key in model.state_dict()}), model_type)
    return model.eval()
