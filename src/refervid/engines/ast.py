"""The Audio Spectrogram Transformer (arXiv 2104.01778) through transformers: an open tagger on the hub."""

from __future__ import annotations

from math import ceil
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from refervid.core.types import Interval, Label, Waveform
from refervid.engines.audioset import SILENCE, class_names
from refervid.engines.base import Runtime, Weights
from refervid.engines.hub.parts import load_part
from refervid.engines.hub.weights import find_weights, load_pretrained, missing_weights
from refervid.engines.intervals import IntervalCutter, IntervalSettings, missing_for_intervals
from refervid.models.adaptive_batch import memory_checked
from refervid.models.audio_features import FRAME, HOP, SAMPLE_RATE, resample


class AstSettings(IntervalSettings):
    """`weights` is a hub id or a folder; `top` labels are given."""

    kind: Literal["ast"] = "ast"
    weights: Weights = "MIT/ast-finetuned-audioset-10-10-0.4593"
    revision: str | None = None
    top: int = Field(5, ge=1, le=527)


class AstTagger:
    """Hears ten seconds at a time; the probabilities of a longer sound are averaged. Always in float32."""

    Settings: ClassVar[type[AstSettings]] = AstSettings
    name = "ast"

    def __init__(self, model: nn.Module, features: Any, settings: AstSettings, device: str) -> None:
        self._settings = settings
        self._model: Any = model.to(device)
        self._features = features
        self._device = device
        self._cutter = IntervalCutter(settings, self._window_features)
        self.version = f"{settings.weights}, intervals by {self._cutter.by}"

    @classmethod
    def missing(cls, settings: AstSettings) -> list[str]:
        return missing_weights(settings.weights, settings.revision) + missing_for_intervals(settings)

    @classmethod
    def build(cls, settings: AstSettings, runtime: Runtime) -> Self:
        """Raises `MissingWeights`, `BadCheckpoint`, `MissingExtra` (YAMNet's weights without h5py)."""
        from transformers import ASTFeatureExtractor, ASTForAudioClassification

        folder = find_weights(settings.weights, settings.revision)
        model = load_pretrained(ASTForAudioClassification, folder, dtype=torch.float32)
        return cls(model, load_part(ASTFeatureExtractor, folder), settings, runtime.device)

    def tag(self, waveform: Waveform) -> list[Label]:
        """The most probable classes, most probable first, never silence. Raises `OutOfMemory`."""
        if not len(waveform.samples):
            return []
        samples = resample(torch.from_numpy(np.array(waveform.samples)), waveform.sample_rate)
        longest = FRAME + (self._features.max_length - 1) * HOP
        length = max(ceil(len(samples) / ceil(len(samples) / longest)), FRAME)
        pieces = [
            torch.nn.functional.pad(piece, (0, max(0, FRAME - len(piece))))
            for piece in torch.split(samples, length)
        ]
        with torch.inference_mode(), memory_checked(self._device):
            heard = torch.cat([self._probabilities(piece[None]) for piece in pieces]).mean(dim=0).cpu()
        names = self._model.config.id2label
        scores = {names[index]: float(score) for index, score in enumerate(heard)}
        scores.pop(class_names()[SILENCE], None)
        labels = sorted((Label(name, score) for name, score in scores.items()), key=lambda one: -one.score)
        return labels[: self._settings.top]

    def intervals(self, waveform: Waveform) -> list[Interval]:
        """In seconds from the first sample; see `IntervalSettings`. Raises `OutOfMemory`."""
        with memory_checked(self._device):
            return self._cutter.intervals(waveform)

    def _window_features(self, windows: Tensor) -> Tensor:
        if self._settings.features == "scores":
            return self._probabilities(windows)
        embedding: Tensor = self._model.audio_spectrogram_transformer(self._pixels(windows)).pooler_output
        return embedding

    def _probabilities(self, windows: Tensor) -> Tensor:
        probabilities: Tensor = self._model(self._pixels(windows)).logits.sigmoid()
        return probabilities

    def _pixels(self, windows: Tensor) -> Tensor:
        pixels: Tensor = self._features(
            list(windows.numpy()), sampling_rate=SAMPLE_RATE, return_tensors="pt"
        )["input_values"]
        return pixels.to(self._device)
