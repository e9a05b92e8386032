"""What is paid for, kept and sent: answers once, keys nowhere, pictures only where they may go."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from refervid.core.errors import (
    ChooserUnavailable,
    NotInCache,
    RemoteNotAllowed,
    ReplyUnreadable,
    SettingsError,
)
from refervid.engines.llm.engines import ServerChooser, ServerChooserSettings
from refervid.engines.questions import FrameQuestion
from refervid.engines.registry import engine_settings
from refervid.media.sections import Section
from tests.chat_server import KEY, says, serving
from tests.pipelines.questions import text_of


def test_a_replay_needs_no_key_and_no_permission(
    section: Section, build: Callable[..., ServerChooser], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    remote = "https://api.example.com/v1"
    chooser = build(remote, replay=True, probe=True)
    [choice] = chooser.pick_frames([FrameQuestion(section, "the dog")])
    assert isinstance(choice.error, NotInCache)
    assert ServerChooser.missing(ServerChooserSettings(base_url=remote, replay=True)) == []


def test_answers_are_paid_once_and_replayed_offline(
    section: Section, build: Callable[..., ServerChooser]
) -> None:
    """Fault 24."""
    questions = [FrameQuestion(section, "the dog"), FrameQuestion(section, "the cat")]
    with serving(lambda n, body: says('{"frame": 4}')) as (server, url):
        build(url).pick_frames(questions[:1])
        again = build(url)
        choices = again.pick_frames(questions[:1])
        assert len(server.requests) == 1
        assert (again.spending().from_cache, again.spending().asked) == (1, 0)
    assert (choices[0].frame_index, choices[0].decision.source) == (30, "cache")
    offline = build(url, replay=True)
    known, unknown = offline.pick_frames(questions)
    assert known.frame_index == 30
    assert isinstance(unknown.error, NotInCache)


def test_a_kept_reply_that_is_no_answer_any_more_is_asked_anew(
    section: Section, build: Callable[..., ServerChooser], tmp_path: Path
) -> None:
    question = [FrameQuestion(section, "the dog")]
    with serving(lambda n, body: says('{"frame": 4}')) as (server, url):
        build(url).pick_frames(question)
        with sqlite3.connect(tmp_path / "answers.sqlite") as database:
            database.execute("update answers set reply = ?", ("frame four",))
        [replayed] = build(url, replay=True).pick_frames(question)
        assert isinstance(replayed.error, ReplyUnreadable)
        assert "run once without replay" in str(replayed.error)
        assert (replayed.decision.source, replayed.decision.raw) == ("replay", "frame four")
        for source in ("model", "cache"):
            [choice] = build(url).pick_frames(question)
            assert (choice.frame_index, choice.decision.source) == (30, source)
    assert len(server.requests) == 2


def test_another_model_picture_or_prompt_is_another_question(
    section: Section, build: Callable[..., ServerChooser]
) -> None:
    other = Section(section.clip, 1, (5, 15, 25, 35, 45))
    with serving(lambda n, body: says('{"frame": 4}')) as (server, url):
        build(url).pick_frames([FrameQuestion(section, "the dog")])
        build(url).pick_frames([FrameQuestion(other, "the dog")])
        build(url, temperature=0.5).pick_frames([FrameQuestion(section, "the dog")])
        build(url, form="brackets").pick_frames([FrameQuestion(section, "the dog")])
    assert len(server.requests) == 4


def test_two_models_and_two_prompts_share_one_file_of_answers(
    section: Section, build: Callable[..., ServerChooser]
) -> None:
    """Also at the same time, and when all is replayed."""
    meant = {("a", "dog"): 1, ("a", "cat"): 2, ("b", "dog"): 3, ("b", "cat"): 4}

    def answer(n: int, body: dict[str, Any]) -> tuple[int, Any]:
        animal = "dog" if "dog" in text_of(body) else "cat"
        return says(f'{{"frame": {meant[body["model"], animal]}}}')

    def chosen(url: str, model: str, **settings: Any) -> list[int | None]:
        questions = [FrameQuestion(section, f"the {animal}") for animal in ("dog", "cat")]
        return [one.frame_index for one in build(url, model=model, **settings).pick_frames(questions)]

    with serving(answer) as (server, url):
        for _ in range(2):
            with ThreadPoolExecutor(4) as pool:
                found = list(pool.map(lambda model: chosen(url, model), "abab"))
            assert found == [[0, 10], [20, 30]] * 2
        paid = len(server.requests)
        assert 4 <= paid <= 8  # two that ask at the same moment may both pay
        assert [chosen(url, model, replay=True) for model in "ab"] == [[0, 10], [20, 30]]
        assert len(server.requests) == paid
        # Another wording or picture size of the same sentence is another question.
        assert chosen(url, "a", form="brackets") == [0, 10]
        assert len(server.requests) == paid + 2


def test_nothing_leaves_this_machine_unasked(build: Callable[..., ServerChooser]) -> None:
    """Fault 26."""
    for url in ("https://api.example.com/v1", "http://192.0.2.1/v1", "http://127.0.0.1.example.com/v1"):
        with pytest.raises(RemoteNotAllowed, match="--allow-remote"):
            build(url)
    build("https://api.example.com/v1", allow_remote=True)
    build("http://[::1]:8000/v1")


def test_a_server_cannot_send_pictures_on(section: Section, build: Callable[..., ServerChooser]) -> None:
    with (
        serving(lambda n, body: says('{"frame": 2}')) as (elsewhere, other),
        serving(lambda n, body: (307, f"{other}/chat/completions")) as (_, url),
        pytest.raises(ChooserUnavailable, match=f"{other}.*chooser.base_url=URL"),
    ):
        build(url).pick_frames([FrameQuestion(section, "the dog")])
    assert elsewhere.requests == []


def test_this_machine_is_asked_without_a_proxy(
    section: Section, build: Callable[..., ServerChooser], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with (
        serving(lambda n, body: says('{"frame": 1}')) as (proxy, proxy_url),
        serving(lambda n, body: says('{"frame": 2}')) as (server, url),
    ):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy_url.removesuffix("/v1"))
        [choice] = build(url).pick_frames([FrameQuestion(section, "the dog")])
    assert proxy.requests == []
    assert len(server.requests) == 1
    assert choice.frame_index == 10


@pytest.mark.parametrize(
    "url", ["foo", "", "ftp://127.0.0.1/v1", "http://", "http://127.0.0.1:99999/v1", "http://[::1"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(SettingsError, match=r"chooser\.base_url: .*give one like http://127"):
        engine_settings("chooser", {"kind": "server", "base_url": url})


@pytest.mark.parametrize(
    "url",
    [
        "http://someone:opensesame@127.0.0.1/v1",
        "http://opensesame@127.0.0.1/v1",
        "http://127.0.0.1/v1?key=opensesame",
        "http://127.0.0.1/v1#opensesame",
        "http://someone:opensesame@[::1/v1",
        "someone:opensesame@127.0.0.1",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match=r"chooser\.base_url: .*like http://127") as caught:
        engine_settings("chooser", {"kind": "server", "base_url": url})
    assert "opensesame" not in str(caught.value)


def test_everyone_reads_the_same_host_in_an_address() -> None:
    """A browser takes a backslash for a slash, and shortened numbers for addresses."""
    for url in (r"http://127.0.0.1\.example.com/v1", "http://127.1/.example.com/v1"):
        assert ServerChooserSettings(base_url=url).base_url == "http://127.0.0.1/.example.com/v1"
    assert ServerChooserSettings(base_url="http://LOCALHOST:1/v1").base_url == "http://localhost:1/v1"


def test_remote_servers_need_a_key(
    build: Callable[..., ServerChooser], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ChooserUnavailable, match="OPENAI_API_KEY"):
        build("https://api.example.com/v1", allow_remote=True)
    assert ServerChooser.missing(ServerChooserSettings(base_url="https://api.example.com/v1"))


def test_the_key_is_kept_nowhere(
    section: Section, build: Callable[..., ServerChooser], tmp_path: Path
) -> None:
    with serving(lambda n, body: says('{"frame": 4}')) as (server, url):
        [choice] = build(url).pick_frames([FrameQuestion(section, "the dog")])
    assert server.keys == [f"Bearer {KEY}"]
    assert KEY not in repr(choice)
    assert KEY.encode() not in (tmp_path / "answers.sqlite").read_bytes()
