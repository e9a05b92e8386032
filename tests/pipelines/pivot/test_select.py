"""Which candidates go on to the chooser and the tracker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from refervid.core.types import Candidate, Decision, no_hook
from refervid.engines.base import DetectorRequest
from refervid.engines.inventory import ObjectTrack
from refervid.engines.questions import BoxChoice, BoxQuestion, FrameChoice, FrameQuestion
from refervid.media.array import ArrayClip
from refervid.media.clip import Clip
from refervid.media.sections import Section
from refervid.pipelines.pivot.select import in_frame, select_pivots
from refervid.pipelines.pivot.selection import Selection
from refervid.pipelines.pivot.settings import TextSettings
from refervid.pipelines.stages import Stages

CLIP = ArrayClip(np.zeros((1, 40, 60, 3), np.uint8))
STICKING_OUT = [-5, 10, 20, 55]
SLIVER = [59.5, 0, 70, 40]
OUTSIDE = [[60, 0, 70, 40], [0, -9, 60, 0], [10, 10, 10, 20], [np.nan, 0, 20, 20], [0, 0, np.inf, 20]]


def boxes(**settings: bool) -> list[list[float]]:
    given = [STICKING_OUT, SLIVER, *OUTSIDE]
    candidates = [Candidate(np.array(box, np.float32), 0.5) for box in given]
    return [one.box_xyxy.tolist() for one in in_frame(candidates, CLIP, TextSettings(**settings))]


def test_boxes_end_where_the_frame_does_and_those_outside_are_left_out() -> None:
    assert boxes() == [[0, 10, 20, 40], [59.5, 0, 60, 40]]


def test_as_published_boxes_may_stick_out() -> None:
    assert boxes(clip_boxes=False) == [STICKING_OUT, SLIVER]


LONG = ArrayClip(np.zeros((20, 40, 60, 3), np.uint8))
SECTIONS = [Section(LONG, number, tuple(range(10 * number, 10 * number + 10))) for number in (0, 1)]


class OneBox:
    """Proposes the same box on every frame."""

    name, version = "one box", "1"

    def detect(self, clip: Clip, requests: Sequence[DetectorRequest]) -> list[list[Candidate]]:
        return [[Candidate(np.array([1, 1, 9, 9], np.float32), 0.9)] for _ in requests]


class Saying:
    """Takes the fourth frame of a section, and there the candidates at the places that were said for it."""

    name, version = "saying", "1"

    def __init__(self, *places: Sequence[int]) -> None:
        self.places = places

    def pick_frames(self, questions: Sequence[FrameQuestion]) -> list[FrameChoice]:
        frames = [each.section.frame_indices[3] for each in questions]
        return [FrameChoice(frame, Decision("frame", frame, "rules")) for frame in frames]

    def pick_boxes(self, questions: Sequence[BoxQuestion]) -> list[BoxChoice]:
        said = [self.places[each.section.index] for each in questions]
        return [BoxChoice(places, Decision("box", None, "rules")) for places in said]


def seen(number: int) -> ObjectTrack:
    """On every second frame, moving down a pixel a frame; surest on the first."""
    frames = np.arange(0, 20, 2)
    boxes = np.stack([[10 * number, frame, 10 * number + 9, frame + 9] for frame in frames])
    scores = np.linspace(0.9, 0.5, len(frames), dtype=np.float32)
    return ObjectTrack(number, frames, boxes.astype(np.float32), scores, {"thing": 0.9})


def selected(*places: Sequence[int]) -> Selection:
    chooser, tracks = Saying(*places), [seen(1), seen(2)]
    stages = Stages(no_hook)
    [one] = select_pivots(LONG, ["it"], SECTIONS, chooser, OneBox(), TextSettings(), stages, tracks)  # type: ignore[arg-type]
    return one


def starts(one: Selection) -> list[list[tuple[int, float]]]:
    """Frame and left side of every pivot of every object."""
    return [
        [(pivot.frame_index, float(pivot.box_xyxy[0])) for pivot in pivots if pivot.box_xyxy is not None]
        for pivots in one.objects
    ]


def test_what_was_recognised_is_tracked_from_where_it_was_seen_best() -> None:
    assert starts(selected([1], [1])) == [[(frame, 10) for frame in (0, 4, 8, 12, 16, 18)]]


def test_what_the_detector_alone_proposes_or_differs_between_sections_is_tracked_from_the_picks() -> None:
    assert starts(selected([0], [0])) == [[(3, 1), (13, 1)]]
    assert starts(selected([1], [2])) == [[(3, 10), (13, 20)]]
    assert starts(selected([1], [])) == starts(selected([1], [1]))


def test_of_several_things_on_a_frame_each_is_tracked_from_its_own_sightings() -> None:
    one = selected([0, 2], [2])
    assert starts(one)[0] == [(3, 1)]
    assert starts(one)[1] == starts(selected([2], [2]))[0]
