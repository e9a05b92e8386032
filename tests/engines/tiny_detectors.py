"""Grounding DINO as a small real model with random weights, in the folder form of the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import (
    BertConfig,
    BertTokenizerFast,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    MMGroundingDinoConfig,
    MMGroundingDinoForObjectDetection,
    SwinConfig,
)

WORDS = ["a", "the", "dog", "red", "cup", "left", "on", "blue", "that", "jumps"]

KINDS = {
    "grounding-dino": (GroundingDinoForObjectDetection, GroundingDinoConfig),
    "mm-grounding-dino": (MMGroundingDinoForObjectDetection, MMGroundingDinoConfig),
}


def grounding_dino_folder(folder: Path, kind: str = "grounding-dino") -> Path:
    toy_grounding_dino(kind).save_pretrained(folder)
    bert_tokenizer(folder).save_pretrained(folder)
    return folder


def toy_grounding_dino(kind: str = "grounding-dino") -> Any:
    torch.manual_seed(0)
    model_class, config_class = KINDS[kind]
    model = model_class(_config(config_class))
    for parameter in model.parameters():  # biases of zero would make every box the same
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model


def bert_tokenizer(folder: Path) -> BertTokenizerFast:
    vocabulary = [f"[unused{i}]" for i in range(1100)]
    vocabulary[0] = "[PAD]"
    for index, token in ((100, "[UNK]"), (101, "[CLS]"), (102, "[SEP]"), (1012, "."), (1029, "?")):
        vocabulary[index] = token
    vocabulary[200 : 200 + len(WORDS)] = WORDS
    file = folder / "vocab.txt"
    file.write_text("\n".join(vocabulary))
    return BertTokenizerFast(vocab=str(file))


def _config(kind: type) -> object:
    backbone = SwinConfig(
        image_size=64,
        patch_size=4,
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=2,
        out_features=["stage2", "stage3", "stage4"],
    )
    text = BertConfig(
        vocab_size=1100, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    return kind(
        backbone_config=backbone,
        text_config=text,
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        num_queries=12,
        disable_custom_kernels=True,
    )
