"""Presets that ask a language model, as a new user meets them: every message says what to do next."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from refervid.cli.app import app
from refervid.datasets.folder import Folder
from refervid.engines.llm.vision import NUMBER
from tests.chat_server import KEY, Answer, fails, says, serving
from tests.clips import write_video
from tests.pipelines.questions import kinds_asked, replying, text_of

HEIGHT, WIDTH, FPS, SECONDS = 96, 160, 1, 8
TEXTS = ("the red disc", "the blue square", "the two things")
SIGHT = replying(frame=1, box=1, check=1, vision=NUMBER)
FOUR_SECTIONS = ("--set", "sections.frame_step=1", "--set", "sections.frames_per_section=2")
EASY = (
    "-p",
    "lite",
    "--set",
    "pipeline=pivot",
    "--set",
    "chooser.kind=server",
    "--set",
    "chooser.retries=0",
    *FOUR_SECTIONS,
)
"""A language model chooses; the rest needs no weights."""


def refervid(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all tests keep what was seen in the clip."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, looked_at: Path) -> Path:
    """Of a newcomer: no key, no answers remembered, no weights."""
    for answers in looked_at.glob("answers.sqlite*"):
        answers.unlink()
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("REFERVID_WEIGHTS", raising=False)
    monkeypatch.setenv("REFERVID_CACHE", str(looked_at))
    return looked_at


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 s: a red disc that goes to and fro, and a blue square that stands."""
    noise = np.random.default_rng(3).integers(90, 150, (24, 40, 1), np.uint8)
    ground = cv2.resize(noise.repeat(3, axis=2), (WIDTH, HEIGHT))
    frames = np.repeat(ground[None], FPS * SECONDS, axis=0)
    for index, frame in enumerate(frames):
        cv2.rectangle(frame, (116, 14), (144, 42), (30, 60, 220), -1)
        cv2.circle(frame, (80 + round(40 * np.sin(index / 5)), 68), 15, (220, 30, 30), -1)
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4", frames, fps=FPS)


def ask(video: Path, out: Path, url: str, *words: object) -> Result:
    return refervid("segment", video, "-o", out, *EASY, "--set", f"chooser.base_url={url}", *words)


def well_said(result: Result, code: int, *hints: str) -> None:
    """The exit code, all that the message must hold, and nothing that only a programmer understands."""
    assert result.exit_code == code, result.output
    for hint in hints:
        assert hint in result.stderr, result.stderr
    assert "Traceback" not in result.output
    assert KEY not in result.output
    assert len(result.stderr) < 4000


def test_paper_without_a_key_names_everything_that_is_missing(video: Path, tmp_path: Path) -> None:
    result = refervid("segment", video, "-t", TEXTS[0], "-p", "paper", "-o", tmp_path / "out")
    weights = "refervid models pull facebook/sam2-hiera-large"
    well_said(result, 1, "api.openai.com", "OPENAI_API_KEY", "grounding-dino-base", weights)
    assert "BEATs" not in result.stderr  # nobody asked for sound
    assert not (tmp_path / "out" / "result.json").exists()


