"""What all checkpoints are read with."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from refervid.models.soc.checkpoint import load
from refervid.models.soc.shipped import shipped_path
from refervid.models.state import load_exactly, unfilled


def test_networks_to_be_filled_make_up_no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.Tensor, "normal_", None, raising=False)
    with unfilled():
        module = nn.Embedding(2, 3)
    assert module.weight.is_meta
    load_exactly(module, {"weight": torch.ones(2, 3)}, "made up")
    assert module.weight.sum() == 6


def test_a_network_is_read_without_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some operations on tensors that hold nothing import it, which takes two seconds."""
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)
    assert not any(parameter.is_meta for parameter in load(shipped_path()).parameters())
