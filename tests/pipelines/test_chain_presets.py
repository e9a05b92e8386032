"""The whole chain of every preset on small real models, from clip and references to results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import refervid
from refervid.core.types import SoundReference, TextReference
from refervid.pipelines.base import Pipeline
from refervid.pipelines.presets import PRESETS
from refervid.report.result import Result
from tests.chat_server import fails, says, serving
from tests.pipelines.parts import Parts, moving_clip, sounding_clip
from tests.pipelines.questions import kinds_asked, replying, text_of

TEXTS = ["the red dog", "a cup on the left"]
ENGINES = {
    "lite": ["rules", "motion", "embedded", "energy", None],
    "fast": ["best-box", "grounding-dino", "edgetam", "beats", "languagebind"],
    "local": ["language-model", "grounding-dino", "sam2", "beats", "languagebind"],
    "paper": ["language-model", "grounding-dino", "sam2", "beats", "languagebind"],
}
ASKING = ["local", "paper"]


def load(preset: str, parts: Parts, url: str = "", *changes: str) -> Pipeline:
    return refervid.load(preset, device="cpu", settings=[*parts.settings(preset, url), *changes])


@pytest.mark.parametrize("preset", ENGINES)
def test_texts_and_sound_go_through_together(preset: str, parts: Parts, tmp_path: Path) -> None:
    references = [TextReference(TEXTS[0]), SoundReference(), *map(TextReference, [TEXTS[1], TEXTS[0], " "])]
    clip = sounding_clip(tmp_path)
    with serving(replying()) as (_, url):
        results = load(preset, parts, url).run(clip, references)
    assert [result.query for result in results] == [TEXTS[0], "sound", TEXTS[1], TEXTS[0], " "]
    assert len({result.slug for result in results}) == 5
    for result in results:
        assert result.status in ("ok", "guess", "not_found")
        assert 0 <= result.confidence <= 1
        assert result.masks.shape == (len(clip), clip.height, clip.width)
        assert (result.status != "not_found") == bool(result.masks.any())
    np.testing.assert_array_equal(results[0].masks, results[3].masks)
    assert results[4].status == "not_found"
    assert results[4].notes == ["the sentence is empty"]
    built = [results[0].engines.get(role, "").split(" ")[0] or None for role in ROLES]
    assert built == ENGINES[preset]
    if PRESETS[preset].needs != "nothing":  # else nobody here knows a red dog
        assert [result.status for result in results[:4]] == ["ok"] * 4


ROLES = ["chooser", "detector", "tracker", "tagger", "binder"]


def test_the_trained_network_answers_several_sentences(parts: Parts) -> None:
    results = load("soc", parts)(moving_clip(20), text=TEXTS)
    assert isinstance(results, list)
    assert [result.query for result in results] == TEXTS
    assert all(result.masks.shape == (20, 48, 80) for result in results)


@pytest.mark.parametrize("preset", ASKING)
def test_pivots_are_what_was_answered(preset: str, parts: Parts) -> None:
    with serving(replying(frame=2, box=3)) as (_, url):
        result = load(preset, parts, url)(moving_clip(), text=TEXTS[0])
    assert isinstance(result, Result)
    assert [pivot.frame_index for pivot in result.pivots] == [2, 12]
    decisions = {(each.question, each.section): each for each in result.decisions}
    assert {key: str(each.answer) for key, each in decisions.items()} == {
        ("frame", 0): "2",
        ("frame", 1): "2",
        ("box", 0): "3",
        ("box", 1): "3",
    }
    for section, pivot in enumerate(result.pivots):
        decision = decisions["box", section]
        assert decision.source == "model"
        assert decision.raw
        assert decision.jpeg
        np.testing.assert_array_equal(pivot.box_xyxy, decision.candidates[2].box_xyxy)


@pytest.mark.parametrize(
    ("preset", "frames"), [("paper", [0]), ("local", [2]), ("fast", []), ("local-none", [])]
)
def test_empty_candidates(preset: str, frames: list[int], parts: Parts) -> None:
    changes = ["detector.box_threshold=1.0"]
    if preset == "local-none":
        preset, changes = "local", [*changes, "text.fallback=none"]
    with serving(replying()) as (server, url):
        result = load(preset, parts, url, *changes)(moving_clip(5), text=TEXTS[0])
    assert isinstance(result, Result)
    assert [pivot.frame_index for pivot in result.pivots] == frames
    assert result.status == ("guess" if frames else "not_found")
    assert result.masks.any() == bool(frames)
    assert "box" not in kinds_asked(server)
    if frames:
        assert result.decisions[-1].source == "fallback"
        assert any("best guess on frame" in note for note in result.notes)


@pytest.mark.parametrize(("preset", "frames"), [("paper", [0]), ("local", [2])])
def test_the_chooser_wants_none_of_the_boxes(preset: str, frames: list[int], parts: Parts) -> None:
    with serving(replying(box=-1)) as (_, url):
        guess = load(preset, parts, url)(moving_clip(5), text=TEXTS[0])
        nothing = load(preset, parts, url, "text.fallback=none")(moving_clip(5), text=TEXTS[0])
    assert isinstance(guess, Result)
    assert isinstance(nothing, Result)
    assert [pivot.frame_index for pivot in guess.pivots] == frames
    assert guess.status == "guess"
    assert (nothing.status, list(nothing.pivots)) == ("not_found", [])
    assert [each.answer for each in nothing.decisions] == [2, None]
    assert nothing.decisions[-1].source == "cache"


@pytest.mark.parametrize("preset", ASKING)
def test_a_refusal_is_asked_once_more_then_falls_back(preset: str, parts: Parts) -> None:
    refused = says(None, refusal="I would rather not")
    with serving(replying(frame=lambda body: refused)) as (server, url):
        result = load(preset, parts, url)(moving_clip(5), text=TEXTS[0])
    assert isinstance(result, Result)
    # As published, `paper` asks a question once.
    assert len(server.requests) == (1 if preset == "paper" else 2)
    assert result.status == "guess"
    assert [pivot.frame_index for pivot in result.pivots] == [0]
    assert [each.source for each in result.decisions] == ["fallback", "fallback"]
    assert any("no usable answer" in note for note in result.notes)


@pytest.mark.parametrize("preset", ASKING)
def test_a_question_that_fails_takes_only_its_own_sentence_along(preset: str, parts: Parts) -> None:
    def frame(body: dict[str, object]) -> object:
        return fails(500, "out of order") if TEXTS[0] in text_of(body) else 1

    with serving(replying(frame=frame)) as (_, url):
        results = load(preset, parts, url, "chooser.retries=0")(moving_clip(5), text=TEXTS)
    assert isinstance(results, list)
    assert [result.status for result in results] == ["failed", "ok"]
    assert not results[0].masks.any()
    assert "500" in " ".join(results[0].notes)


def test_a_clip_too_short_for_a_published_section_gets_the_first_frame_s_guess(parts: Parts) -> None:
    with serving(replying(frame=1)) as (server, url):
        result = load("paper", parts, url)(moving_clip(2), text=TEXTS[0])
        assert not server.requests
        asked = load("local", parts, url)(moving_clip(2), text=TEXTS[0])
    assert isinstance(result, Result)
    assert isinstance(asked, Result)
    assert [pivot.frame_index for pivot in result.pivots] == [0]
    assert [each.source for each in result.decisions] == ["fallback"]
    assert [each.source for each in asked.decisions] == ["model", "model"]


def test_several_things_in_one_sentence(parts: Parts) -> None:
    with serving(replying(box=[1, 4])) as (_, url):
        both = load("local", parts, url)(moving_clip(5), text=TEXTS[0])
    singles = []
    for box in (1, 4):
        with serving(replying(box=box)) as (_, url):
            singles.append(load("local", parts, url)(moving_clip(5), text=TEXTS[0]))
    assert isinstance(both, Result)
    assert len(both.pivots) == 2
    np.testing.assert_array_equal(both.masks, singles[0].masks | singles[1].masks)


def test_the_record_on_disk_holds_every_answer(parts: Parts, tmp_path: Path) -> None:
    with serving(replying()) as (_, url):
        result = load("paper", parts, url)(sounding_clip(tmp_path, 5), sound=True)
    assert isinstance(result, Result)
    result.save(tmp_path / "out")
    [record] = json.loads((tmp_path / "out" / "result.json").read_text())["queries"]
    assert [each["question"] for each in record["decisions"]] == ["objects", "box", "box"]
    assert [each["raw"] for each in record["decisions"]] == ["['dog': 2, 'man': 5]", "Well. [1]", "Well. [1]"]
