"""The preset `agent` from sentences to masks: true tracks, a real server, and a model that judges as told."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import refervid
from refervid.core.errors import BudgetExceeded
from refervid.core.types import TextReference
from refervid.datasets.synthetic.clips import MadeClip, make_clip
from refervid.datasets.synthetic.scene import SceneSettings
from refervid.engines.llm.spending import picture_tokens
from refervid.media.pictures import decode_jpeg
from refervid.pipelines.base import Pipeline
from refervid.report.result import Result
from tests.chat_server import Answer, fails, says, serving
from tests.pipelines.questions import kinds_asked, picture_of, text_of
from tests.pipelines.tracks.eye import (
    NamedFinder,
    TrueFinder,
    answering,
    clip_of,
    judged,
    keeping,
    names,
    numbers_of,
    perfect_eye,
    true_masks,
)

TEXT = "the star that was first"
SMALL = ("rounds.style.long_side=512", "rounds.style.short_side=384")
FULL_SIZE = ("rounds.style.long_side=2048", "rounds.style.short_side=1152")


def the_clip() -> MadeClip:
    """Four things, three of them red stars that time alone tells apart."""
    return make_clip(SceneSettings(frames=20), "test", 3)


@pytest.fixture(scope="module")
def made() -> MadeClip:
    return the_clip()


def load(url: str, finder: Any, *changes: str, **options: Any) -> Pipeline:
    settings = [
        f"chooser.base_url={url}",
        "chooser.probe=false",
        "chooser.retries=0",
        "detector.kind=motion",
        "tracker.kind=embedded",
        "tagger.kind=energy",
        "binder.kind=synchrony",
        *SMALL,
        *changes,
    ]
    return refervid.load("agent", device="cpu", settings=settings, finder=finder, **options)


def ask(made: MadeClip, url: str, *changes: str, text: str = TEXT, **options: Any) -> Result:
    result = load(url, TrueFinder(made), *changes, **options)(clip_of(made), text=text)
    assert isinstance(result, Result)
    return result


def test_what_is_kept_is_the_answer(made: MadeClip) -> None:
    with serving(answering(keeping(2))) as (server, url):
        result = ask(made, url)
    assert result.status == "ok"
    np.testing.assert_array_equal(result.masks, true_masks(made, 1).stack())
    assert kinds_asked(server) == {"tracks": 1, "check": 1}
    [one, check] = result.decisions
    assert (one.question, one.answer, one.source) == ("round 1", "keep 2; drop 1, 3, 4", "model")
    assert one.reason.startswith("Track 1: because of 1")
    assert one.raw
    assert one.jpeg
    assert check.answer == "right"
    assert result.confidence == pytest.approx(0.9)


def test_several_may_be_meant(made: MadeClip) -> None:
    with serving(answering(keeping(2, 3))) as (_, url):
        result = ask(made, url)
    assert [one.id for one in result.objects] == [1, 2]
    np.testing.assert_array_equal(result.masks, np.isin(made.ids, (2, 3)))


def test_the_undecided_get_frames_of_their_own(made: MadeClip) -> None:
    def tracks(body: dict[str, Any]) -> Answer:
        if numbers_of(body) == [1, 2, 3, 4]:
            return judged({1: "drop", 2: "unsure", 3: "unsure"})
        assert numbers_of(body) == [2, 3, 4]
        return judged({2: "keep", 3: "drop", 4: "drop"})

    with serving(answering(tracks)) as (server, url):
        result = ask(made, url, "rounds.frames=8")
    assert result.status == "ok"
    np.testing.assert_array_equal(result.masks, true_masks(made, 1).stack())
    asked = [body for body in server.requests if "Which of the things" in text_of(body)]
    times = [
        set(text_of(body).split("these seconds: ")[1].split(". Things")[0].split(", ")) for body in asked
    ]
    seconds = [{time.split(" at ")[1] for time in one} for one in times]
    assert len(seconds[0]) == 8
    assert not seconds[0] & seconds[1]
    assert "then you are shown others" in text_of(asked[0])


def test_more_tracks_than_a_picture_can_show_are_asked_about_one_after_another(made: MadeClip) -> None:
    with serving(answering(keeping(4))) as (server, url):
        result = ask(made, url, "rounds.tracks=3")
    asked = [numbers_of(body) for body in server.requests if "Which of the things" in text_of(body)]
    assert sorted(asked) == [[1, 3], [2, 4]]
    assert result.status == "ok"
    np.testing.assert_array_equal(result.masks, true_masks(made, 3).stack())


def test_who_stays_undecided_is_a_guess(made: MadeClip) -> None:
    verdicts = {1: "drop", 2: "unsure", 3: "drop", 4: "drop"}

    def tracks(body: dict[str, Any]) -> Answer:
        return judged({number: verdicts[number] for number in numbers_of(body)})

    with serving(answering(tracks)) as (server, url):
        result = ask(made, url)
    assert kinds_asked(server)["tracks"] == 3
    assert "No further frames are shown" in text_of(server.requests[2])
    assert result.status == "guess"
    assert "nobody could tell whether it is this: track 2" in result.notes
    np.testing.assert_array_equal(result.masks, true_masks(made, 1).stack())


def test_what_is_undecided_beside_what_is_kept_is_left_out(made: MadeClip) -> None:
    def tracks(body: dict[str, Any]) -> Answer:
        return judged({n: "keep" if n == 1 else "unsure" for n in numbers_of(body)})

    with serving(answering(tracks)) as (_, url):
        result = ask(made, url)
    assert result.status == "ok"
    assert "undecided, and left out: tracks 2, 3, 4" in result.notes
    np.testing.assert_array_equal(result.masks, true_masks(made, 0).stack())


def test_where_all_are_dropped_nothing_is_found_and_the_reasons_say_why(made: MadeClip) -> None:
    with serving(answering(keeping())) as (server, url):
        result = ask(made, url)
    assert result.status == "not_found"
    assert not result.masks.any()
    assert kinds_asked(server) == {"tracks": 1}
    assert any(
        "nothing that was followed is meant. triangle (track 1): because of 1" in n for n in result.notes
    )


def test_who_contradicts_itself_is_asked_once_more(made: MadeClip) -> None:
    def tracks(body: dict[str, Any]) -> Answer:
        if "could not be used" in text_of(body):
            return keeping(1)(body)
        twice = [{"track": 1, "verdict": verdict, "reason": ""} for verdict in ("keep", "drop")]
        return says(json.dumps({"tracks": twice}))

    with serving(answering(tracks)) as (server, url):
        result = ask(made, url)
    assert kinds_asked(server)["tracks"] == 2
    assert result.status == "ok"
    np.testing.assert_array_equal(result.masks, true_masks(made, 0).stack())


def test_who_never_answers_leaves_the_surest_track_as_a_guess(made: MadeClip) -> None:
    finder = TrueFinder(made)
    finder.tracks[2].scores[:] = 1.0
    with serving(answering(lambda body: says(None, refusal="I would rather not"))) as (server, url):
        result = load(url, finder)(clip_of(made), text=TEXT)
    assert isinstance(result, Result)
    assert kinds_asked(server)["tracks"] == 2  # a question and its correction, and no further round
    assert result.status == "guess"
    assert any("no usable answer" in note for note in result.notes)
    np.testing.assert_array_equal(result.masks, true_masks(made, 2).stack())


def test_the_check_may_name_others(made: MadeClip) -> None:
    def rejects(body: dict[str, Any]) -> Answer:
        return says(json.dumps({"reason": "the other one", "chosen": [3]}))

    with serving(answering(keeping(2), check=rejects)) as (_, url):
        result = ask(made, url)
    assert any("the check rejected" in note for note in result.notes)
    assert result.masks[0][made.ids[0] == 3].mean() > 0.9
    assert not result.masks[0][made.ids[0] == 2].any()


def test_a_question_that_fails_takes_only_its_own_sentence_along(made: MadeClip) -> None:
    def tracks(body: dict[str, Any]) -> Answer:
        return fails(500, "out of order") if TEXT in text_of(body) else keeping(1)(body)

    with serving(answering(tracks)) as (_, url):
        results = load(url, TrueFinder(made))(clip_of(made), text=[TEXT, "the triangle"])
    assert isinstance(results, list)
    assert [result.status for result in results] == ["failed", "ok"]
    assert "500" in " ".join(results[0].notes)


def test_concepts_and_tracks_are_shared_by_all_sentences(made: MadeClip) -> None:
    def concepts(body: dict[str, Any]) -> Answer:
        return names("star", related=["triangle"]) if "beside" in text_of(body) else names("triangle")

    texts = ["the star beside it", "the triangle"]
    finder = NamedFinder(made)
    eye = perfect_eye({texts[0]: [4], texts[1]: [1]})
    with serving(answering(eye, concepts)) as (server, url):
        results = load(url, finder)(clip_of(made), text=texts)
    assert isinstance(results, list)
    assert [result.status for result in results] == ["ok", "ok"]
    assert finder.asked == [("star", "triangle")]
    # One about what each sentence names, one round each, a check where there is something to confuse it with.
    assert kinds_asked(server) == {"concepts": 2, "tracks": 2, "check": 1}
    pictures = {picture_of(body) for body in server.requests if "A detector is to look" in text_of(body)}
    assert len(pictures) == 1
    [star] = [text_of(body) for body in server.requests if "Which of the things 2, 3, 4" in text_of(body)]
    assert "track 1 (green): triangle, for orientation alone" in star
    assert results[0].decisions[0].answer == "star; beside triangle"


def test_what_nobody_finds_is_not_asked_about(made: MadeClip) -> None:
    with serving(answering(keeping(), lambda body: names("elephant"))) as (server, url):
        result = load(url, NamedFinder(made))(clip_of(made), text="the elephant")
    assert isinstance(result, Result)
    assert result.status == "not_found"
    assert kinds_asked(server) == {"concepts": 1}
    assert "looked for elephant, and found none" in result.notes


def test_rules_may_read_the_sentence(made: MadeClip) -> None:
    finder = NamedFinder(made)
    with serving(answering(keeping(4))) as (server, url):
        result = load(url, finder, "reader.kind=rules")(clip_of(made), text="the star above the triangle")
    assert isinstance(result, Result)
    assert finder.asked == [("star", "triangle")]
    assert "concepts" not in kinds_asked(server)
    assert result.decisions[0].source == "rules"
    np.testing.assert_array_equal(result.masks, true_masks(made, 3).stack())


def test_brackets_are_read_too(made: MadeClip) -> None:
    def reply(number: int, body: dict[str, Any]) -> Answer:
        text = text_of(body)
        if "two lists" in text:
            return says("I see stars. meant ['Star'] related []")
        return says("Well. keep [4] drop [2, 3] unsure []" if "three lists" in text else "[3]")

    with serving(reply) as (_, url):
        result = load(url, NamedFinder(made), "chooser.form=brackets")(clip_of(made), text=TEXT)
    assert isinstance(result, Result)
    assert result.status == "ok"
    np.testing.assert_array_equal(result.masks, true_masks(made, 3).stack())


PRICES = ("chooser.prices.input=10", "chooser.prices.output=30")


def test_more_than_may_be_spent_is_not_spent_and_goes_on_with_more(made: MadeClip) -> None:
    texts = ["the triangle", TEXT]
    eye = perfect_eye({texts[0]: [1], TEXT: [2]})
    with serving(answering(eye)) as (server, url):
        poor = load(url, TrueFinder(made), *PRICES, "chooser.concurrency=1", max_cost=0.03)
        first = poor(clip_of(made), text=texts)
        assert isinstance(first, list)
        assert {result.status for result in first} >= {"failed"}
        assert isinstance(first[1].error, BudgetExceeded)
        asked = len(server.requests)
        spent = first[0].spending
        assert spent is not None
        assert spent.usd is not None
        assert spent.usd <= 0.03
        rich = load(url, TrueFinder(made), *PRICES)(clip_of(made), text=texts)
    assert isinstance(rich, list)
    assert [result.status for result in rich] == ["ok", "ok"]
    assert len(server.requests) == 4  # two rounds and two checks in all: nothing is asked twice
    assert asked < 4


RUN = """
import sys
from tests.pipelines.tracks.eye import TrueFinder, clip_of
from tests.pipelines.tracks.test_agent import TEXT, load, the_clip

