"""Prompts as files that a user may replace."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from refervid.core.errors import SettingsError
from refervid.core.types import Candidate, Label, Waveform
from refervid.engines.llm.engines import ServerChooser, ServerChooserSettings
from refervid.engines.llm.wording import Wording
from refervid.engines.questions import BoxQuestion, FrameQuestion, SoundQuestion
from refervid.media.sections import Section
from tests.chat_server import says, serving
from tests.pipelines.questions import text_of

PROMPTS = Path(str(files("refervid.engines.llm"))) / "prompts"


def test_a_folder_replaces_what_it_has(
    section: Section, build: Callable[..., ServerChooser], tmp_path: Path
) -> None:
    own = tmp_path / "prompts"
    own.mkdir()
    (own / "frame-v1.txt").write_text("Of $count frames, which shows $expression? It costs $$5.\n")
    (own / "frame-v1.brackets.txt").write_text("")
    settings: dict[str, Any] = {"form": "brackets", "prompts": own}
    with serving(lambda n, body: says("[2]")) as (server, url):
        [choice] = build(url, **settings).pick_frames([FrameQuestion(section, "a cup")])
        assert text_of(server.requests[0]) == 'Of 5 frames, which shows "a cup"? It costs $5.'
        assert str(choice.decision.prompt_version).startswith("frame-v1 ")
        build(url, form="brackets").pick_frames([FrameQuestion(section, "a cup")])
        assert "Work through two tasks" in text_of(server.requests[1])  # another question, so not remembered
    before = ServerChooserSettings(**settings).model_dump(mode="json")
    (own / "frame-v1.txt").write_text("Which of $count frames shows $expression?")
    after = ServerChooserSettings(**settings).model_dump(mode="json")
    assert {name for name in after if after[name] != before[name]} == {"prompts_digest"}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("frame-v2.txt", "x", "is no prompt that is asked"),
        ("frame-v1.txt", "Which frame shows $sentence?", "$sentence is not filled in"),
        ("frame-v1.txt", "Which frame?", "$expression is missing"),
        ("objects-v1.txt", "Which objects?", "$labels is missing"),
        ("box-v1.txt", "It costs 5$ to find $expression", "write $$"),
        ("box-v1.one.txt", "box of $count", "placeholders of box-v1.one: none"),
        ("box-v1.txt", "$expression" * 9000, "that is no question"),
        ("note.md", "x", "holds no .txt file"),
    ],
)
def test_prompts_that_cannot_be_asked_are_refused(name: str, text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError) as problem:
        Wording(tmp_path)
    assert said in str(problem.value)


def test_the_package_s_own_prompts_are_such_a_folder(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(PROMPTS, copy)
    assert Wording(copy).digest == Wording().digest
    shutil.copytree(PROMPTS / "paper", copy, dirs_exist_ok=True)
    assert Wording(copy).digest == Wording("paper").digest != Wording().digest
    with pytest.raises(SettingsError, match="there is no folder"):
        Wording(tmp_path / "nowhere")


SILENCE = Waveform(np.zeros(16_000, np.float32), 16_000)


def test_sounds_are_asked_about_as_published(section: Section, build: Callable[..., ServerChooser]) -> None:
    boxes = [Candidate(np.array([8, 6, 24, 36], np.float32), 0.5, "a phrase")] * 2
    with serving(lambda n, body: says("['dog': 1]" if n == 0 else "[2]")) as (server, url):
        chooser = build(url, prompts="paper", form="brackets")
        labels = [Label("Bark", 0.9), Label("Typing", 0.1)]
        chooser.sounding_objects(SoundQuestion(section, SILENCE, labels, ("dog", "keyboard")))
        chooser.pick_boxes([BoxQuestion(section, 20, boxes, "dog", sounding=True)])
    objects, box = map(text_of, server.requests)
    assert "dog, keyboard. A keyboard in this list is that of a computer." in objects
    assert '["Bark", "Typing"].' in objects
    assert "box 2 (magenta): centre 0.2000, 0.3500, width 0.2000, height 0.5000" in box
    assert "a phrase" not in box


def test_nothing_is_added_in_paper(section: Section, build: Callable[..., ServerChooser]) -> None:
    with serving(lambda n, body: says("I cannot tell")) as (server, url):
        chooser = build(url, prompts="paper", form="brackets", correct=False)
        [choice] = chooser.pick_frames([FrameQuestion(section, "a cup")])
    assert (choice.frame_index, choice.decision.source) == (None, "fallback")
    [request] = server.requests
    assert "not meant for you" not in text_of(request)