def test_nothing_is_sent_away_unasked(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    result = ask(video, tmp_path / "out", "https://api.example.com/v1", "-t", TEXTS[0])
    well_said(result, 1, "api.example.com", "--allow-remote")


def test_the_estimate_needs_nothing(video: Path, tmp_path: Path) -> None:
    words = [*FOUR_SECTIONS, *(word for text in TEXTS for word in ("-t", text))]
    result = refervid("segment", video, *words, "-p", "paper", "--estimate", "-o", tmp_path / "out")
    well_said(result, 0, "gpt-6.1-sol", "at most 24 questions", "USD")  # 4 sections, 3 sentences
    assert not (tmp_path / "out").exists()
    unpriced = ["--set", "chooser.base_url=https://api.example.com/v1", "--estimate"]
    well_said(refervid("segment", video, *words, "-p", "paper", *unpriced), 0, "chooser.prices.input")
    well_said(refervid("segment", video, *words, "-p", "lite", "--estimate"), 0, "no language model")


@pytest.mark.parametrize(
    ("answer", "hints"),
    [
        (fails(401, f"Incorrect API key provided: {KEY}"), ("key", "OPENAI_API_KEY")),
        (fails(404, "The model does not exist"), ("has no model", "chooser.model=NAME", "llava")),
        (fails(400, "this model does not support images"), ("model with vision", "chooser.model=NAME")),
        (says("I see no picture. 0"), ("sees no pictures", "chooser.model=NAME", "chooser.probe=false")),
        (says('{"number": 0}'), ("sees no pictures", "chooser.model=NAME", "chooser.probe=false")),
    ],
    ids=["wrong key", "unknown model", "no vision", "pictures dropped, prose", "pictures dropped"],
)
def test_a_server_that_cannot_help(
    answer: Answer, hints: tuple[str, ...], video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving(lambda n, body: answer) as (server, url):
        result = ask(video, tmp_path / "out", url, *(word for text in TEXTS for word in ("-t", text)))
    well_said(result, 1, url, *hints)
    assert len(server.requests) <= 2
    assert not (tmp_path / "out" / "result.json").exists()


def everything_written(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_fault_39_a_key_that_a_server_repeats_is_seen_nowhere(
    video: Path,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither in answers that are used nor in those that are not, nor in complaints."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    words = f"your key is {KEY}, Bearer {KEY}"
    content = {"description": words, "match": words, "reason": words, "frame": 1, "chosen": [1], "box": 1,
               "number": NUMBER}  # fmt: skip
    escaped = json.dumps(content).replace("sk-", r"\u0073\u006b-")

    def answer(number: int, body: dict[str, Any]) -> Answer:
        kinds = [says(json.dumps(content)), says(escaped), says(words), fails(500, words), fails(429, words)]
        return kinds[number % len(kinds)]

    texts = [word for text in TEXTS for word in ("-t", text)]
    told = ("--set", "chooser.key_variable=OPENAI_API_KEY", "--set", "chooser.concurrency=1", "--json")
    with serving(answer) as (server, url):
        for attempt in ("a", "b"):
            result = ask(video, tmp_path / attempt, url, *texts, *told)
            assert KEY not in result.output
            assert "Traceback" not in result.output
    assert set(server.keys) == {f"Bearer {KEY}"}
    written = everything_written(tmp_path) | everything_written(cache)
    assert any(b"***" in content for path, content in written.items() if path.name == "answers.sqlite")
    assert any(b"***" in content for path, content in written.items() if path.name == "result.json")
    for path, content in written.items():
        assert KEY.encode() not in content, path
        assert b"0123456789" not in content, path
    assert KEY not in caplog.text


def test_a_password_in_an_address_is_refused_before_anything(
    video: Path, cache: Path, tmp_path: Path
) -> None:
    before = everything_written(cache)
    for address in ("http://someone:opensesame@127.0.0.1:9/v1", "http://someone:opensesame@h: x"):
        result = ask(video, tmp_path / "out", address, "-t", TEXTS[0])
        well_said(result, 2, "chooser.base_url")
        assert "opensesame" not in result.output
    assert everything_written(tmp_path) == {}
    assert everything_written(cache) == before


def test_no_server_at_all(video: Path, tmp_path: Path) -> None:
    with serving(SIGHT) as (_, url):
        pass
    result = ask(video, tmp_path / "out", url, "-t", TEXTS[0])
    well_said(result, 1, url, "start one", "chooser.base_url=URL", "chooser.kind=local")


def test_four_sections_and_three_sentences(video: Path, tmp_path: Path) -> None:
    def answer(number: int, body: dict[str, Any]) -> Answer:
        meant = dict(zip(TEXTS, (1, 2, [1, 2]), strict=True))
        picks = next((boxes for text, boxes in meant.items() if text in text_of(body)), None)
        return replying(frame=2, box=picks, check=picks, vision=NUMBER)(number, body)

    out = tmp_path / "out"
    words = [word for text in TEXTS for word in ("-t", text)]
    with serving(answer) as (server, url):
        result = ask(video, out, url, *words, "--set", "text.check=true", "--json")
        asked = kinds_asked(server)
        well_said(result, 0, "at most 28 questions", "28 questions asked", "free of charge", "report.html")
        assert asked == {"vision": 1, "frame": 12, "box": 12, "check": 3}
        again = ask(video, tmp_path / "again", url, *words, "--set", "text.check=true")
        well_said(again, 0, "0 questions asked, 28 answers remembered")
        assert len(server.requests) == 28
    content = json.loads(result.stdout)
    assert [query["status"] for query in content["queries"]] == ["ok"] * 3
    assert content["spending"]["asked"] == 28
    assert content["spending"]["input_tokens"] == 2800
    for query in content["queries"]:
        assert [d["question"] for d in query["decisions"]].count("check") == 1
        assert all(d["raw"] for d in query["decisions"])
    one, _, two = (np.mean(query["areas"]) for query in content["queries"])
    assert two > 1.5 * one
    page = (out / "report.html").read_text("utf-8")
    assert page.count("Is the result right?") == 3
    assert "28 questions" in page


def test_the_budget_keeps_what_is_done(video: Path, tmp_path: Path) -> None:
    prices = ["--set", "chooser.prices.input=10", "--set", "chooser.prices.output=30"]
    words = [*prices, "--set", "chooser.concurrency=1", *(word for text in TEXTS for word in ("-t", text))]

    with serving(SIGHT) as (server, url):
        short = ask(video, tmp_path / "a", url, *words, "--max-cost", "0.05")
        well_said(short, 1, "may not be enough", "raise --max-cost")  # not one sentence has all its answers
        paid = len(server.requests)
        assert 0 < paid < 25
        enough = ask(video, tmp_path / "b", url, *words, "--max-cost", "1")
        well_said(enough, 0, f"{paid} answers remembered", "USD")
        assert len(server.requests) == 25
    spending = json.loads((tmp_path / "b" / "result.json").read_text())["spending"]
    assert spending["usd"] == pytest.approx((25 - paid) * (100 * 10 + 20 * 30) / 1e6)


def test_a_budget_that_suffices_for_some_sentences_gives_those(video: Path, tmp_path: Path) -> None:
    prices = ["--set", "chooser.prices.input=10", "--set", "chooser.prices.output=30"]
    words = [*prices, "--set", "chooser.concurrency=1", "-t", TEXTS[0], "-t", TEXTS[1]]
    with serving(SIGHT) as (_, url):
        ask(video, tmp_path / "a", url, *words[:-2])  # the answers on the first sentence are there already
        some = ask(video, tmp_path / "b", url, *words, "--max-cost", "0")
    well_said(some, 3, "raise --max-cost")
    queries = json.loads((tmp_path / "b" / "result.json").read_text())["queries"]
    assert [query["status"] for query in queries] == ["ok", "failed"]


def test_a_budget_without_prices_is_refused(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    words = ("-t", TEXTS[0], "--max-cost", "1", "--allow-remote")
    result = ask(video, tmp_path / "out", "https://api.example.com/v1", *words)
    well_said(result, 2, "chooser.prices.input", "chooser.prices.output")


def evaluate(url: str, root: Path, out: Path, *words: object) -> Result:
    server = ["--set", f"chooser.base_url={url}", "--set", "chooser.concurrency=1"]
    prices = ["--set", "chooser.prices.input=10", "--set", "chooser.prices.output=30"]
    return refervid("evaluate", "folder", "--root", root, "-o", out, *EASY, *server, *prices, *words)


def test_an_evaluation_stops_at_its_budget_and_goes_on(tmp_path: Path) -> None:
    root, out = tmp_path / "data", tmp_path / "out"
    Folder.make_sample(root)
    with serving(SIGHT) as (server, url):
        first = evaluate(url, root, out, "--max-cost", "0.025", "--json")
        well_said(first, 3, "may not be enough", "stopped", "with --resume")
        content = json.loads(first.stdout)
        assert not content["complete"]
        assert content["spending"]["usd"] <= 0.025
        paid = len(server.requests)
        assert paid
        # Another limit, another patience: the answers do not depend on them.
        done = evaluate(
            url, root, out, "--max-cost", "1", "--set", "chooser.timeout_s=300", "--resume", "--json"
        )
        well_said(done, 0, f"{paid} answer")
        assert json.loads(done.stdout)["complete"]
    estimate = evaluate(url, root, tmp_path / "other", "--estimate")
    well_said(estimate, 0, "questions", "USD")
    assert not (tmp_path / "other").exists()


def test_a_budget_is_not_for_clusters(tmp_path: Path) -> None:
    Folder.make_sample(tmp_path / "data")
    words = ("--max-cost", "1", "--ray", "local")
    well_said(evaluate("http://127.0.0.1:9", tmp_path / "data", tmp_path / "out", *words), 2, "--ray")


@pytest.mark.parametrize("command", ["segment", "evaluate"])
def test_help_names_the_options(command: str) -> None:
    words = re.sub(r"\x1b\[[0-9;]*m", "", refervid(command, "--help").stdout)
    assert "--max-cost" in words
    assert "--estimate" in words