made = the_clip()
load(sys.argv[1], TrueFinder(made), "chooser.concurrency=1")(clip_of(made), text=["the triangle", TEXT])
"""


def test_a_run_that_was_killed_goes_on_where_it_was(made: MadeClip) -> None:
    texts = ["the triangle", TEXT]
    eye = answering(perfect_eye({texts[0]: [1], TEXT: [2]}))
    runs: list[subprocess.Popen[bytes]] = []

    def kills_at_the_third(number: int, body: dict[str, Any]) -> Answer:
        if number == 2:
            runs[0].kill()
        return eye(number, body)

    with serving(kills_at_the_third) as (server, url):
        runs.append(subprocess.Popen([sys.executable, "-c", RUN, url]))
        assert runs[0].wait() == -signal.SIGKILL
        assert len(server.requests) == 3
        results = load(url, TrueFinder(made))(clip_of(made), text=texts)
    assert isinstance(results, list)
    assert [result.status for result in results] == ["ok", "ok"]
    # Of two rounds and two checks the two that were answered are remembered.
    assert len(server.requests) == 3 + 2
    assert [one.decisions[0].source for one in results] == ["cache", "cache"]


def test_a_replay_asks_nobody_and_says_the_same(made: MadeClip, tmp_path: Path) -> None:
    with serving(answering(keeping(2))) as (server, url):
        before = ask(made, url)
        asked = len(server.requests)
        again = ask(made, url, "chooser.replay=true")
        assert len(server.requests) == asked
    np.testing.assert_array_equal(again.masks, before.masks)
    assert [one.answer for one in again.decisions] == [one.answer for one in before.decisions]
    assert {one.source for one in again.decisions} == {"cache"}
    page = (again.save(tmp_path / "out") / "report.html").read_text()
    assert "Round 1: which of the things is it?</span> <strong>keep 2; drop 1, 3, 4" in page
    assert "because of 2" in page


def test_price_and_questions_are_as_estimated_where_all_rounds_are_needed(made: MadeClip) -> None:
    """The server counts as OpenAI's does: a token per four characters, and the picture's tiles."""

    def tracks(body: dict[str, Any]) -> Answer:
        last = "No further frames" in text_of(body)
        said = {n: ("keep" if n == 2 else "drop") if last else "unsure" for n in numbers_of(body)}
        return counted_answer(body, verbose(said))

    def check(body: dict[str, Any]) -> Answer:
        return counted_answer(body, json.dumps({"reason": "word " * 300, "chosen": [2]}))

    with serving(answering(tracks, check=check)) as (_, url):
        pipeline = load(url, TrueFinder(made), *PRICES, *FULL_SIZE)
        expected = pipeline.estimate(clip_of(made), [TextReference(TEXT)])
        result = pipeline(clip_of(made), text=TEXT)
    assert isinstance(result, Result)
    assert expected is not None
    assert result.spending is not None
    assert expected.asked == result.spending.asked == 4
    assert expected.usd == pytest.approx(result.spending.usd, rel=0.1)
    assert expected.input_tokens == pytest.approx(result.spending.input_tokens, rel=0.1)


def verbose(said: dict[int, str]) -> str:
    """As long as a model reasons."""
    tracks = [
        {"track": number, "reason": "word " * 20, "verdict": verdict, "first": 1, "last": 16}
        for number, verdict in said.items()
    ]
    return json.dumps({"scene": "word " * 40, "sentence": "word " * 30, "tracks": tracks})


def counted_answer(body: dict[str, Any], text: str) -> Answer:
    height, width, _ = decode_jpeg(base64.b64decode(picture_of(body).split(",")[1])).shape
    status, content = says(text)
    tokens = len(text_of(body)) // 4 + picture_tokens(width, height)
    content["usage"] = {"prompt_tokens": tokens, "completion_tokens": len(text) // 4}
    return status, content


@pytest.mark.parametrize("seed", range(5))
def test_a_perfect_eye_on_true_tracks_loses_nothing(seed: int) -> None:
    made = make_clip(SceneSettings(), "valid", seed)
    texts = list(dict.fromkeys(sentence.text for sentence in made.sentences))
    meant = {sentence.text: [sentence.thing + 1] for sentence in made.sentences}
    with serving(answering(perfect_eye(meant))) as (server, url):
        results = load(url, TrueFinder(made))(clip_of(made), text=texts)
    assert isinstance(results, list)
    for result in results:
        truth = true_masks(made, meant[result.query][0] - 1)
        np.testing.assert_array_equal(result.masks, truth.stack())
    # One round each, and a check, as there are always others that it could have been; nothing more.
    assert kinds_asked(server) == {"tracks": len(texts), "check": len(texts)}
