"""A real network of a size that runs in a moment."""

from __future__ import annotations

import pytest
import torch

from refervid.models.soc import SOC, NanoTextConfig, SocConfig, VideoSwinConfig, VocConfig, common_words

WORDS = common_words(["the red square moves left", "the blue square stops"])


def tiny_config(**changes: object) -> SocConfig:
    settings: dict[str, object] = {
        "backbone": VideoSwinConfig(
            embed_dim=16, depths=(2, 1, 1, 1), heads=(1, 2, 2, 4), window=(2, 3, 3), drop_path=0.0
        ),
        "text": NanoTextConfig(words=WORDS, width=32, layers=1, heads=2, feed_forward=32),
        "voc": VocConfig(encoder_layers=1, decoder_layers=1),
        "width": 128,
        "heads": 4,
        "feed_forward": 64,
        "queries": 5,
        "encoder_layers": 1,
        "decoder_layers": 2,
        "dropout": 0.0,
    }
    return SocConfig.model_validate(settings | changes)


def scramble(model: SOC) -> SOC:
    """Give every weight that starts at zero some value, so that nothing is alike by construction."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    return model


@pytest.fixture
def model() -> SOC:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return scramble(SOC(tiny_config())).eval()
