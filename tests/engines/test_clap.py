"""CLAP as a binder, on a tiny real model with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    ClapAudioConfig,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    ClapTextConfig,
    RobertaTokenizerFast,
)

from refervid.core.errors import BadCheckpoint
from refervid.core.types import Interval, Waveform
from refervid.engines.base import Runtime
from refervid.engines.clap import ClapBinder, ClapSettings
from refervid.engines.segments import cut
from tests.engines.sound import joined, named, noise, tone

TEXTS = ["dog barking", "man", "dog barking, man"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("clap")
    text = ClapTextConfig(
        vocab_size=300,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=80,
    )
    audio = ClapAudioConfig(
        spec_size=64,
        num_mel_bins=16,
        window_size=4,
        patch_embeds_hidden_size=8,
        depths=[1, 1],
        num_attention_heads=[1, 2],
        hidden_size=16,
        patch_size=4,
        patch_stride=[4, 4],
        num_hidden_layers=2,
    )
    config = ClapConfig(text_config=text, audio_config=audio, projection_dim=8)
    model = ClapModel(config)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(path)
    ClapFeatureExtractor(feature_size=16, max_length_s=2, truncation="rand_trunc").save_pretrained(path)
    letters = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *map(chr, range(32, 127)), "Ġ"]
    tokenizer = RobertaTokenizerFast(vocab={letter: n for n, letter in enumerate(letters)}, merges=[])
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def binder(folder: Path) -> ClapBinder:
    return ClapBinder.build(ClapSettings(weights=str(folder), batch=2), Runtime("cpu", "auto", False, Path()))


def test_the_most_similar_combination_sounds(binder: ClapBinder) -> None:
    sound = joined(tone(1.0), noise(1.0))
    intervals = [Interval(0, 1), Interval(1, 2), Interval(5, 6)]
    best = binder.similarity(TEXTS, [cut(sound, interval) for interval in intervals[:2]]).argmax(axis=0)
    sets = [frozenset({"dog"}), frozenset({"man"}), frozenset({"dog", "man"})]
    assert binder.bind(sound, intervals, named("dog", "man")) == [*(sets[row] for row in best), frozenset()]


def test_long_intervals_are_averaged_over_their_parts(binder: ClapBinder) -> None:
    parts = [tone(2.0, rate=48000), noise(2.0, rate=48000)]
    whole = binder.similarity(TEXTS, [joined(*parts)])
    assert whole[:, 0] == pytest.approx(binder.similarity(TEXTS, parts).mean(axis=1), abs=1e-5)


def test_a_sound_of_a_few_samples(binder: ClapBinder) -> None:
    short = Waveform(np.ones(3, np.float32), 16000)
    assert np.isfinite(binder.similarity(TEXTS, [short])).all()


def test_a_folder_without_its_extractor(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        if file.name != "preprocessor_config.json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(BadCheckpoint, match="files of the preprocessor"):
        ClapBinder.build(ClapSettings(weights=str(tmp_path)), Runtime("cpu", "auto", False, Path()))


def test_only_tables_of_indices_may_be_absent(binder: ClapBinder, folder: Path, tmp_path: Path) -> None:
    """The published file comes from a version of transformers that did not save all of them."""
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    state = load_file(folder / "model.safetensors")
    learned = {key: value for key, value in state.items() if value.is_floating_point()}
    absent = {key.rsplit(".", 1)[-1] for key in state.keys() - learned.keys()}
    assert absent >= {"position_ids", "token_type_ids", "relative_position_index"}
    save_file(learned, tmp_path / "model.safetensors", {"format": "pt"})
    settings = ClapSettings(weights=str(tmp_path))
    loaded = ClapBinder.build(settings, Runtime("cpu", "auto", False, Path()))
    sounds = [tone(1.0), noise(1.0)]
    np.testing.assert_array_equal(loaded.similarity(TEXTS, sounds), binder.similarity(TEXTS, sounds))

    del learned["text_projection.linear1.weight"]
    save_file(learned, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadCheckpoint, match=r"text_projection\.linear1\.weight"):
        ClapBinder.build(settings, Runtime("cpu", "auto", False, Path()))
