"""Whisper as a small real model that was taught two sounds, in the folder form of the hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from tokenizers import pre_tokenizers
from transformers import (
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

from refervid.core.types import Waveform
from tests.engines.sound import noise, tone

SENTENCES = {"tone": "the dog", "noise": "the cup"}
SPECIAL = ("<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>")


def spoken(kind: str) -> Waveform:
    """A tone or noise of a second."""
    return tone(1.0) if kind == "tone" else noise(1.0)


def whisper_folder(folder: Path, sentences: Mapping[str, str] = SENTENCES) -> Path:
    """What a tone is heard as, and what noise: two sentences of as many letters."""
    longest = len(SPECIAL) + max(map(len, sentences.values()))
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {word: number for number, word in enumerate([*letters, *SPECIAL])}
    tokenizer = WhisperTokenizer(vocab=vocabulary, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPECIAL)})
    extractor = WhisperFeatureExtractor(feature_size=20, chunk_length=1)
    end, start, plain = (vocabulary[word] for word in SPECIAL)
    torch.manual_seed(0)
    sizes = {"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32}
    config = WhisperConfig(
        vocab_size=len(vocabulary),
        num_mel_bins=20,
        d_model=32,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        max_source_positions=50,
        max_target_positions=longest,
        decoder_start_token_id=start,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        begin_suppress_tokens=None,
        **sizes,
    )
    model = WhisperForConditionalGeneration(config)
    _teach(model, tokenizer, extractor, (start, plain, end), sentences)
    model.generation_config.update(
        is_multilingual=False, no_timestamps_token_id=plain, decoder_start_token_id=start, max_length=longest
    )
    model.save_pretrained(folder)
    WhisperProcessor(extractor, tokenizer).save_pretrained(folder)
    return folder


def _teach(
    model: WhisperForConditionalGeneration,
    tokenizer: WhisperTokenizer,
    extractor: WhisperFeatureExtractor,
    marks: tuple[int, int, int],
    sentences: Mapping[str, str],
) -> None:
    start, plain, end = marks
    sounds = [np.array(spoken(kind).samples) for kind in sentences]
    heard = extractor(sounds, sampling_rate=16_000, return_tensors="pt")["input_features"]
    words = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in sentences.values()]
    said = torch.tensor([[start, plain, *ids, end] for ids in words])
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(120):
        output = model(input_features=heard, decoder_input_ids=said[:, :-1], labels=said[:, 1:])
        optimiser.zero_grad()
        output.loss.backward()
        optimiser.step()
    model.eval()
