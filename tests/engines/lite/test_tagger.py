"""Kinds of sound."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from refervid.core.types import Waveform
from refervid.engines.lite.tagger import EnergySettings, EnergyTagger

RATE = 16_000
TIME = np.arange(4 * RATE) / RATE


def tone() -> NDArray[np.float64]:
    return 0.4 * np.sin(2 * np.pi * 440 * TIME)


def noise() -> NDArray[np.float64]:
    return 0.1 * np.random.default_rng(0).normal(size=len(TIME))


def impacts() -> NDArray[np.float64]:
    return 5 * noise() * np.exp(-40 * (TIME % 0.7))


@pytest.mark.parametrize(("make", "name"), [(tone, "tone"), (noise, "noise"), (impacts, "impacts")])
def test_the_best_label(make: object, name: str) -> None:
    assert callable(make)
    labels = EnergyTagger(EnergySettings()).tag(Waveform(make().astype(np.float32), RATE))
    assert labels[0].name == name
    assert all(0 <= label.score <= 1 for label in labels)


def test_silence_has_no_label_and_no_interval() -> None:
    silence = Waveform(np.zeros(RATE, np.float32), RATE)
    assert EnergyTagger(EnergySettings()).tag(silence) == []
    assert EnergyTagger(EnergySettings()).intervals(silence) == []
