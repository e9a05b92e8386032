"""Spoken sentences: a small real network that was taught two, and what becomes of them in a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import refervid
from refervid.cli.app import app
from refervid.core.errors import SettingsError
from refervid.core.types import Waveform
from refervid.engines.base import Runtime
from refervid.engines.registry import build_engine, missing_parts
from refervid.engines.whisper import WhisperTranscriber
from tests.clips import write_pictures, write_wav
from tests.engines.sam2 import tiny
from tests.engines.sound import joined
from tests.engines.tiny_whisper import SENTENCES, spoken, whisper_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whisper_folder(tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="module")
def transcriber(folder: Path) -> WhisperTranscriber:
    runtime = Runtime("cpu", "float32", False, folder)
    built = build_engine("transcriber", {"kind": "whisper", "weights": str(folder)}, runtime)
    assert isinstance(built, WhisperTranscriber)
    return built


@pytest.mark.parametrize("kind", SENTENCES)
def test_words_are_heard(transcriber: WhisperTranscriber, kind: str) -> None:
    assert transcriber.transcribe(spoken(kind)) == SENTENCES[kind]


def test_a_long_recording_is_heard_piece_by_piece(transcriber: WhisperTranscriber) -> None:
    assert transcriber.transcribe(joined(spoken("tone"), spoken("noise"))) == "the dog the cup"
    assert transcriber.transcribe(Waveform(np.zeros(0, np.float32), 16_000)) == ""


def test_what_is_missing_is_named() -> None:
    [lack] = missing_parts("transcriber", {"kind": "whisper"})
    assert "openai/whisper-small" in lack


def test_a_spoken_sentence_is_shown_and_looked_for(folder: Path, tmp_path: Path) -> None:
    speech = write_wav(tmp_path / "speech.wav", np.float32(spoken("noise").samples))
    write_pictures(tmp_path / "clip", list(tiny.frames(3)))
    words = ["segment", tmp_path / "clip", "--speech", speech, "--preset", "lite", "--device", "cpu"]
    words += ["--set", f"transcriber.weights={folder}", "--json", "-o", tmp_path / "out"]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.stderr
    assert "heard: the cup" in done.stderr
    assert [query["query"] for query in json.loads(done.stdout)["queries"]] == ["the cup"]


def test_where_nothing_is_heard_the_way_out_is_named(folder: Path, tmp_path: Path) -> None:
    class Deaf:
        name, version = "deaf", "1"

        def transcribe(self, waveform: Waveform) -> str:
            return ""

    speech = write_wav(tmp_path / "speech.wav", np.float32(spoken("noise").samples))
    with pytest.raises(SettingsError, match="type the sentence"):
        refervid.load("lite", device="cpu", transcriber=Deaf()).transcribe(speech)
    with pytest.raises(SettingsError, match="hears no speech"):
        refervid.load("soc", device="cpu").transcribe(speech)
