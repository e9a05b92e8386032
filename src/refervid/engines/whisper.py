"""Whisper (arXiv 2212.04356) and its kin through transformers: spoken sentences to words."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import torch
from torch import nn

from refervid.core.types import Waveform
from refervid.engines.base import SPEECH_RATE, Runtime, Weights
from refervid.engines.hub.engine import HubEngine, HubSettings
from refervid.engines.hub.parts import load_part
from refervid.engines.hub.weights import load_pretrained, torch_dtype
from refervid.models.adaptive_batch import memory_checked


class WhisperSettings(HubSettings):
    """`language` is what is spoken, as in "en" (None: it hears that too)."""

    kind: Literal["whisper"] = "whisper"
    weights: Weights = "openai/whisper-small"
    language: str | None = None


class WhisperTranscriber(HubEngine):
    """Greedy, so that the same recording gives the same words; long ones are heard in pieces."""

    Settings: ClassVar[type[WhisperSettings]] = WhisperSettings
    name = "whisper"

    def __init__(self, model: nn.Module, processor: Any, settings: WhisperSettings, device: str) -> None:
        self.version = settings.weights
        self._model: Any = model.to(device)
        self._processor = processor
        self._spoken = {} if settings.language is None else {"language": settings.language}
        self._device = device

    @classmethod
    def build(cls, settings: WhisperSettings, runtime: Runtime) -> Self:
        """Raises `MissingWeights`, `BadCheckpoint`."""
        from transformers import AutoModelForSpeechSeq2Seq, AutoProcessor

        folder = settings.path()
        dtype = torch_dtype(runtime.dtype, runtime.device)
        model = load_pretrained(AutoModelForSpeechSeq2Seq, folder, dtype=dtype)
        return cls(model, load_part(AutoProcessor, folder), settings, runtime.device)

    def transcribe(self, waveform: Waveform) -> str:
        """The words, "" for none; `waveform` is at 16 kHz. Raises `OutOfMemory`."""
        at_once = self._processor.feature_extractor.n_samples
        pieces = [
            waveform.samples[start : start + at_once] for start in range(0, len(waveform.samples), at_once)
        ]
        with torch.inference_mode(), memory_checked(self._device):
            words = [self._hear(piece) for piece in pieces]
        return " ".join(" ".join(words).split())

    def _hear(self, samples: Any) -> str:
        features = self._processor.feature_extractor(samples, sampling_rate=SPEECH_RATE, return_tensors="pt")
        heard = features["input_features"].to(self._device, self._model.dtype)
        tokens = self._model.generate(heard, do_sample=False, num_beams=1, **self._spoken)
        [text] = self._processor.batch_decode(tokens, skip_special_tokens=True)
        return str(text)
