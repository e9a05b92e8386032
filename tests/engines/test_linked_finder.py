"""Boxes of an open-vocabulary detector become tracks with the names that were looked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import refervid
from refervid.core.types import Candidate, no_hook
from refervid.datasets.synthetic.clips import MadeClip, make_clip
from refervid.datasets.synthetic.scene import SceneSettings
from refervid.engines.base import DetectorRequest, Runtime
from refervid.engines.linked_finder import LinkedFinder, LinkedFinderSettings, together
from refervid.engines.registry import build_engine
from refervid.engines.rounds import ConceptFinder
from refervid.media.array import ArrayClip
from refervid.media.clip import Clip
from refervid.report.result import Result
from tests.chat_server import serving
from tests.engines.sam2.tiny import clip
from tests.engines.tiny_detectors import grounding_dino_folder
from tests.pipelines.counting import counting
from tests.pipelines.tracks.eye import answering, clip_of, names, perfect_eye, true_masks


class Truth:
    """A detector of things that are of the kind it is asked for."""

    name, version = "truth", "1"

    def __init__(self, made: MadeClip) -> None:
        self._made = made
        self._boxes = [true_masks(made, thing).boxes_xyxy() for thing in range(len(made.things))]

    def detect(self, clip: Clip, requests: Sequence[DetectorRequest]) -> list[list[Candidate]]:
        return [
            [
                Candidate(boxes[request.frame_index], 0.9, request.text)
                for thing, boxes in zip(self._made.things, self._boxes, strict=True)
                if thing.look.kind == request.text and np.isfinite(boxes[request.frame_index]).all()
            ]
            for request in requests
        ]


@pytest.fixture(scope="module")
def made() -> MadeClip:
    """Three stars and a triangle."""
    return make_clip(SceneSettings(frames=16), "test", 3)


def test_every_thing_is_one_track(made: MadeClip) -> None:
    finder = LinkedFinder(Truth(made), LinkedFinderSettings(rate_hz=4))
    assert isinstance(finder, ConceptFinder)
    inventory = finder.find_concepts(clip_of(made), ("star", "triangle", "ring"), no_hook)
    assert sorted(next(iter(track.names)) for track in inventory.tracks) == ["star"] * 3 + ["triangle"]
    assert list(inventory.frame_indices) == [0, 2, 4, 6, 8, 10, 12, 14]
    for track in inventory.tracks:
        assert list(track.frame_indices) == list(inventory.frame_indices)
        assert track.masks is None
    assert finder.find_concepts(clip_of(made), ("ring",), no_hook).tracks == []


def test_a_clock_that_jumps_by_days_gives_no_more_frames_than_there_are() -> None:
    class Nothing:
        name, version = "nothing", "1"

        def detect(self, clip: Clip, requests: Sequence[DetectorRequest]) -> list[list[Candidate]]:
            return [[] for _ in requests]

    times = np.array([0, 0.1, 0.2, 0.5, 1e6, 1e6 + 0.1, 1e9])
    jumping = ArrayClip(np.zeros((7, 16, 16, 3), np.uint8), times)
    finder = LinkedFinder(Nothing(), LinkedFinderSettings(rate_hz=2))
    assert list(finder.find_concepts(jumping, ("star",), no_hook).frame_indices) == [0, 3, 4, 5, 6]


def test_what_two_concepts_find_has_both_names() -> None:
    box, other = np.float32([0, 0, 10, 10]), np.float32([20, 0, 30, 10])
    found = together([[Candidate(box, 0.6)], [Candidate(box + 0.5, 0.8), Candidate(other, 0.5)]])
    np.testing.assert_allclose(found.names, [[0.6, 0.8], [0.0, 0.5]])
    assert together([[], []]).boxes.shape == (0, 4)


@pytest.mark.parametrize("kind", ["grounding-dino", "mm-grounding-dino"])
def test_a_real_network_looks_at_a_frame_once_for_all_concepts(kind: str, tmp_path: Path) -> None:
    """LLMDet's checkpoints are of the same kind as MM Grounding DINO's."""
    weights = grounding_dino_folder(tmp_path, kind)
    options = {"short_side": 64, "long_side": 96, "box_threshold": 0.0}
    settings = {"kind": "linked", "weights": str(weights), "options": options, "rate_hz": 30}
    finder = build_engine("finder", settings, Runtime("cpu", "float32", False, tmp_path))
    assert isinstance(finder, LinkedFinder)
    with counting() as runs:
        inventory = finder.find_concepts(clip(3), ("dog", "red cup"), no_hook)
    assert runs["detector frames"] == 3
    assert list(inventory.frame_indices) == [0, 1, 2]
    assert {name for track in inventory.tracks for name in track.names} <= {"dog", "red cup"}


def test_the_agent_eliminates_among_them_and_a_tracker_gives_the_masks(made: MadeClip) -> None:
    finder = LinkedFinder(Truth(made), LinkedFinderSettings(rate_hz=4))
    tracks = finder.find_concepts(clip_of(made), ("star",), no_hook).tracks
    truth = true_masks(made, 3)
    boxes = truth.boxes_xyxy()
    [number] = [one.number for one in tracks if np.allclose(one.boxes_xyxy[0], boxes[0])]
    text = "the star on the right"
    eye = answering(perfect_eye({text: [number]}), lambda body: names("star"))
    with serving(eye) as (_, url):
        changes = [f"chooser.base_url={url}", "chooser.probe=false", "tracker.kind=embedded"]
        result = refervid.load("agent", device="cpu", settings=changes, finder=finder)(
            clip_of(made), text=text
        )
    assert isinstance(result, Result)
    assert result.status == "ok"
    shared = (result.masks & truth.stack()).sum() / (result.masks | truth.stack()).sum()
    assert shared > 0.8
