"""Fixtures of the audio networks: numbers from the published code, parameters and inputs by rule.

The published code is microsoft/unilm (BEATs), PKU-YuanGroup/LanguageBind,
robertanto/Real-Time-Sound-Event-Detection (YAMNet) and appletea233/AL-Ref-SAM2.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.parity.audio.inputs import waveform
from tests.parity.fill import fill

HERE = Path(__file__).parent


@cache
def arrays(name: str) -> dict[str, Any]:
    return dict(np.load(HERE / f"{name}.npz"))


@cache
def facts(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text())


def sound(name: str, rate: int, count: int) -> Tensor:
    return torch.from_numpy(waveform(name, rate, count))


def filled(shapes: dict[str, list[int]]) -> dict[str, Tensor]:
    return {key: torch.from_numpy(fill(key, tuple(shape))) for key, shape in shapes.items()}


def check(name: str, array: str, ours: Tensor, tolerance: float) -> None:
    """Largest absolute difference to a fixture array."""
    theirs = arrays(name)[array]
    assert tuple(ours.shape) == theirs.shape, f"{array}: {tuple(ours.shape)}, published {theirs.shape}"
    error = np.abs(ours.detach().numpy() - theirs.astype(np.float64)).max()
    assert error <= tolerance, f"{array}: off by {error:.1e}, allowed {tolerance:.1e}"
