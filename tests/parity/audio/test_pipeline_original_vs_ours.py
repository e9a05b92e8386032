"""The steps between the networks: parsing answers, binding names to seconds, mapping names to classes.

The published scripts ran with stand-ins for the networks, whose vectors are given by rule.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from refervid.core.errors import ReplyUnreadable
from refervid.core.types import Interval, Waveform
from refervid.engines.class_names import LanguageBindNamer
from refervid.engines.combinations import CombinationBinder, CombinationSettings
from refervid.engines.llm.replies import read_objects, read_sounding_box
from tests.engines.sound import named
from tests.parity.audio.published import facts
from tests.parity.fill import normal

RATE = 100


class StandIn(CombinationBinder):
    """Knows the clip, and an interval by the number of its samples' first one."""

    def __init__(self, clip: str, intervals: list[list[int]], joiner: str) -> None:
        super().__init__(
            torch.nn.Identity(), CombinationSettings(kind="stand-in", weights="", joiner=joiner), "cpu"
        )
        self._clip, self._intervals = clip, intervals

    def similarity(self, texts: Sequence[str], sounds: Sequence[Waveform]) -> NDArray[np.float32]:
        names = [
            f"audio:{self._clip}/segment_{start}_{end}"
            for start, end in self._intervals
            if any(sound.samples[0] == start for sound in sounds)
        ]
        rows = np.stack([normal(f"text:{text}", (12,)) for text in texts])
        return rows @ np.stack([normal(name, (12,)) for name in names]).T


def per_second(intervals: list[list[int]], sounding: list[frozenset[str]], seconds: int) -> list[set[str]]:
    """Seconds after the last interval belong to it, as published."""
    ends = [end for _, end in intervals[:-1]]
    return [set(sounding[int(np.searchsorted(ends, second, side="right"))]) for second in range(seconds)]


@pytest.mark.parametrize(("fixture", "joiner"), [("ms3_labels", ", "), ("avss_labels", "; ")])
def test_which_names_sound_when(fixture: str, joiner: str) -> None:
    for clip, entry in facts("pipeline")[fixture].items():
        names = list(read_objects(entry["stage_1"], range(1, 11)))
        samples = np.floor(np.arange(entry["seconds"] * RATE) / RATE).astype(np.float32)
        binder = StandIn(clip, entry["intervals"], joiner)
        intervals = [Interval(*pair) for pair in entry["intervals"]]
        sounding = binder.bind(Waveform(samples, RATE), intervals, named(*names))
        seconds = 10 if entry.get("set") == "v2" else 5
        expected = [set(labels) for labels in entry["label4second"]][:seconds]
        assert per_second(entry["intervals"], sounding, seconds) == expected, clip


def test_names_to_classes() -> None:
    class Texts:
        def embed(self, texts: Sequence[str]) -> Tensor:
            rows = torch.from_numpy(np.stack([normal(f"text:{text}", (12,)) for text in texts]))
            return torch.nn.functional.normalize(rows, dim=1)

    mapper = LanguageBindNamer(Texts(), "made up")  # type: ignore[arg-type]
    objects = facts("languagebind_image")["objects"]
    labels = [
        name
        for entry in facts("pipeline")["avss_labels"].values()
        for name in read_objects(entry["stage_1"], range(1, 11))
    ]
    assert mapper.rename(labels, objects) == facts("pipeline")["avss_replacement"]
    assert mapper.rename(["dog"], objects) == {}


def test_answers_about_objects() -> None:
    for entry in facts("pipeline")["parse_frames"]:
        if entry["parsed"]:
            assert read_objects(entry["answer"], range(1, 11)) == entry["parsed"], entry["answer"]
            continue
        with suppress(ReplyUnreadable):  # published, such an answer counts as one without objects
            assert read_objects(entry["answer"], range(1, 11)) == {}


def test_answers_about_boxes() -> None:
    for entry in facts("pipeline")["parse_box"]:
        try:
            number = read_sounding_box(entry["answer"], range(13))
        except ReplyUnreadable:
            number = 1  # the published parser's answer to anything else; here the first box is a fallback
        assert str(number) == entry["parsed"], entry["answer"]


@pytest.mark.parametrize(
    ("setting", "objects", "boxes"),
    [
        ("s4", {1: 740}, {1: 154, 2: 107, 3: 19}),
        ("ms3", {1: 29, 2: 33, 3: 2}, {1: 26, 2: 18, 3: 2}),
        ("v2_binary", {0: 3, 1: 512, 2: 224, 3: 11}, {1: 275, 2: 200, 3: 45}),
        ("avss", {0: 2, 1: 1197, 2: 331, 3: 24}, {1: 416, 2: 375, 3: 119}),
    ],
)
def test_published_answers(
    setting: str, objects: dict[int, int], boxes: dict[int, int], shared_dir: Path
) -> None:
    folder = shared_dir / "parity" / "audio" / "published" / "gpt_results" / setting
    first = json.loads((folder / "cot_stage_1_outputs.json").read_text())
    named = {clip: read_objects(answer, range(1, 11)) for clip, answer in first.items()}
    assert named == {clip: ast.literal_eval(answer) for clip, answer in first.items()}
    assert Counter(len(one) for one in named.values()) == objects
    second = json.loads((folder / "cot_stage_2_outputs.json").read_text())
    answers = [
        answer
        for entry in second.values()
        for answer in (entry.values() if isinstance(entry, dict) else [entry])
    ]
    assert Counter(read_sounding_box(f"[{answer}]", range(1, 4)) for answer in answers) == boxes
