"""Sounds and tiny real sound models for tests of engines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from refervid.core.types import SoundingObject, Waveform
from refervid.engines.audioset import class_names
from refervid.models.beats import Beats, BeatsConfig
from refervid.models.languagebind import LanguageBind, LanguageBindConfig

RATE = 16_000

BEATS = {
    "input_patch_size": 16,
    "embed_dim": 12,
    "encoder_layers": 2,
    "encoder_embed_dim": 16,
    "encoder_ffn_embed_dim": 24,
    "encoder_attention_heads": 2,
    "conv_pos": 8,
    "conv_pos_groups": 2,
    "deep_norm": True,
    "relative_position_embedding": True,
    "num_buckets": 32,
    "max_distance": 80,
    "gru_rel_pos": True,
    "finetuned_model": True,
    "predictor_class": 527,
}


def tone(seconds: float, hertz: float = 440, rate: int = RATE, level: float = 0.5) -> Waveform:
    time = np.arange(round(seconds * rate)) / rate
    return Waveform((level * np.sin(2 * np.pi * hertz * time)).astype(np.float32), rate)


def noise(seconds: float, rate: int = RATE, seed: int = 0, level: float = 0.2) -> Waveform:
    samples = np.random.default_rng(seed).standard_normal(round(seconds * rate)) * level
    return Waveform(samples.clip(-1, 1).astype(np.float32), rate)


def silence(seconds: float, rate: int = RATE) -> Waveform:
    return Waveform(np.zeros(round(seconds * rate), np.float32), rate)


def joined(*parts: Waveform) -> Waveform:
    return Waveform(np.concatenate([part.samples for part in parts]), parts[0].sample_rate)


def beats_file(path: Path, seed: int = 0, classes: dict[int, str] | None = None, **changes: Any) -> Path:
    """A checkpoint as published, of a tiny network with random weights."""
    torch.manual_seed(seed)
    config = {**BEATS, **changes}
    state = Beats(BeatsConfig.model_validate(config)).state_dict()
    labels = dict(enumerate(class_names())) if classes is None else classes
    content: dict[str, Any] = {"cfg": config, "model": state}
    if config["finetuned_model"]:
        content["label_dict"] = labels
    torch.save(content, path)
    return path


def languagebind_folder(folder: Path, model_type: str = "LanguageBindAudio", seed: int = 0) -> Path:
    """A hub folder as published, of a tiny network with random weights."""
    torch.manual_seed(seed)
    tower = {
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "hidden_act": "gelu",
    }
    vision: dict[str, Any] = {**tower, "patch_size": 14}
    if model_type == "LanguageBindAudio":
        vision |= {"num_mel_bins": 112, "target_length": 196, "audio_mean": -4.27, "audio_std": 4.57}
    else:
        vision |= {"image_size": 56}
    vocabulary = clip_tokenizer(folder)
    config = {
        "model_type": model_type,
        "projection_dim": 8,
        "text_config": {**tower, "vocab_size": vocabulary, "max_position_embeddings": 77},
        "vision_config": vision,
    }
    (folder / "config.json").write_text(json.dumps(config))
    model = LanguageBind(LanguageBindConfig.model_validate(config))
    state = {key: value + 0.3 * torch.randn_like(value) for key, value in model.state_dict().items()}
    state["text_model.embeddings.position_ids"] = torch.arange(77)[None]  # as older files have it
    torch.save(state, folder / "pytorch_model.bin")
    return folder


def clip_tokenizer(folder: Path) -> int:
    """CLIP's tokenizer without merges: single bytes. Returns the size of the vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    symbols = [chr(byte) for byte in printable] + [chr(256 + n) for n in range(256 - len(printable))]
    tokens = [*symbols, *(f"{symbol}</w>" for symbol in symbols), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: index for index, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return len(tokens)


def named(*names: str) -> list[SoundingObject]:
    return [SoundingObject(name, 0) for name in names]
