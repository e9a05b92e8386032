"""BEATs: names for what is heard, as AL-Ref-SAM 2 gets them."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from refervid.core.errors import BadCheckpoint
from refervid.core.types import Interval, Label, Waveform
from refervid.engines.audioset import SILENCE, class_names
from refervid.engines.base import Runtime, Weights
from refervid.engines.hub.weights import find_weights, missing_weights
from refervid.engines.intervals import IntervalCutter, IntervalSettings, missing_for_intervals
from refervid.models.adaptive_batch import memory_checked
from refervid.models.audio_features import FRAME, HOP, SAMPLE_RATE, resample
from refervid.models.beats import Beats, load_beats


class BeatsSettings(IntervalSettings):
    """`weights` are one or more published files, whose `top` labels each are united.

    AL-Ref-SAM 2 takes both for several sounding objects, and the second alone for one (S4). Sounds longer
    than `piece_s` are heard in equal pieces, whose probabilities are averaged.
    """

    kind: Literal["beats"] = "beats"
    weights: tuple[Weights, ...] = Field(
        (
            "BEATs_iter3_plus_AS20K_finetuned_on_AS2M_cpt2.pt",
            "BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt",
        ),
        min_length=1,
    )
    top: int = Field(5, ge=1, le=527)
    piece_s: float = Field(30.0, ge=1, le=120)


class BeatsTagger:
    """Computes in float32 whatever the runtime's dtype: sound costs little beside frames."""

    Settings: ClassVar[type[BeatsSettings]] = BeatsSettings
    name = "beats"

    def __init__(self, networks: list[tuple[Beats, list[str]]], settings: BeatsSettings, device: str) -> None:
        """`networks` with the AudioSet id of each of their classes."""
        self._settings = settings
        self._device = device
        self._networks = [(network.to(device), classes) for network, classes in networks]
        self._cutter = IntervalCutter(settings, self._window_features)
        names = " + ".join(Path(weights).stem for weights in settings.weights)
        self.version = f"{names}, intervals by {self._cutter.by}"

    @classmethod
    def missing(cls, settings: BeatsSettings) -> list[str]:
        lacks = [lack for weights in settings.weights for lack in missing_weights(weights)]
        return lacks + missing_for_intervals(settings)

    @classmethod
    def build(cls, settings: BeatsSettings, runtime: Runtime) -> Self:
        """Raises `MissingWeights`, `BadCheckpoint`, `MissingExtra` (YAMNet's weights without h5py)."""
        return cls([_load(weights) for weights in settings.weights], settings, runtime.device)

    def tag(self, waveform: Waveform) -> list[Label]:
        """The most probable classes of each checkpoint, united; most probable first, never silence.

        Raises `OutOfMemory`.
        """
        if not len(waveform.samples):
            return []
        pieces = _pieces(waveform, self._settings.piece_s).to(self._device)
        best: dict[str, float] = {}
        for network, classes in self._networks:
            with torch.inference_mode(), memory_checked(self._device, "piece_s"):
                heard = torch.stack([network(piece[None])[0] for piece in pieces]).mean(dim=0).cpu().numpy()
            order = [n for n in np.argsort(-heard, kind="stable") if classes[n] != SILENCE]
            for index in order[: self._settings.top]:
                label = class_names()[classes[index]]
                best[label] = max(best.get(label, 0.0), float(heard[index]))
        return sorted((Label(label, score) for label, score in best.items()), key=lambda one: -one.score)

    def intervals(self, waveform: Waveform) -> list[Interval]:
        """In seconds from the first sample; see `IntervalSettings`. Raises `OutOfMemory`."""
        with memory_checked(self._device):
            return self._cutter.intervals(waveform)

    def _window_features(self, windows: Tensor) -> Tensor:
        network, _ = self._networks[-1]
        tokens, _ = network.tokens(windows.to(self._device))
        return network.classify(tokens) if self._settings.features == "scores" else tokens.mean(dim=1)


def _load(weights: str) -> tuple[Beats, list[str]]:
    path = find_weights(weights)
    network, classes = load_beats(path)
    if not classes:
        raise BadCheckpoint(
            f"{path} was not fine-tuned and names no classes: take a `..._finetuned_...` file"
        )
    if unknown := [label for label in classes if label not in class_names()]:
        raise BadCheckpoint(f"{path} has classes that AudioSet does not: {', '.join(map(repr, unknown[:5]))}")
    return network, classes


def _pieces(waveform: Waveform, longest_s: float) -> Tensor:
    """(pieces, n) float32 at 16 kHz: equal parts, each at least as long as the network needs."""
    samples = resample(torch.from_numpy(np.array(waveform.samples)), waveform.sample_rate)
    count = ceil(len(samples) / (longest_s * SAMPLE_RATE))
    length = max(ceil(len(samples) / count), _SHORTEST)
    return torch.nn.functional.pad(samples, (0, count * length - len(samples))).reshape(count, length)


_SHORTEST = FRAME + 15 * HOP
"""Samples of the 16 frames that make one patch."""
