"""The published Video-Swin-T network, filled by rule; built once, since it has 174 million parameters."""

from __future__ import annotations

import pytest
import torch

from refervid.models.soc import SOC
from refervid.models.soc.checkpoint import load_published
from tests.parity.soc.published import published_state


@pytest.fixture(scope="session")
def network() -> SOC:
    torch.set_num_threads(1)
    return load_published({"epoch": 3, "model_state_dict": published_state()})
