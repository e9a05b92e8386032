"""Tells what kind of sound it is, without knowing what makes it."""

from __future__ import annotations

from typing import Literal

import numpy as np

from refervid.core.types import Interval, Label, Waveform
from refervid.engines.base import EngineSettings
from refervid.engines.lite.analysis.sound import beats, envelopes
from refervid.engines.lite.rules_engine import RulesEngine


class EnergySettings(EngineSettings):
    kind: Literal["energy"] = "energy"


class EnergyTagger(RulesEngine[EnergySettings]):
    """Labels "impacts", "tone" and "noise" from the swing of the level and spectral flatness."""

    Settings = EnergySettings
    name = "energy"
    version = "1"

    def tag(self, waveform: Waveform) -> list[Label]:
        """Up to three labels, most certain first; none for silence."""
        found = envelopes(waveform)
        heard = found.audible
        if not heard.any():
            return []
        flatness = float(np.median(found.flatness[heard]))
        level = found.level_db[heard]
        # Impacts fall silent soon after they begin: the level swings far and often.
        swing = float(np.percentile(level, 95) - np.median(level))
        scores = {
            "impacts": float(np.clip((swing - 6) / 6, 0, 1)),
            "tone": float(np.clip(1 - flatness / 0.1, 0, 1)),
            "noise": float(np.clip((flatness - 0.05) / 0.4, 0, 0.9)),
        }
        labels = [Label(name, round(score, 3)) for name, score in scores.items() if score > 0.1]
        return sorted(labels, key=lambda label: -label.score)

    def intervals(self, waveform: Waveform) -> list[Interval]:
        """What is not silent (above -60 dBFS), cut where the timbre changes and where the level dips."""
        return beats(waveform)
