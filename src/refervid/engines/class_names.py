"""Names that a chooser made up, mapped to the classes of a data set (AL-Ref-SAM 2, second AVSS stage)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor

from refervid.engines.base import Runtime, Weights
from refervid.engines.hub.engine import HubEngine, HubSettings
from refervid.engines.languagebind import TextEncoder, load_with_tokenizer


class LanguageBindNamerSettings(HubSettings):
    """The published step takes the text tower of the image model."""

    kind: Literal["languagebind"] = "languagebind"
    weights: Weights = "LanguageBind/LanguageBind_Image"


class LanguageBindNamer(HubEngine):
    """Finds the class whose name means most nearly what a label says."""

    Settings: ClassVar[type[LanguageBindNamerSettings]] = LanguageBindNamerSettings
    name = "languagebind"

    def __init__(self, texts: TextEncoder, version: str) -> None:
        self.version = version
        self._texts = texts
        self._known: dict[str, Tensor] = {}

    @classmethod
    def build(cls, settings: LanguageBindNamerSettings, runtime: Runtime) -> Self:
        """Raises `MissingWeights`, `BadCheckpoint`."""
        model, tokenizer = load_with_tokenizer(settings.path())
        texts = TextEncoder(model.to(runtime.device), tokenizer, runtime.device)
        return cls(texts, settings.weights)

    def rename(self, labels: Sequence[str], vocabulary: Sequence[str]) -> dict[str, str]:
        """As `Namer.rename`: the most similar name, the first of equals."""
        foreign = [label for label in dict.fromkeys(labels) if label not in vocabulary]
        if not foreign:
            return {}
        similarity = (self._embed(foreign) @ self._embed(vocabulary).T).numpy()
        # numpy's argmax is the first of equals; torch's need not be.
        best = similarity.argmax(axis=1)
        return {label: vocabulary[place] for label, place in zip(foreign, best, strict=True)}

    def _embed(self, texts: Sequence[str]) -> Tensor:
        """(N, D) unit vectors; every text goes through the network once."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            with torch.inference_mode():
                self._known |= zip(new, self._texts.embed(new).cpu(), strict=True)
        return torch.stack([self._known[text] for text in texts])
