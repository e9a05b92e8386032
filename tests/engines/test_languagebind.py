"""LanguageBind as a binder, on tiny real networks with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from refervid.core.errors import BadCheckpoint, MissingWeights
from refervid.core.types import Interval, Waveform
from refervid.engines.base import Runtime
from refervid.engines.class_names import LanguageBindNamer, LanguageBindNamerSettings
from refervid.engines.combinations import MOST_COMBINATIONS, name_combinations
from refervid.engines.languagebind import LanguageBindBinder, LanguageBindSettings, straight_quotes
from refervid.engines.segments import cut, through_int16
from refervid.models.languagebind import load_languagebind, picture_pixels
from tests.engines.sound import joined, languagebind_folder, named, noise, tone

CPU = Runtime("cpu", "auto", False, Path())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return languagebind_folder(tmp_path_factory.mktemp("audio"))


@pytest.fixture
def own_copy(tmp_path: Path) -> Path:
    return languagebind_folder(tmp_path)


@pytest.fixture(scope="module")
def binder(folder: Path) -> LanguageBindBinder:
    return LanguageBindBinder.build(LanguageBindSettings(weights=str(folder)), CPU)


SOUND = joined(tone(1.0), noise(2.0), tone(1.5, 1200))
INTERVALS = [Interval(0, 1), Interval(1, 3), Interval(3, 4.5), Interval(9, 10)]


def test_the_most_similar_combination_sounds(binder: LanguageBindBinder) -> None:
    names = ["dog", "man", "guitar"]
    texts = [
        "dog barking",
        "man",
        "guitar",
        "dog barking, man",
        "dog barking, guitar",
        "man, guitar",
        "dog barking, man, guitar",
    ]
    sounds = [cut(SOUND, interval) for interval in INTERVALS[:3]]
    best = binder.similarity(texts, sounds).argmax(axis=0)
    expected = [frozenset(name_combinations(names)[row]) for row in best]
    assert binder.bind(SOUND, INTERVALS, named(*names)) == [*expected, frozenset()]
    assert len(set(expected)) > 1


def test_joiner_and_aliases_are_settings(folder: Path) -> None:
    settings = LanguageBindSettings(weights=str(folder), joiner="; ", aliases={"man": "a man's voice"})
    binder = LanguageBindBinder.build(settings, CPU)
    assert binder._spoken(("dog", "man")) == "dog; a man's voice"


def test_no_model_is_asked_about_less_than_two_names(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    binder = LanguageBindBinder.build(LanguageBindSettings(weights=str(folder)), CPU)
    monkeypatch.setattr(binder, "similarity", None)
    assert binder.bind(SOUND, INTERVALS, []) == [frozenset()] * 4
    assert binder.bind(SOUND, INTERVALS, named("dog", "dog")) == [frozenset({"dog"})] * 4
    assert binder.bind(SOUND, [], named("dog", "cat")) == []


@pytest.mark.parametrize("rate", [8000, 44100])
def test_sounds_of_other_rates_and_of_no_length(binder: LanguageBindBinder, rate: int) -> None:
    sound = joined(tone(1.0, rate=rate), noise(1.0, rate=rate))
    intervals = [Interval(0, 1), Interval(1, 1.001), Interval(1.5, 2), Interval(2, 3)]
    found = binder.bind(sound, intervals, named("dog", "cat"))
    assert [bool(names) for names in found] == [True, True, True, False]


def test_batches_do_not_matter(folder: Path) -> None:
    one = LanguageBindBinder.build(LanguageBindSettings(weights=str(folder), batch=1), CPU)
    many = LanguageBindBinder.build(LanguageBindSettings(weights=str(folder), batch=8), CPU)
    sounds = [cut(SOUND, interval) for interval in INTERVALS[:3]]
    texts = ["dog", "a much longer name of a thing", "x" * 500]
    assert one.similarity(texts, sounds) == pytest.approx(many.similarity(texts, sounds), abs=1e-5)


def test_combinations_grow_by_size_and_stay_few() -> None:
    assert name_combinations(["a", "b", "c"]) == [
        *(("a",), ("b",), ("c",)),
        *(("a", "b"), ("a", "c"), ("b", "c")),
        ("a", "b", "c"),
    ]
    assert len(name_combinations(list("abcdefgh"))) == MOST_COMBINATIONS
    assert max(map(len, name_combinations(list("abcdefghijkl")))) == 2
    assert len(name_combinations([str(number) for number in range(300)])) == 300


def test_segments_pass_through_16_bits() -> None:
    samples = np.array([0.5 / 32768, -0.5 / 32768, 1.0, -1.0], np.float32)
    assert (through_int16(Waveform(samples, 16000)).samples * 32768).tolist() == [0, -1, 32767, -32768]


def test_made_up_names_become_classes(tmp_path: Path) -> None:
    folder = languagebind_folder(tmp_path, "LanguageBindImage")
    names = LanguageBindNamer.build(LanguageBindNamerSettings(weights=str(folder)), CPU)
    classes = ["accordion", "dog", "saw"]
    replaced = names.rename(["dog", "chainsaw", "chainsaw"], classes)
    assert list(replaced) == ["chainsaw"]
    embedded = names._texts.embed(["chainsaw", *classes])
    assert replaced["chainsaw"] == classes[int((embedded[1:] @ embedded[0]).argmax())]
    pixels = load_languagebind(folder).embed_pixels(torch.zeros(2, 3, 56, 56))
    assert pixels.norm(dim=1).tolist() == pytest.approx([1, 1])
    assert picture_pixels(np.zeros((90, 60, 3), np.uint8), 56).shape == (3, 56, 56)


def test_the_image_model_is_no_binder(tmp_path: Path) -> None:
    folder = languagebind_folder(tmp_path, "LanguageBindImage")
    with pytest.raises(BadCheckpoint, match="LanguageBind_Audio_FT"):
        LanguageBindBinder.build(LanguageBindSettings(weights=str(folder)), CPU)


def test_missing_weights(tmp_path: Path) -> None:
    settings = LanguageBindSettings(weights=str(tmp_path / "nowhere"))
    assert len(LanguageBindBinder.missing(settings)) == 1
    with pytest.raises(MissingWeights):
        LanguageBindBinder.build(settings, CPU)


def test_safetensors_are_taken_first(own_copy: Path) -> None:
    from safetensors.torch import save_file

    state = torch.load(own_copy / "pytorch_model.bin", weights_only=True)
    save_file({key: value.contiguous() for key, value in state.items()}, own_copy / "model.safetensors")
    (own_copy / "pytorch_model.bin").write_text("damaged")
    assert load_languagebind(own_copy).config.model_type == "LanguageBindAudio"


def test_lora_files_are_refused_with_a_way_out(own_copy: Path) -> None:
    file = own_copy / "pytorch_model.bin"
    state = torch.load(file, weights_only=True)
    state["vision_model.encoder.base_model.model.layers.0.self_attn.q_proj.lora_A.weight"] = torch.ones(2, 2)
    torch.save(state, file)
    with pytest.raises(BadCheckpoint, match="_FT"):
        load_languagebind(own_copy)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "config.json", "vocab.json"])
def test_damaged_files(own_copy: Path, name: str) -> None:
    file = own_copy / name
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(BadCheckpoint):
        LanguageBindBinder.build(LanguageBindSettings(weights=str(own_copy)), CPU)


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "LanguageBindVideo"},
        {"projection_dim": 10**9},
        {"vision_config": None},
        {"vision_config": 5},
        {"text_config_dict": {"num_hidden_layers": 10**6}},
        {"text_config_dict": {"num_attention_heads": 3}},
        {"vision_config_dict": {"hidden_act": "relu"}},
        {"vision_config_dict": {"num_mel_bins": 7}},
        {"vision_config_dict": {"target_length": 210}},
    ],
)
def test_configurations_that_do_not_fit(own_copy: Path, change: dict[str, Any]) -> None:
    config = json.loads((own_copy / "config.json").read_text())
    (own_copy / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(BadCheckpoint):
        load_languagebind(own_copy)


def test_curly_quotes_are_straightened() -> None:
    assert straight_quotes("the \u201cdog\u201d\u2019s \u2018bark\u2019") == "the \"dog\"'s 'bark'"
    assert straight_quotes("caf\u00e9 \u00ab dog \u00bb") == "caf\u00e9 \u00ab dog \u00bb"
