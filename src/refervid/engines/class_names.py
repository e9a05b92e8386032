"""Names that a chooser made up, mapped to the classes of a data set (AL-Ref-SAM 2, second AVSS stage)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from refervid.engines.hub.weights import find_weights
from refervid.engines.languagebind import TextEncoder, load_with_tokenizer
from refervid.models.languagebind import LanguageBind

"""The published step reads its text tower from the image model."""


class ClassNames:
    """Finds the class whose name means most nearly what a label says."""

    def __init__(self, model: LanguageBind, tokenizer: Any, device: str) -> None:
        self._texts = TextEncoder(model.to(device), tokenizer, device)
        self._known: dict[str, Tensor] = {}

    @classmethod
    def build(cls, weights: str, device: str = "cpu") -> ClassNames:
        """Raises `MissingWeights`, `BadCheckpoint`."""
        model, tokenizer = load_with_tokenizer(find_weights(weights))
        return cls(model, tokenizer, device)

    def replace(self, labels: Sequence[str], names: Sequence[str]) -> dict[str, str]:
        """For every label that is not among `names`: the most similar name, the first of equals."""
        foreign = [label for label in dict.fromkeys(labels) if label not in names]
        if not foreign:
            return {}
        similarity = (self._embed(foreign) @ self._embed(names).T).numpy()
        # numpy's argmax is the first of equals; torch's need not be.
        return {label: names[best] for label, best in zip(foreign, similarity.argmax(axis=1), strict=True)}

    def _embed(self, texts: Sequence[str]) -> Tensor:
        """(N, D) unit vectors; every text goes through the network once."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            with torch.inference_mode():
                self._known |= zip(new, self._texts.embed(new).cpu(), strict=True)
        return torch.stack([self._known[text] for text in texts])
