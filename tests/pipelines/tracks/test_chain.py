"""The whole preset `agent` on small real models: SAM 3, and Qwen3-VL or a server that is scripted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import refervid
from refervid.core.types import TextReference
from refervid.pipelines.presets import missing_for
from refervid.report.result import Result
from tests.chat_server import Answer, serving
from tests.engines.llm.qwen import qwen_folder
from tests.engines.sam2.tiny import clip
from tests.engines.sam3 import tiny
from tests.pipelines.counting import counting
from tests.pipelines.questions import kinds_asked, text_of
from tests.pipelines.tracks.eye import answering, judged, names, numbers_of

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
        first, *others = numbers_of(body)
        return judged({first: "keep"} | dict.fromkeys(others, "drop"))

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
