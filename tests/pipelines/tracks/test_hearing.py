"""Sounds as evidence: sentences that speak of what is heard get the clip's sounds, others do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refervid.core.types import Interval, Label, Waveform
from refervid.datasets.synthetic.clips import MadeClip, make_clip
from refervid.datasets.synthetic.scene import SceneSettings
from refervid.media.audio import SoundSource
from refervid.media.clip import Clip
from refervid.pipelines.tracks.hearing import speaks_of_sound
from refervid.report.result import Result
from tests.chat_server import Answer, serving
from tests.clips import write_wav
from tests.engines.sound import joined, noise, silence, tone
from tests.pipelines.questions import text_of
from tests.pipelines.tracks.eye import (
    TrueFinder,
    answering,
    clip_of,
    judged,
    keeping,
    numbers_of,
    true_masks,
)
from tests.pipelines.tracks.test_agent import load

TEXT = "the one whose bark is heard second"


class Ear:
    """Hears two barks and a bell."""

    name, version = "ear", "1"

    def tag(self, waveform: Waveform) -> list[Label]:
        loud = float(np.abs(waveform.samples).max()) > 0.3
        return [Label("Bark" if loud else "Bell", 0.9)]

    def intervals(self, waveform: Waveform) -> list[Interval]:
        return [Interval(0.1, 0.6), Interval(0.8, 1.2), Interval(1.4, 1.9)]


@pytest.fixture
def made() -> MadeClip:
    return make_clip(SceneSettings(frames=16), "test", 3)


@pytest.fixture
def clip(made: MadeClip, tmp_path: Path) -> Clip:
    clip = clip_of(made)
    wave = joined(tone(0.7), silence(0.1), noise(0.5, level=0.05), silence(0.1), tone(0.6))
    clip.sound = SoundSource(write_wav(tmp_path / "sound.wav", np.float32(wave.samples)))
    return clip


def test_what_is_heard_and_when_stands_in_the_question(made: MadeClip, clip: Clip) -> None:
    def tracks(body: dict[str, Any]) -> Answer:
        told = text_of(body)
        heard = (
            'sound 1, from 0.10 to 0.60 s: ["Bark"]' in told and '3, from 1.40 to 1.90 s: ["Bark"]' in told
        )
        assert ("cannot hear yourself" in told) == (TEXT in told)
        meant = 3 if heard else 1
        return keeping(meant)(body)

    with serving(answering(tracks)) as (_, url):
        results = load(url, TrueFinder(made), tagger=Ear())(clip, text=[TEXT, "the triangle"])
    assert isinstance(results, list)
    for result, thing in zip(results, (2, 0), strict=True):
        np.testing.assert_array_equal(result.masks, true_masks(made, thing).stack())
    assert results[0].engines["tagger"] == "ear 1"


def test_a_sound_that_nobody_can_tag_is_said(made: MadeClip, clip: Clip) -> None:
    keep = answering(lambda body: judged(dict.fromkeys(numbers_of(body), "keep")))
    with serving(keep) as (_, url):
        changes = ["tagger.kind=beats", "tagger.weights=[/nowhere/a.pt]", "tagger.intervals=own"]
        result = load(url, TrueFinder(made), *changes)(clip, text=TEXT)
        silent = load(url, TrueFinder(made), *changes, "rounds.listen=false")(clip, text=TEXT)
    assert isinstance(result, Result)
    assert isinstance(silent, Result)
    assert any("was not listened to" in note for note in result.notes)
    assert not any("listened" in note for note in silent.notes)


@pytest.mark.parametrize(
    ("text", "speaks"),
    [
        (TEXT, True),
        ("the guitar that is played", True),
        ("the loudest car", True),
        ("the singing man", True),
        ("the dog on the left", False),
        ("the red car that turns", False),
    ],
)
def test_sentences_that_speak_of_sound(text: str, speaks: bool) -> None:
    assert speaks_of_sound(text) == speaks
