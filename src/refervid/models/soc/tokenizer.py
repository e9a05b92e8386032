"""From sentences to token numbers, RoBERTa's and our own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from refervid.errors import MissingWeights
from refervid.models.soc.config import NanoTextConfig, RobertaTextConfig

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
    return re.findall(r"\w+|[^\w\s]", clean(text))


def common_words(texts: Iterable[str], most: int = 2000) -> tuple[str, ...]:
    """The vocabulary of a training set: its most frequent words, alphabetically."""
    counts = Counter(word for text in texts for word in split_words(text))
    return tuple(sorted(word for word, _ in counts.most_common(most)))


class RobertaTokenizer:
    """RoBERTa's byte-pair tokens; the sentence is taken as it is, upper case and all."""

    def __init__(self, config: RobertaTextConfig) -> None:
        from transformers import AutoTokenizer

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(config.tokenizer, local_files_only=True)
        except (OSError, ValueError) as error:
            raise MissingWeights(
                f"the tokenizer {config.tokenizer!r} is not on this machine; download it once with "
                f"`refervid models pull` or name a folder that holds it"
            ) from error

    def __call__(self, texts: Sequence[str]) -> Tokens:
        encoded = self._tokenizer(list(texts), padding="longest", return_tensors="pt")
        return Tokens(encoded["input_ids"], encoded["attention_mask"].bool())


def build_tokenizer(config: RobertaTextConfig | NanoTextConfig) -> Tokenizer:
    """The tokenizer that belongs to a text encoder. Raises `MissingWeights`."""
    if isinstance(config, NanoTextConfig):
        return WordTokenizer(config)
    return RobertaTokenizer(config)
