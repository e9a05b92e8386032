"""AST as a tagger, on a tiny real model with random weights, against transformers' own use of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

from refervid.core.errors import BadCheckpoint
from refervid.core.types import Waveform
from refervid.engines.ast import AstSettings, AstTagger
from refervid.engines.base import Runtime
from tests.engines.sound import RATE, joined, noise, tone

NAMES = ["Speech", "Dog", "Silence", "Guitar", "Rain", "Engine", "Bell", "Bird"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("ast")
    config = ASTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_length=128,
        num_mel_bins=32,
        id2label=dict(enumerate(NAMES)),
        label2id={name: index for index, name in enumerate(NAMES)},
    )
    model = ASTForAudioClassification(config)
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    model.save_pretrained(path)
    ASTFeatureExtractor(num_mel_bins=32, max_length=128).save_pretrained(path)
    return path


def tagger(folder: Path, **settings: object) -> AstTagger:
    options = AstSettings(weights=str(folder), intervals="own", **settings)
    return AstTagger.build(options, Runtime("cpu", "auto", False, Path()))


def test_labels_are_transformers_without_silence(folder: Path) -> None:
    sound = noise(1.0)
    model = ASTForAudioClassification.from_pretrained(folder).eval()
    pixels = ASTFeatureExtractor.from_pretrained(folder)(
        sound.samples, sampling_rate=RATE, return_tensors="pt"
    )
    with torch.inference_mode():
        heard = model(**pixels).logits.sigmoid()[0]
    order = [NAMES[index] for index in heard.argsort(descending=True) if NAMES[index] != "Silence"]
    labels = tagger(folder).tag(sound)
    assert [label.name for label in labels] == order[:5]
    assert labels[0].score == pytest.approx(float(heard[NAMES.index(order[0])]), abs=1e-5)


@pytest.mark.parametrize("count", [0, 3, 399, 400, 20719, 20720, 20721])
def test_any_length(folder: Path, count: int) -> None:
    samples = noise(2.0).samples[:count]
    labels = tagger(folder).tag(Waveform(samples, RATE))
    assert len(labels) == (5 if count else 0)
    assert all(np.isfinite(label.score) for label in labels)


def test_long_sounds_are_averaged(folder: Path) -> None:
    parts = [noise(1.2, seed=1), tone(1.2)]
    whole = {label.name: label.score for label in tagger(folder, top=7).tag(joined(*parts))}
    singles = [{label.name: label.score for label in tagger(folder, top=7).tag(part)} for part in parts]
    for name, score in whole.items():
        assert score == pytest.approx(sum(single[name] for single in singles) / 2, abs=1e-5)


@pytest.mark.parametrize("features", ["scores", "embedding"])
def test_its_own_intervals(folder: Path, features: str) -> None:
    found = tagger(folder, features=features, threshold=1.0).intervals(joined(tone(2.0), noise(1.0)))
    assert (found[0].start_s, found[-1].end_s) == (0, 3)


def test_a_truncated_checkpoint_is_refused(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        data = file.read_bytes()
        (tmp_path / file.name).write_bytes(data[:-500] if file.suffix == ".safetensors" else data)
    with pytest.raises(BadCheckpoint, match="download it again"):
        tagger(tmp_path)


def test_a_cut_extractor_is_refused(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = tmp_path / "preprocessor_config.json"
    config.write_bytes(config.read_bytes()[:40])
    with pytest.raises(BadCheckpoint, match="files of the preprocessor"):
        tagger(tmp_path)
