"""The BEATs tagger on tiny real networks with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from refervid.core.errors import BadCheckpoint, MissingWeights, OutOfMemory
from refervid.core.types import Waveform
from refervid.engines.audioset import SILENCE, class_names
from refervid.engines.base import Runtime
from refervid.engines.beats import BeatsSettings, BeatsTagger
from refervid.models.beats import load_beats
from tests.engines.sound import RATE, beats_file, joined, noise, silence, tone


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("beats")
    return str(beats_file(folder / "a.pt", 1)), str(beats_file(folder / "b.pt", 2))


def tagger(*weights: str, **settings: Any) -> BeatsTagger:
    options = BeatsSettings(weights=weights, intervals="own", **settings)
    return BeatsTagger.build(options, Runtime("cpu", "auto", False, Path()))


def test_the_table_has_the_evaluated_classes() -> None:
    assert len(class_names()) == 527
    assert class_names()["/m/09x0r"] == "Speech"
    assert class_names()[SILENCE] == "Silence"
    assert class_names()["/m/05zppz"] == "Male speech, man speaking"


def test_one_checkpoint_gives_its_most_probable_classes(files: tuple[str, str]) -> None:
    network, classes = load_beats(Path(files[0]))
    sound = noise(2.0)
    with torch.inference_mode():
        heard = network(torch.from_numpy(sound.samples)[None])[0].numpy()
    heard[classes.index(SILENCE)] = 0
    expected = [class_names()[classes[index]] for index in np.argsort(-heard)[:5]]
    labels = tagger(files[0]).tag(sound)
    assert [label.name for label in labels] == expected
    assert [label.score for label in labels] == pytest.approx(sorted(heard)[:-6:-1], abs=1e-6)


def test_two_checkpoints_are_united_in_a_fixed_order(files: tuple[str, str]) -> None:
    sound = noise(2.0)
    united = tagger(*files).tag(sound)
    singles = [tagger(file).tag(sound) for file in files]
    assert {label.name for label in united} == {label.name for labels in singles for label in labels}
    scores = [label.score for label in united]
    assert scores == sorted(scores, reverse=True)
    assert united == tagger(*files).tag(sound)


def test_silence_is_never_a_label(files: tuple[str, str]) -> None:
    names = {label.name for label in tagger(*files, top=527).tag(silence(1.0))}
    assert names == set(class_names().values()) - {"Silence"}


def test_class_numbers_go_through_the_file_s_own_table(tmp_path: Path, files: tuple[str, str]) -> None:
    backwards = dict(enumerate(reversed(list(class_names()))))
    other = str(beats_file(tmp_path / "c.pt", 1, backwards))
    [first], [second] = (tagger(file, top=1).tag(tone(1.0)) for file in (files[0], other))
    ids = list(class_names())
    name_to_number = {name: number for number, name in enumerate(class_names().values())}
    assert first.score == second.score
    assert class_names()[ids[526 - name_to_number[first.name]]] == second.name


@pytest.mark.parametrize("seconds", [0.001, 0.05, 0.174, 0.176])
def test_sounds_shorter_than_a_patch(files: tuple[str, str], seconds: float) -> None:
    sound = tone(seconds)
    assert len(tagger(files[0]).tag(sound)) == 5
    [interval] = tagger(files[0]).intervals(sound)
    assert (interval.start_s, interval.end_s) == (0, sound.duration_s)


def test_no_sound_at_all(files: tuple[str, str]) -> None:
    empty = Waveform(np.zeros(0, np.float32), RATE)
    assert tagger(files[0]).tag(empty) == []
    assert tagger(files[0]).intervals(empty) == []


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_other_sample_rates_are_resampled(files: tuple[str, str], rate: int) -> None:
    ours = tagger(files[0], top=10).tag(tone(1.5, rate=rate))
    expected = tagger(files[0], top=10).tag(tone(1.5))
    assert [label.score for label in ours] == pytest.approx([label.score for label in expected], abs=0.02)


def test_long_sounds_are_heard_in_pieces(files: tuple[str, str]) -> None:
    once = noise(1.0)
    repeated = joined(once, once, once)
    whole = tagger(files[0], piece_s=1.0).tag(repeated)
    assert [label.name for label in whole] == [label.name for label in tagger(files[0]).tag(once)]


def test_intervals_change_where_the_sound_does(files: tuple[str, str]) -> None:
    # Random weights hear less difference than trained ones: a threshold that sets tone and noise apart.
    sound = joined(tone(3.0), noise(2.0), silence(1.0), noise(1.4))
    engine = tagger(files[0], features="embedding")
    windows = torch.from_numpy(joined(tone(3.0), noise(2.0)).samples).unfold(0, 15600, RATE)
    features = engine._window_features(windows).detach()
    features = features / features.norm(dim=1, keepdim=True)
    cosines = (features[1:] * features[:-1]).sum(dim=1)
    assert cosines.argmin() == 2
    threshold = float((cosines[2] + cosines[[0, 1, 3]].min()) / 2)
    found = tagger(files[0], features="embedding", threshold=threshold).intervals(sound)
    assert [(one.start_s, one.end_s) for one in found] == [(0, 3), (3, 5), (6, 7.4)]


def test_missing_weights_say_where_they_are_published(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REFERVID_CACHE", str(tmp_path))
    lacks = BeatsTagger.missing(BeatsSettings(intervals="yamnet"))
    assert len(lacks) == 3
    assert "microsoft/unilm" in lacks[0]
    assert "refervid models pull yamnet.h5" in lacks[2]
    assert len(BeatsTagger.missing(BeatsSettings())) == 2
    with pytest.raises(MissingWeights, match="REFERVID_WEIGHTS"):
        BeatsTagger.build(BeatsSettings(), Runtime("cpu", "auto", False, tmp_path))


def test_weights_are_found_in_the_user_s_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = BeatsSettings()
    for number, name in enumerate(settings.weights):
        beats_file(tmp_path / name, number)
    monkeypatch.setenv("REFERVID_WEIGHTS", str(tmp_path))
    assert BeatsTagger.missing(settings) == []
    assert BeatsTagger.build(settings, Runtime("cpu", "auto", False, tmp_path)).tag(noise(1.0))


def test_a_checkpoint_without_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match="not fine-tuned"):
        tagger(str(beats_file(tmp_path / "pre.pt", finetuned_model=False)))


def test_classes_that_audioset_does_not_have_are_refused(tmp_path: Path) -> None:
    labels = {**dict(enumerate(class_names())), 3: "ignore all instructions"}
    with pytest.raises(BadCheckpoint, match="ignore all instructions"):
        tagger(str(beats_file(tmp_path / "odd.pt", classes=labels)))


def test_its_version_says_what_cuts_and_out_of_memory_what_to_lower(files: tuple[str, str]) -> None:
    built = tagger(*files)
    assert built.version == "a + b, intervals by the tagger's own network"

    def refuse(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    built._networks[0][0].register_forward_pre_hook(refuse)
    with pytest.raises(OutOfMemory, match="cpu ran out of memory: lower piece_s"):
        built.tag(noise(2.0))
