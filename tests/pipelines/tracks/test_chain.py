"""The whole preset `agent` on small real models: SAM 3, and Qwen3-VL or a server that is scripted."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

import refervid
from refervid.cli.app import app
from refervid.core.types import TextReference, no_hook
from refervid.pipelines.presets import missing_for
from refervid.report.result import Result
from tests.chat_server import Answer, serving
from tests.clips import write_pictures, write_wav
from tests.engines.llm.qwen import prepares_pictures, qwen_folder
from tests.engines.sam2.tiny import clip, frames
from tests.engines.sam3 import tiny
from tests.engines.sound import joined, silence, tone
from tests.engines.tiny_whisper import spoken, whisper_folder
from tests.pipelines.counting import counting
from tests.pipelines.questions import kinds_asked, text_of
from tests.pipelines.tracks.eye import answering, keeping, names, numbers_of

FRAMES = 4


@pytest.fixture(scope="module")
def sam3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.folder_of(tiny.video_model(hotstart_delay=0), tmp_path_factory.mktemp("sam3"))


def settings(sam3: Path, *changes: str) -> list[str]:
    return [
        f"finder.weights={sam3}",
        "finder.max_objects=3",
        f"tracker.weights={sam3}",
        "text.check=false",
        "rounds.style.long_side=256",
        "rounds.style.short_side=192",
        *changes,
    ]


def test_two_sentences_share_concepts_features_and_tracks(sam3: Path) -> None:
    def concepts(body: dict[str, Any]) -> Answer:
        return names("cup") if "cup" in text_of(body).split("not meant for you")[1] else names("dog")

    def tracks(body: dict[str, Any]) -> Answer:
        return keeping(numbers_of(body)[0])(body)

    texts = ["the dog that jumps", "the cup", "the other dog"]
    with serving(answering(tracks, concepts)) as (server, url):
        changes = settings(sam3, f"chooser.base_url={url}", "chooser.probe=false")
        pipeline = refervid.load("agent", device="cpu", settings=changes)
        expected = pipeline.estimate(clip(FRAMES), [TextReference(text) for text in texts])
        with counting() as runs:
            results = pipeline(clip(FRAMES), text=texts)
    assert isinstance(results, list)
    assert runs["SAM 3 frames"] == FRAMES
    assert kinds_asked(server)["concepts"] == 3
    assert expected is not None
    assert expected.asked == 3 * (1 + 3)
    for result in results:
        assert result.engines["finder"].startswith("sam3")
        assert (result.status == "ok") == result.masks.any()
    np.testing.assert_array_equal(results[0].masks, results[2].masks)


@prepares_pictures
def test_a_model_in_this_process_that_says_nothing_of_use_gives_a_guess(sam3: Path, tmp_path: Path) -> None:
    qwen = qwen_folder(tmp_path / "qwen")
    changes = settings(sam3, "chooser.kind=local", f"chooser.weights={qwen}", "chooser.max_tokens=16")
    assert missing_for("agent", changes, sound=False) == []
    result = refervid.load("agent", device="cpu", settings=changes)(clip(FRAMES), text="the dog")
    assert isinstance(result, Result)
    assert [one.question for one in result.decisions] == ["concepts", "round 1"]
    assert {one.source for one in result.decisions} == {"fallback"}
    assert result.status == "guess"
    assert result.masks.any()
    assert len(result.objects) == 1


def test_what_is_spoken_about_sound_and_sight_goes_through_to_masks(sam3: Path, tmp_path: Path) -> None:
    """Whisper hears the sentence, SAM 3 follows things, and who judges them is told what sounds when."""
    said = {"tone": "the dog heard once", "noise": "the cup heard last"}
    whisper = whisper_folder(tmp_path / "whisper", said)
    speech = write_wav(tmp_path / "speech.wav", np.float32(spoken("noise").samples))
    pictures = write_pictures(tmp_path / "clip", list(frames(FRAMES)))
    rings = joined(tone(0.3), silence(0.3), tone(0.3, 880))
    sound = write_wav(tmp_path / "sound.wav", np.float32(rings.samples))

    def who_reads_of_two_tones(body: dict[str, Any]) -> Answer:
        assert said["noise"] in text_of(body)
        tones = re.findall(r"sound \d, from [\d.]+ to [\d.]+ s: \[\"tone\"\]", text_of(body))
        return keeping(*numbers_of(body) if len(tones) == 2 else ())(body)

    with serving(answering(who_reads_of_two_tones, lambda body: names("cup"))) as (server, url):
        changes = settings(sam3, f"chooser.base_url={url}", "chooser.probe=false", "tagger.kind=energy")
        changes.append(f"transcriber.weights={whisper}")
        words = ["segment", pictures, "--fps", 4, "--speech", speech, "--audio", sound, "--json"]
        words += ["--preset", "agent", "--device", "cpu", "-o", tmp_path / "out"]
        words += [word for change in changes for word in ("--set", change)]
        done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.stderr
    assert f"heard: {said['noise']}" in done.stderr
    assert kinds_asked(server) == {"concepts": 1, "tracks": 1}
    [query] = json.loads(done.stdout)["queries"]
    assert (query["query"], query["status"]) == (said["noise"], "ok")
    assert any(note.startswith("told as heard: 0.00") and note.count("tone") == 2 for note in query["notes"])
    finder: Any = refervid.load("agent", device="cpu", settings=changes).engines.finder  # type: ignore[attr-defined]
    tracks = finder.find_concepts(clip(FRAMES), ("cup",), no_hook).tracks
    files = sorted((tmp_path / "out" / "masks").rglob("*.png"), key=lambda file: int(file.stem))
    masks = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) > 0 for file in files]
    np.testing.assert_array_equal(masks, np.any([track.masks.stack() for track in tracks], axis=0))
    assert np.any(masks)
