"""The small tokenizer and encoder."""

from __future__ import annotations

import torch

from refervid.models.soc import NanoTextConfig, build_tokenizer, common_words
from refervid.models.soc.text import NanoEncoder
from refervid.models.soc.tokenizer import END, PAD, START, clean

CONFIG = NanoTextConfig(words=common_words(["The red square,", "the red ball"]), max_tokens=16)


def test_vocabulary_is_what_was_seen() -> None:
    assert CONFIG.words == (",", "ball", "red", "square", "the")
    assert common_words(["a a b"], most=1) == ("a",)


def test_known_words_are_one_token_unknown_ones_are_spelled() -> None:
    tokens = build_tokenizer(CONFIG)(["The  RED square", "red été"])
    assert tokens.ids[0].tolist() == [START, 259 + 4, 259 + 2, 259 + 3, END, PAD, PAD, PAD]
    spelled = [3 + byte for byte in "été".encode()]
    assert tokens.ids[1].tolist() == [START, 259 + 2, *spelled, END]
    assert tokens.keep.sum(1).tolist() == [5, 8]


def test_empty_and_endless_sentences() -> None:
    tokens = build_tokenizer(CONFIG)(["", "x" * 500])
    assert tokens.ids.shape == (2, 16)
    assert tokens.ids[0, :2].tolist() == [START, END]
    assert tokens.ids[1, -1] == END
    encoded = NanoEncoder(CONFIG)(tokens.ids, tokens.keep)
    assert encoded.last_hidden_state.isfinite().all()


def test_padding_does_not_reach_the_sentence() -> None:
    encoder, tokenize = NanoEncoder(CONFIG).eval(), build_tokenizer(CONFIG)
    alone, beside = tokenize(["red ball"]), tokenize(["red ball", "the red square , the red ball"])
    with torch.no_grad():
        short = encoder(alone.ids, alone.keep).pooler_output[0]
        long = encoder(beside.ids, beside.keep).pooler_output[0]
    torch.testing.assert_close(short, long)


def test_clean() -> None:
    assert clean("  The\tRed  Ball ") == "the red ball"
