"""The closing check, and sentences that mean several things or none: a real server, exact tracks."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest

import refervid
from refervid.engines.base import Detector
from refervid.media.array import ArrayClip
from refervid.report.result import Result
from tests.chat_server import Answer, ChatServer, fails, says, serving
from tests.engines.by_colour import ByColour
from tests.pipelines.questions import kinds_asked, picture_of, replying, text_of

HEIGHT, WIDTH, FRAMES = 96, 144, 90
DISC, SQUARE, PLATE = 1, 2, 3
"""What the boxes hold that the detector proposes, best first; the plate only from frame 50 on."""


def truth(thing: int, index: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    if thing == DISC:
        cv2.circle(mask, (28 + index, 68), 15, 1, -1)
    elif thing == SQUARE:
        cv2.rectangle(mask, (100, 14), (128, 42), 1, -1)
    elif index >= 50:
        left = 20 + (index - 50) // 2
        cv2.rectangle(mask, (left, 8), (left + 24, 30), 1, -1)
    return mask.astype(bool)


@pytest.fixture(scope="module")
def clip() -> ArrayClip:
    noise = np.random.default_rng(3).integers(90, 150, (24, 36, 1), np.uint8)
    frames = np.repeat(cv2.resize(noise.repeat(3, axis=2), (WIDTH, HEIGHT))[None], FRAMES, axis=0)
    for index, frame in enumerate(frames):
        for thing, colour in ((SQUARE, (30, 60, 220)), (DISC, (220, 30, 30)), (PLATE, (30, 200, 60))):
            frame[truth(thing, index)] = colour
    return ArrayClip(frames)


@cache
def detector() -> Detector:
    """That of `lite`, which remembers what it gathered of the clip."""
    return refervid.load("lite", device="cpu").engines.detector


def segment(
    clip: ArrayClip, answer: Callable[[int, dict[str, Any]], Answer], *changes: str, text: str = "it"
) -> tuple[Result, ChatServer, int]:
    """The result, the server with its requests, and how often the tracker ran."""
    passes = 0

    def hook(stage: str, artefact: object, completed: int, total: int) -> None:
        nonlocal passes
        passes += stage == "track" and artefact is None and completed == 0

    with serving(answer) as (server, url):
        chooser = ["kind=server", f"base_url={url}", "retries=0", "probe=false"]
        settings = ["pipeline=pivot", *(f"chooser.{setting}" for setting in chooser), *changes]
        pipeline = refervid.load(
            "lite", device="cpu", settings=settings, detector=detector(), tracker=ByColour()
        )
        result = pipeline(clip, text=text, hook=hook)
    assert isinstance(result, Result)
    return result, server, passes


def overlap(result: Result, *things: int) -> float:
    """Mean intersection over union with the truth of these things together."""
    shares = []
    for index, mask in enumerate(result.track):
        true = np.logical_or.reduce([truth(thing, index) for thing in things])
        shares.append((true & mask).sum() / max((true | mask).sum(), 1))
    return float(np.mean(shares))


def test_a_result_that_is_right_stands(clip: ArrayClip) -> None:
    result, server, passes = segment(clip, replying(frame=1, box=DISC, check=DISC), "text.check=true")
    assert kinds_asked(server) == {"frame": 2, "box": 2, "check": 1}
    assert passes == 1
    assert overlap(result, DISC) > 0.8
    check = result.decisions[-1]
    assert (check.question, check.answer, check.source) == ("check", "right", "model")
    assert check.prompt_version == "check-v1.several"
    assert not result.notes


@pytest.mark.parametrize("form", ["json", "brackets"])
@pytest.mark.parametrize("several", ["true", "false"])
def test_a_rejected_result_is_made_anew_once(clip: ArrayClip, form: str, several: str) -> None:
    answer = replying(frame=1, box=SQUARE, check=DISC)
    changes = ("text.check=true", f"chooser.form={form}", f"chooser.several={several}")
    result, server, passes = segment(clip, answer, *changes)
    assert kinds_asked(server)["check"] == 1
    assert passes == 2
    assert overlap(result, DISC) > 0.8
    assert len(result.pivots) == 1  # nothing of what was rejected is left
    assert result.decisions[-1].answer == "wrong: box 1"
    assert "rejected the first result" in result.notes[-1]
    request = server.requests[-1]
    words = text_of(request)
    assert "from box 2, out of 3 coloured boxes" in words  # section 1 has most to choose from
    assert '"it"' in words


def test_the_check_sees_the_result(clip: ArrayClip) -> None:
    _, server, _ = segment(clip, replying(frame=1, box=SQUARE, check=SQUARE), "text.check=true")
    data = base64.b64decode(picture_of(server.requests[-1]).split(",")[1])
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)
    cyan = (np.abs(picture - (0, 255, 255)) < 60).all(axis=-1)
    assert cyan.any(axis=1).mean() > 0.1  # outlines, in several frames
    assert "The picture shows 6 frames" in text_of(server.requests[-1])


def test_a_doubt_without_a_better_box_is_told(clip: ArrayClip) -> None:
    result, _, passes = segment(clip, replying(frame=1, box=SQUARE, check=-1), "text.check=true")
    assert (result.status, passes) == ("guess", 1)
    assert overlap(result, SQUARE) > 0.8
    assert result.decisions[-1].answer == "wrong: no box fits"
    assert "doubts" in result.notes[-1]


def test_an_unusable_check_changes_nothing(clip: ArrayClip) -> None:
    refusal = says(None, refusal="no")
    answer = replying(frame=1, box=DISC, check=lambda body: refusal)
    result, server, passes = segment(clip, answer, "text.check=true")
    assert (result.status, passes, kinds_asked(server)["check"]) == ("ok", 1, 2)
    assert overlap(result, DISC) > 0.8
    assert result.decisions[-1].source == "fallback"


def test_a_check_that_could_not_be_asked_can_be_asked_later(clip: ArrayClip) -> None:
    broken = fails(500, "out of order")
    result, _, _ = segment(clip, replying(frame=1, box=DISC, check=lambda body: broken), "text.check=true")
    assert result.status == "failed"
    assert overlap(result, DISC) > 0.8  # what there is is not thrown away
    result, _, _ = segment(clip, replying(frame=1, box=DISC, check=DISC), "text.check=true")
    assert result.status == "ok"


def test_nothing_is_checked_where_nothing_could_be_chosen_instead(clip: ArrayClip) -> None:
    answer = replying(frame=1, box=DISC, check=DISC)
    _, server, _ = segment(clip, answer, "text.check=true", "text.candidates=1")
    assert "check" not in kinds_asked(server)
    _, server, _ = segment(clip, replying(frame=1, box=-1, check=DISC), "text.check=true")
    assert "check" not in kinds_asked(server)


def test_choosers_that_cannot_judge_say_so(clip: ArrayClip) -> None:
    result = refervid.load("lite", device="cpu", settings=["text.check=true"], tracker=ByColour())(
        clip, text="the red disc"
    )
    assert isinstance(result, Result)
    assert overlap(result, DISC) > 0.8
    assert any("'rules' cannot judge results" in note for note in result.notes)


def test_several_things_in_several_sections(clip: ArrayClip) -> None:
    """Both are seen in both sections and linked by their tracks: two objects, one pass."""
    result, _, passes = segment(clip, replying(frame=1, box=[DISC, SQUARE]), text="both things")
    assert (len(result.objects), passes) == (2, 1)
    assert overlap(result, DISC, SQUARE) > 0.8


def test_a_thing_that_comes_later_is_not_lost(clip: ArrayClip) -> None:
    def boxes(body: dict[str, Any]) -> list[int]:
        return (
            [DISC, PLATE]
            if "out of 3" in text_of(body) or "3 coloured boxes" in text_of(body)
            else [DISC, SQUARE]
        )

    result, _, passes = segment(clip, replying(frame=2, box=boxes), text="all things")
    assert (len(result.objects), passes) == (3, 2)
    assert overlap(result, DISC, SQUARE, PLATE) > 0.8


@pytest.mark.parametrize("form", ["json", "brackets"])
def test_a_sentence_that_means_nothing_here(clip: ArrayClip, form: str) -> None:
    result, _, passes = segment(
        clip, replying(frame=1, box=-1 if form == "json" else ""), f"chooser.form={form}"
    )
    assert (result.status, passes) == ("not_found", 0)
    assert not result.masks.any()
    assert [decision.answer for decision in result.decisions if decision.question == "box"] == [None, None]


def test_one_thing_only_where_several_are_not_allowed(clip: ArrayClip) -> None:
    two = says('{"scene": "", "boxes": "", "sentence": "", "match": "", "chosen": [1, 2], "box": [1, 2]}')
    result, server, _ = segment(clip, replying(frame=1, box=lambda body: two), "chooser.several=false")
    assert result.status == "not_found"  # asked once more each, then nothing: no guess among the two
    assert kinds_asked(server)["box"] == 4
