"""LanguageBind: which combination of names sounds when, as in AL-Ref-SAM 2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from refervid.core.errors import BadCheckpoint
from refervid.core.types import Waveform
from refervid.engines.base import Runtime, Weights
from refervid.engines.combinations import CombinationBinder, CombinationSettings
from refervid.engines.hub.parts import load_part
from refervid.engines.segments import through_int16
from refervid.models.languagebind import AudioTower, LanguageBind, load_languagebind, sound_pixels


class LanguageBindSettings(CombinationSettings):
    """`weights` are those of the audio model."""

    kind: Literal["languagebind"] = "languagebind"
    weights: Weights = "LanguageBind/LanguageBind_Audio_FT"


class LanguageBindBinder(CombinationBinder):
    """Computes in float32 whatever the runtime's dtype: similarities lie close together."""

    Settings: ClassVar[type[LanguageBindSettings]] = LanguageBindSettings
    name = "languagebind"

    def __init__(
        self, model: LanguageBind, tokenizer: Any, settings: LanguageBindSettings, device: str
    ) -> None:
        super().__init__(model, settings, device)
        self._texts = TextEncoder(self._network, tokenizer, device)

    @classmethod
    def build(cls, settings: LanguageBindSettings, runtime: Runtime) -> Self:
        """Raises `MissingWeights`, `BadCheckpoint`."""
        folder = settings.path()
        model, tokenizer = load_with_tokenizer(folder)
        if not isinstance(model.config.vision_config, AudioTower):
            raise BadCheckpoint(f"{folder} is the image model: give the folder of LanguageBind_Audio_FT")
        return cls(model, tokenizer, settings, runtime.device)

    def similarity(self, texts: Sequence[str], sounds: Sequence[Waveform]) -> NDArray[np.float32]:
        """As `CombinationBinder.similarity`. Raises `OutOfMemory`."""

        def embed(piece: slice) -> list[Tensor]:
            return list(self._embed(sounds[piece]))

        with torch.inference_mode():
            embedded = torch.stack(self._batch.run(embed, len(sounds)))
            return (self._texts.embed(texts) @ embedded.T).cpu().numpy()

    def _embed(self, sounds: Sequence[Waveform]) -> Tensor:
        tower = self._network.config.vision_config
        assert isinstance(tower, AudioTower)
        pixels = torch.stack(
            [
                sound_pixels(torch.from_numpy(through_int16(sound).samples)[None], sound.sample_rate, tower)
                for sound in sounds
            ]
        )
        embedded: Tensor = self._network.embed_pixels(pixels.to(self._device))
        return embedded


TEXTS_AT_A_TIME = 64


class TextEncoder:
    """Texts to unit vectors."""

    def __init__(self, model: LanguageBind, tokenizer: Any, device: str) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._device = device

    def embed(self, texts: Sequence[str]) -> Tensor:
        """(N, D); what follows the 77th token of a text is cut off, its end token is kept."""
        longest = self._model.config.text_config.max_position_embeddings
        parts = []
        for start in range(0, len(texts), TEXTS_AT_A_TIME):
            tokens = self._tokenizer(
                [straight_quotes(text) for text in texts[start : start + TEXTS_AT_A_TIME]],
                padding=True,
                truncation=True,
                max_length=longest,
                return_tensors="pt",
            )
            parts.append(self._model.embed_texts(tokens["input_ids"].to(self._device)))
        return torch.cat(parts)


def straight_quotes(text: str) -> str:
    """With typewriter quotation marks, which ftfy gives to CLIP's tokenizers where that is installed."""
    return text.translate(_QUOTES)


_QUOTES = {
    **dict.fromkeys(map(ord, "\u02bc\u2018\u2019\u201a\u201b"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f"), '"'),
}


def load_with_tokenizer(folder: Path) -> tuple[LanguageBind, Any]:
    """Raises `BadCheckpoint`."""
    from transformers import CLIPTokenizer

    model = load_languagebind(folder)
    tokenizer = load_part(CLIPTokenizer, folder)
    if len(tokenizer) > model.config.text_config.vocab_size:
        raise BadCheckpoint(f"{folder}: the tokenizer knows {len(tokenizer)} tokens, more than the network")
    return model, tokenizer
