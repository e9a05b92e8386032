"""Sound through the whole chain on small real models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import refervid
from refervid.core.errors import NoAudioStream, NotReady
from refervid.media.audio import SoundSource
from refervid.report.result import Result
from tests.chat_server import says, serving
from tests.clips import write_wav
from tests.pipelines.parts import Parts, moving_clip, sounding_clip
from tests.pipelines.questions import kinds_asked, replying, text_of

ASKING = ["local", "paper"]


def segment(preset: str, parts: Parts, url: str, clip: object, *changes: str) -> Result:
    pipeline = refervid.load(preset, device="cpu", settings=[*parts.settings(preset, url), *changes])
    result = pipeline(clip, sound=True)  # type: ignore[arg-type]
    assert isinstance(result, Result)
    return result


@pytest.mark.parametrize("preset", ASKING)
def test_named_objects_are_found_tracked_and_bound(preset: str, parts: Parts, tmp_path: Path) -> None:
    with serving(replying(objects={"dog": 2, "man": 5}, sounding=2)) as (server, url):
        result = segment(preset, parts, url, sounding_clip(tmp_path))
    assert kinds_asked(server) == {"objects": 1, "sounding": 2}
    assert result.status == "ok"
    assert [pivot.frame_index for pivot in result.pivots] == [1, 5]  # of ten frames, evenly spread over 13
    objects, *boxes = result.decisions
    assert objects.answer == "dog on frame 2, man on frame 5"
    for pivot, decision in zip(result.pivots, boxes, strict=True):
        np.testing.assert_array_equal(pivot.box_xyxy, decision.candidates[1].box_xyxy)
    assert [one.name for one in result.objects] == ["dog", "man"]
    together = np.logical_or.reduce([one.masks for one in result.objects])
    np.testing.assert_array_equal(result.masks, together)


def test_labels_of_both_checkpoints_are_in_the_question(parts: Parts, tmp_path: Path) -> None:
    with serving(replying()) as (server, url):
        segment("paper", parts, url, sounding_clip(tmp_path), 'sound.vocabulary=["dog", "man"]')
    question = text_of(server.requests[0])
    labels = question.split("sounds in it: [")[1].split("].")[0].split('", "')
    assert 5 <= len(labels) <= 10
    assert "dog, man" in question


@pytest.mark.parametrize("preset", ASKING)
def test_one_object_sounds_throughout(preset: str, parts: Parts, tmp_path: Path) -> None:
    with serving(replying(objects={"dog": 2, "man": 5})) as (server, url):
        result = segment(preset, parts, url, sounding_clip(tmp_path), "sound.max_objects=1")
    assert [one.name for one in result.objects] == ["dog"]
    assert "Name one object." in text_of(server.requests[0])
    assert result.masks.any(axis=(1, 2)).all()
    assert "languagebind" in result.engines["binder"]


@pytest.mark.parametrize("preset", ASKING)
def test_nothing_that_is_seen_sounds(preset: str, parts: Parts, tmp_path: Path) -> None:
    with serving(replying(objects={})) as (server, url):
        result = segment(preset, parts, url, sounding_clip(tmp_path))
    assert kinds_asked(server) == {"objects": 1}
    assert (result.status, result.masks.any()) == ("not_found", False)


@pytest.mark.parametrize("preset", ["fast", *ASKING])
def test_nothing_of_that_name_is_on_the_frame(preset: str, parts: Parts, tmp_path: Path) -> None:
    with serving(replying()) as (_, url):
        result = segment(preset, parts, url, sounding_clip(tmp_path), "detector.box_threshold=1.0")
    assert result.status == "not_found"
    assert sum("was not found on frame" in note for note in result.notes) == 2


@pytest.mark.parametrize("preset", ASKING)
def test_a_refusal_about_the_sound(preset: str, parts: Parts, tmp_path: Path) -> None:
    refused = says(None, refusal="I would rather not")
    with serving(replying(objects=lambda body: refused)) as (server, url):
        result = segment(preset, parts, url, sounding_clip(tmp_path))
        assert len(server.requests) == (1 if preset == "paper" else 2)  # published: nothing is asked twice
        assert result.status == "not_found"
        assert result.decisions[0].source == "fallback"
    with serving(replying(sounding=lambda body: refused)) as (_, url):
        result = segment(preset, parts, url, sounding_clip(tmp_path))
    assert result.status == "ok"  # the detector's best box stands in
    assert [each.source for each in result.decisions] == ["model", "fallback", "fallback"]


@pytest.mark.parametrize("preset", ["fast", *ASKING])
def test_silence_asks_nobody(preset: str, parts: Parts, tmp_path: Path) -> None:
    clip = moving_clip(5)
    clip.sound = SoundSource(write_wav(tmp_path / "silent.wav", np.zeros(32_000, np.float32)))
    with serving(replying()) as (server, url):
        result = segment(preset, parts, url, clip)
    assert not server.requests
    assert (result.status, result.notes) == ("not_found", ["the clip's sound is silent"])


def test_a_clip_without_sound(parts: Parts) -> None:
    with pytest.raises(NoAudioStream, match="--audio"):
        segment("fast", parts, "", moving_clip(5))


def test_what_sound_lacks_is_told_before_any_question(parts: Parts, tmp_path: Path) -> None:
    with serving(replying()) as (server, url):
        pipeline = refervid.load("local", device="cpu", settings=parts.settings("local", url))
        with pytest.raises(NoAudioStream, match="--audio"):
            pipeline(moving_clip(5), text=["the red dog", "a cup"], sound=True)
        with pytest.raises(NotReady, match="/nowhere/names"):
            segment(
                "local",
                parts,
                url,
                sounding_clip(tmp_path),
                "namer.kind=languagebind",
                "namer.weights=/nowhere/names",
            )
    assert not server.requests
