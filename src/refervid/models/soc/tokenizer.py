"""From sentences to token numbers, RoBERTa's and our own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from refervid.core.errors import BadCheckpoint
from refervid.core.files import well_formed
from refervid.models.soc.config import NanoTextConfig, RobertaTextConfig
from refervid.models.state import FindWeights

START, PAD, END = 0, 1, 2
"""Numbers of `<s>`, padding and `</s>`, as in RoBERTa."""
_FIRST_BYTE = 3
_FIRST_WORD = _FIRST_BYTE + 256


@dataclass(frozen=True)
class Tokens:
    """N sentences, padded to the longest: `ids` (N, S) long, `keep` (N, S) bool, False = padding."""

    ids: Tensor
    keep: Tensor

    def to(self, device: torch.device | str) -> Tokens:
        return Tokens(self.ids.to(device), self.keep.to(device))


class Tokenizer(Protocol):
    def __call__(self, texts: Sequence[str]) -> Tokens: ...


def clean(text: str) -> str:
    """Lower case and single spaces, as the published training does."""
    return " ".join(text.lower().split())


class WordTokenizer:
    """One token per known word or punctuation mark; other words are spelled in UTF-8 bytes."""

    def __init__(self, config: NanoTextConfig) -> None:
        self._numbers = {word: _FIRST_WORD + index for index, word in enumerate(config.words)}
        self._longest = config.max_tokens

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Sentences longer than the encoder's positions lose their end."""
        rows = [[START, *self._spell(text)[: self._longest - 2], END] for text in texts]
        ids = torch.full((len(rows), max(map(len, rows))), PAD)
        for row, numbers in zip(ids, rows, strict=True):
            row[: len(numbers)] = torch.tensor(numbers)
        return Tokens(ids, ids != PAD)

    def _spell(self, text: str) -> list[int]:
        numbers: list[int] = []
        for word in split_words(text):
            known = self._numbers.get(word)
            numbers += [_FIRST_BYTE + byte for byte in word.encode()] if known is None else [known]
        return numbers


def vocabulary_size(config: NanoTextConfig) -> int:
    return _FIRST_WORD + len(config.words)


def split_words(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", clean(well_formed(text)))


def common_words(texts: Iterable[str], most: int = 2000) -> tuple[str, ...]:
    """The vocabulary of a training set: its most frequent words, alphabetically."""
    counts = Counter(word for text in texts for word in split_words(text))
    return tuple(sorted(word for word, _ in counts.most_common(most)))


class RobertaTokenizer:
    """RoBERTa's byte-pair tokens, from a folder of the hub's; the sentence is taken as it is, upper case
    and all. Raises `BadCheckpoint`.
    """

    def __init__(self, config: RobertaTextConfig, folder: Path) -> None:
        from transformers import AutoTokenizer

        problem = BadCheckpoint(
            f"{folder} holds no tokenizer of the {config.vocabulary_size} tokens that the network knows: it "
            f"needs tokenizer.json, or vocab.json and merges.txt, of {config.tokenizer} "
            f"(`refervid models pull {config.tokenizer}` gets them)"
        )
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except Exception as error:  # the libraries below raise whatever their parsers raise
            raise problem from error
        # Without its files the library makes up a tokenizer that knows no words.
        if len(self._tokenizer) != config.vocabulary_size:
            raise problem
        self._longest = config.positions - 2

    def __call__(self, texts: Sequence[str]) -> Tokens:
        """Sentences longer than the encoder's positions lose their end."""
        encoded = self._tokenizer(
            [well_formed(text) for text in texts],
            padding="longest",
            truncation=True,
            max_length=self._longest,
            return_tensors="pt",
        )
        return Tokens(encoded["input_ids"], encoded["attention_mask"].bool())


def build_tokenizer(config: RobertaTextConfig | NanoTextConfig, find: FindWeights) -> Tokenizer:
    """The tokenizer that belongs to a text encoder. Raises `MissingWeights` and `BadCheckpoint`."""
    if isinstance(config, NanoTextConfig):
        return WordTokenizer(config)
    return RobertaTokenizer(config, find(config.tokenizer))
