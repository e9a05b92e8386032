"""Tokens and money: what is booked, what is refused, and what is foretold."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from refervid.core.errors import BudgetExceeded, ServerFailed, SettingsError
from refervid.engines.base import PlannedQuestions, Runtime
from refervid.engines.llm.engines import (
    LocalChooser,
    LocalChooserSettings,
    ServerChooser,
    ServerChooserSettings,
)
from refervid.engines.llm.spending import EXPECTED_OUTPUT, picture_tokens
from refervid.engines.questions import FrameChoice, FrameQuestion
from refervid.media.sections import PAPER, Section
from tests.chat_server import fails, says, serving

PATIENCE_S = 60
PRICES = {"input": 10.0, "output": 30.0}
ONE = (100 * 10 + 20 * 30) / 1e6
"""US dollars of one answer of the test server."""


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., ServerChooser]:
    def make(url: str, max_cost: float | None = None, **settings: Any) -> ServerChooser:
        options = ServerChooserSettings(
            base_url=url,
            model="m",
            **{"prices": PRICES, "retries": 0, "concurrency": 1, "probe": False, **settings},
        )
        return ServerChooser.build(options, Runtime("cpu", "auto", False, tmp_path, max_cost))

    return make


def ask(chooser: ServerChooser, section: Section, count: int) -> list[FrameChoice]:
    return chooser.pick_frames([FrameQuestion(section, str(number)) for number in range(count)])


def test_the_budget_stops_before_the_question(section: Section, build: Callable[..., ServerChooser]) -> None:
    with serving(lambda n, body: says('{"frame": 4}')) as (server, url):
        chooser = build(url, 0.03)
        choices = ask(chooser, section, 20)
        paid = len(server.requests)
        assert 0 < paid < 20
        assert [choice.error is None for choice in choices] == [True] * paid + [False] * (20 - paid)
        assert isinstance(choices[-1].error, BudgetExceeded)
        assert "--max-cost" in str(choices[-1].error)
        assert chooser.spending().usd == pytest.approx(paid * ONE)
        assert paid * ONE <= 0.03
        again = build(url, 1.0)  # what was paid is remembered, the rest is asked now
        assert all(choice.frame_index == 30 for choice in ask(again, section, 20))
        assert again.spending().from_cache == paid
        assert len(server.requests) == 20


@pytest.mark.parametrize("limit", [0.03, 0.1, 0.3, 0.7])
@pytest.mark.parametrize("habit", ["short", "as long as allowed", "longer than allowed", "uncounted"])
def test_no_number_of_questions_at_a_time_passes_the_budget(
    habit: str, limit: float, section: Section, build: Callable[..., ServerChooser]
) -> None:
    """Each costs what the server says; a model that counts otherwise than foretold shows it by its first."""
    lock, charged = threading.Lock(), [0.0]
    together = threading.Barrier(2)

    def answer(n: int, body: dict[str, Any]) -> tuple[int, Any]:
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(0.1)  # as many at a time as there may be
        most = int(body["max_tokens"])
        tokens = {"short": 20, "longer than allowed": 900}.get(habit, most)
        asked = 4000 if habit == "longer than allowed" else 1500
        with lock:
            charged[0] += (asked * 10 + tokens * 30) / 1e6
        usage = {"prompt_tokens": asked, "completion_tokens": tokens}
        return 200, {**says('{"frame": 4}')[1], "usage": None if habit == "uncounted" else usage}

    with serving(answer) as (server, url):
        chooser = build(url, limit, concurrency=8)
        choices = ask(chooser, section, 24)
    if habit == "longer than allowed" and limit < 0.07:
        assert len(server.requests) == 1  # nobody could know
    else:
        assert charged[0] <= limit
    assert server.requests
    failed = [choice for choice in choices if choice.error is not None]
    assert len(failed) == 24 - len(server.requests)
    assert all(isinstance(choice.error, BudgetExceeded) for choice in failed)
    if habit != "uncounted":
        assert chooser.spending().usd == pytest.approx(charged[0])


def test_a_budget_lets_several_questions_go_at_a_time(
    section: Section, build: Callable[..., ServerChooser]
) -> None:
    """Three meet at the server once the first has shown how the model counts."""
    together = threading.Barrier(3)

    def answer(n: int, body: dict[str, Any]) -> tuple[int, Any]:
        if n:
            together.wait(PATIENCE_S)
        return says('{"frame": 4}')

    with serving(answer) as (server, url):
        assert all(choice.error is None for choice in ask(build(url, 5.0, concurrency=3), section, 7))
    assert len(server.requests) == 7


def test_an_answer_that_got_lost_is_paid_for(section: Section, build: Callable[..., ServerChooser]) -> None:
    """The server may have given it."""
    answers = [(0, None), says('{"frame": 4}'), (0, None), fails(503, "busy")]
    with serving(lambda n, body: answers[n]) as (server, url):
        chooser = build(url, 1.0, retries=1)
        first, second = ask(chooser, section, 2)
    assert (first.frame_index, len(server.requests)) == (30, 4)
    assert isinstance(second.error, ServerFailed)
    most = [body["max_tokens"] * 30 / 1e6 for body in server.requests]
    assert (chooser.spending().usd or 0) > ONE + most[0] + most[2]


@pytest.mark.parametrize("given", [None, 300])
def test_servers_have_two_words_for_the_length(
    given: int | None, section: Section, build: Callable[..., ServerChooser]
) -> None:
    def newer(n: int, body: dict[str, Any]) -> tuple[int, Any]:
        if "max_tokens" in body:
            return fails(400, "Unsupported parameter: use 'max_completion_tokens' instead of 'max_tokens'.")
        return says('{"frame": 4}')

    with serving(newer) as (server, url):
        ask(build(url, 1.0, max_tokens=given), section, 2)
    assert ["max_tokens" in body for body in server.requests] == [True, False, False]
    lengths = [body["max_completion_tokens"] for body in server.requests[1:]]
    assert lengths == [given] * 2 if given else min(lengths) > 1000


def test_unusable_replies_cost_too(section: Section, build: Callable[..., ServerChooser]) -> None:
    answers = [says("no idea"), says(None, refusal="no"), *[fails(500, "broken")] * 2]
    with serving(lambda n, body: answers[n]) as (_, url):
        chooser = build(url)
        ask(chooser, section, 2)
    spent = chooser.spending()
    assert spent.asked == 2  # the server that broke charges nothing
    assert spent.input_tokens == 200
    assert spent.output_tokens == 40


def test_a_server_that_does_not_count(section: Section, build: Callable[..., ServerChooser]) -> None:
    answer = {**says('{"frame": 4}')[1], "usage": None}
    with serving(lambda n, body: (200, answer)) as (_, url):
        chooser = build(url)
        ask(chooser, section, 1)
    assert chooser.spending().output_tokens == EXPECTED_OUTPUT
    assert chooser.spending().usd


def test_prices() -> None:
    def known(**settings: Any) -> list[float | None]:
        models = ServerChooserSettings(**settings).models
        return [None if prices is None else prices.input for _, prices in models]

    openai = "https://api.openai.com/v1"
    assert known() == [0, 0]  # this machine
    assert known(base_url=openai, model="gpt-4-turbo-2024-04-09", box_model="gpt-4o-2024-05-13") == [10, 5]
    assert known(base_url=openai, model="gpt-99") == [None, None]
    assert known(base_url=openai, model="gpt-6.1-sol") == [2, 2]
    assert known(base_url="https://api.example.com/v1", model="gpt-4o-2024-05-13") == [None, None]
    assert known(base_url=openai, model="gpt-99", prices={"input": 3, "output": 4}) == [3, 3]
    with pytest.raises(ValueError, match="output"):
        known(prices={"input": 3})  # half a price would count the other half as nothing


def test_prices_of_one_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "prices.yaml"
    monkeypatch.setenv("REFERVID_PRICES", str(file))

    def known(model: str, base_url: str) -> float | None:
        prices = ServerChooserSettings(model=model, base_url=base_url).models[0][1]
        return None if prices is None else prices.output

    file.write_text("new-model: {input: 1, output: 7}\ngpt-6.1-sol: {input: 1, output: 5.5}\n")
    assert known("new-model", "https://api.example.com/v1") == 7
    assert known("new-model", "http://127.0.0.1:1234/v1") == 7  # what a gateway on this machine charges
    assert known("gpt-6.1-sol", "https://api.openai.com/v1") == 5.5
    assert known("gpt-6-luna", "https://api.openai.com/v1") == 0.5
    for wrong in (
        "- 3",
        "new-model: 3",
        "new-model: {input: 1}",
        "new-model: {input: -1, output: 2}",
        "a: [b",
        "a: " + "[" * 5000,
    ):
        file.write_text(wrong)
        with pytest.raises(SettingsError, match="holds no prices"):
            known("new-model", "https://api.example.com/v1")
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(SettingsError, match="pipe or device"):
        known("new-model", "https://api.example.com/v1")
    file.unlink()
    with pytest.raises(SettingsError, match="REFERVID_PRICES"):
        known("new-model", "https://api.example.com/v1")


def test_a_budget_needs_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    settings = ServerChooserSettings(base_url="https://api.example.com/v1", model="m")
    with pytest.raises(SettingsError, match=r"chooser\.prices\.input"):
        ServerChooser.build(settings, Runtime("cpu", "auto", True, tmp_path, 1.0))
    ServerChooser.build(settings, Runtime("cpu", "auto", True, tmp_path))


@pytest.mark.parametrize(
    ("size", "tokens"),
    [
        ((500, 1405), 85 + 3 * 170),  # the specification's example: 3 tiles
        ((512, 512), 85 + 170),
        ((4096, 8192), 85 + 2 * 3 * 170),  # shrunk to 768 x 1536
    ],
)
def test_tokens_of_a_picture(size: tuple[int, int], tokens: int) -> None:
    assert picture_tokens(*size) == tokens


def test_estimates_need_neither_key_nor_server(section: Section, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings = ServerChooserSettings(
        base_url="https://api.openai.com/v1",
        model="gpt-4-turbo-2024-04-09",
        box_model="gpt-4o-2024-05-13",
        probe=False,
    )
    paper = Section(section.clip, 0, section.frame_indices, PAPER)
    planned = [PlannedQuestions("frame", 3, *paper.size), PlannedQuestions("box", 3, *paper.size)]
    expected = ServerChooser.estimate(settings, planned)
    assert expected.asked == 6
    assert expected.output_tokens == 6 * EXPECTED_OUTPUT
    halves = [ServerChooser.estimate(settings, [one]).usd or 0 for one in planned]
    assert expected.usd == pytest.approx(sum(halves))
    assert halves[0] > halves[1]  # the model for frames is the dearer one
    unpriced = ServerChooserSettings(base_url="https://api.example.com/v1")
    assert ServerChooser.estimate(unpriced, planned).usd is None
    assert LocalChooser.estimate(LocalChooserSettings(), planned).usd == 0
