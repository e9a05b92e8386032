"""CLAP (arXiv 2211.06687) through transformers: an open binder on the hub."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from refervid.core.types import Waveform
from refervid.engines.base import Runtime, Weights
from refervid.engines.combinations import CombinationBinder, CombinationSettings
from refervid.engines.hub.parts import load_part
from refervid.engines.hub.weights import load_pretrained
from refervid.models.audio_features import resample


class ClapSettings(CombinationSettings):
    kind: Literal["clap"] = "clap"
    weights: Weights = "laion/clap-htsat-unfused"


class ClapBinder(CombinationBinder):
    """Hears ten seconds at a time; the similarities of a longer interval are averaged. Always in float32."""

    Settings: ClassVar[type[ClapSettings]] = ClapSettings
    name = "clap"

    def __init__(
        self, model: nn.Module, tokenizer: Any, features: Any, settings: ClapSettings, device: str
    ) -> None:
        super().__init__(model, settings, device)
        self._tokenizer = tokenizer
        self._features = features

    @classmethod
    def build(cls, settings: ClapSettings, runtime: Runtime) -> Self:
        """Raises `MissingWeights`, `BadCheckpoint`."""
        from transformers import AutoTokenizer, ClapFeatureExtractor, ClapModel

        folder = settings.path()
        model = load_pretrained(ClapModel, folder, dtype=torch.float32)
        tokenizer, features = (load_part(part, folder) for part in (AutoTokenizer, ClapFeatureExtractor))
        return cls(model, tokenizer, features, settings, runtime.device)

    def similarity(self, texts: Sequence[str], sounds: Sequence[Waveform]) -> NDArray[np.float32]:
        """As `CombinationBinder.similarity`. Raises `OutOfMemory`."""
        tokens = self._tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        pieces = [self._pieces(sound) for sound in sounds]
        flat = [piece for parts in pieces for piece in parts]

        @torch.inference_mode()
        def compare(piece: slice) -> list[NDArray[np.float32]]:
            heard = self._features(
                flat[piece], sampling_rate=self._features.sampling_rate, return_tensors="pt"
            )
            output = self._network(**tokens.to(self._device), **heard.to(self._device))
            return list((output.audio_embeds @ output.text_embeds.T).cpu().numpy())

        rows = np.stack(self._batch.run(compare, len(flat)))
        similar = np.split(rows, np.cumsum([len(parts) for parts in pieces])[:-1])
        return np.stack([part.mean(axis=0) for part in similar], axis=1)

    def _pieces(self, sound: Waveform) -> list[NDArray[np.float32]]:
        """Equal parts of at most ten seconds: of more, the feature extractor takes a random ten."""
        rate = self._features.sampling_rate
        samples = resample(torch.from_numpy(np.array(sound.samples)), sound.sample_rate, rate)
        count = ceil(len(samples) / self._features.nb_max_samples)
        return [piece.numpy() for piece in torch.split(samples, ceil(len(samples) / count))]
