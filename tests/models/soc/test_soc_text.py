"""The small tokenizer and encoder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from refervid.core.errors import BadCheckpoint
from refervid.models.soc import NanoTextConfig, RobertaTextConfig, Tokens, build_tokenizer, common_words
from refervid.models.soc.text import NanoEncoder
from refervid.models.soc.tokenizer import END, PAD, START, WordTokenizer, clean

CONFIG = NanoTextConfig(words=common_words(["The red square,", "the red ball"]), max_tokens=16)


def test_vocabulary_is_what_was_seen() -> None:
    assert CONFIG.words == (",", "ball", "red", "square", "the")
    assert common_words(["a a b"], most=1) == ("a",)


def test_known_words_are_one_token_unknown_ones_are_spelled() -> None:
    tokens = WordTokenizer(CONFIG)(["The  RED square", "red été"])
    assert tokens.ids[0].tolist() == [START, 259 + 4, 259 + 2, 259 + 3, END, PAD, PAD, PAD]
    spelled = [3 + byte for byte in "été".encode()]
    assert tokens.ids[1].tolist() == [START, 259 + 2, *spelled, END]
    assert tokens.keep.sum(1).tolist() == [5, 8]


def test_empty_and_endless_sentences() -> None:
    tokens = WordTokenizer(CONFIG)(["", "x" * 500])
    assert tokens.ids.shape == (2, 16)
    assert tokens.ids[0, :2].tolist() == [START, END]
    assert tokens.ids[1, -1] == END
    encoded = NanoEncoder(CONFIG)(tokens.ids, tokens.keep)
    assert encoded.last_hidden_state.isfinite().all()


def test_padding_does_not_reach_the_sentence() -> None:
    encoder, tokenize = NanoEncoder(CONFIG).eval(), WordTokenizer(CONFIG)
    alone, beside = tokenize(["red ball"]), tokenize(["red ball", "the red square , the red ball"])
    with torch.no_grad():
        short = encoder(alone.ids, alone.keep).pooler_output[0]
        long = encoder(beside.ids, beside.keep).pooler_output[0]
    torch.testing.assert_close(short, long)


def test_clean() -> None:
    assert clean("  The\tRed  Ball ") == "the red ball"


def test_half_a_character_is_spelled_as_a_question_mark() -> None:
    broken = "the \udcff red"
    assert torch.equal(WordTokenizer(CONFIG)([broken]).ids, WordTokenizer(CONFIG)(["the ? red"]).ids)
    assert common_words([broken]) == ("?", "red", "the")


VOCABULARY = ("<s>", "<pad>", "</s>", "<unk>", "<mask>", "a", "?", "\u0120", "\u0120a", "\u0120?")
ROBERTA = RobertaTextConfig(vocabulary_size=len(VOCABULARY), positions=8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A byte-pair tokenizer in the files that the hub has of RoBERTa's."""
    (tmp_path / "config.json").write_text('{"model_type": "roberta"}')
    (tmp_path / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(VOCABULARY)}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n\u0120 a\n\u0120 ?\n")
    return tmp_path


def test_roberta_tokens(folder: Path) -> None:
    def tokens(*texts: str) -> Tokens:
        return build_tokenizer(ROBERTA, {"FacebookAI/roberta-base": folder}.__getitem__)(texts)

    found = tokens("a a", "a")
    assert found.ids.tolist() == [[START, 5, 8, END], [START, 5, END, PAD]]
    assert found.keep.sum(1).tolist() == [4, 3]
    assert tokens("a " * 100).ids.tolist() == [[START, 5, 8, 8, 8, END]]
    assert torch.equal(tokens("a \udcff").ids, tokens("a ?").ids)


@pytest.mark.parametrize("damage", ["config.json", "vocab.json"])
def test_no_tokenizer_is_made_up(folder: Path, damage: str) -> None:
    for file in folder.iterdir():
        if file.name != "config.json" or damage == "config.json":
            file.unlink()
    with pytest.raises(BadCheckpoint, match="models pull FacebookAI/roberta-base"):
        build_tokenizer(ROBERTA, lambda name: folder)


def test_a_damaged_or_foreign_tokenizer_is_refused(folder: Path) -> None:
    with pytest.raises(BadCheckpoint, match="50265 tokens"):
        build_tokenizer(RobertaTextConfig(), lambda name: folder)
    (folder / "tokenizer.json").write_text('{"<s')
    with pytest.raises(BadCheckpoint, match="holds no tokenizer"):
        build_tokenizer(ROBERTA, lambda name: folder)
