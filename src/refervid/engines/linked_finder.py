"""Concepts to tracks with any open-vocabulary detector: its boxes on sampled frames are linked.

MM Grounding DINO (arXiv 2401.02361) and LLMDet (arXiv 2501.18954) have open weights, so that a language model
can eliminate among tracks without SAM 3. Masks come from a tracker afterwards, for what is kept alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, cast

import cv2
import numpy as np
from pydantic import Field

from refervid.core.boxes import box_iou
from refervid.core.types import Candidate, Frame, Hook
from refervid.engines.base import Detector, DetectorRequest, EngineSettings, Runtime, Weights
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.engines.linking import Boxes, Colours, Detections, Linker, Sightings
from refervid.engines.once import OncePerClip
from refervid.engines.registry import build_engine, missing_parts
from refervid.media.clip import Clip

SAME_BOX = 0.7
"""Intersection over union from which on boxes of two concepts are of one thing."""
HUES, GREYS = 8, 4
COLOURED = 60
"""Saturation of 255 from which on a pixel has a hue."""


class LinkedFinderSettings(EngineSettings):
    """`detector` is the kind of an engine in that role, `weights` and `revision` what it loads, `options` its
    further settings; `rate_hz` sampled frames a second; `vocabulary` what is looked for where no sentence
    says what.
    """

    kind: Literal["linked"] = "linked"
    detector: str = "grounding-dino"
    weights: Weights = "iSEE-Laboratory/llmdet_tiny"
    revision: str | None = None
    options: Mapping[str, Any] = {}
    rate_hz: float = Field(2.0, gt=0)
    vocabulary: tuple[str, ...] = ("person", "animal", "vehicle")

    @property
    def detector_options(self) -> dict[str, Any]:
        return {
            "kind": self.detector,
            "weights": self.weights,
            "revision": self.revision,
            **self.options,
        }


class LinkedFinder:
    """Every concept is looked for on every sampled frame; frames share what the detector shares."""

    Settings: ClassVar[type[LinkedFinderSettings]] = LinkedFinderSettings
    name = "linked"

    def __init__(self, detector: Detector, settings: LinkedFinderSettings) -> None:
        self.version = f"{detector.name} {detector.version}"
        self._detector = detector
        self._settings = settings
        self._found = OncePerClip[Inventory]()

    @classmethod
    def missing(cls, settings: LinkedFinderSettings) -> list[str]:
        return missing_parts("detector", settings.detector_options)

    @classmethod
    def build(cls, settings: LinkedFinderSettings, runtime: Runtime) -> Self:
        """Raises what the detector raises."""
        return cls(cast(Detector, build_engine("detector", settings.detector_options, runtime)), settings)

    def find(self, clip: Clip, hook: Hook) -> Inventory:
        return self.find_concepts(clip, self._settings.vocabulary, hook)

    def find_concepts(self, clip: Clip, concepts: Sequence[str], hook: Hook) -> Inventory:
        """Calls `hook("objects", None, frames done, frames)`."""
        wanted = tuple(concepts)
        return self._found.of(clip, lambda: self._find(clip, wanted, hook), wanted)

    def _find(self, clip: Clip, concepts: Sequence[str], hook: Hook) -> Inventory:
        frames = _frames_of(clip, self._settings.rate_hz)
        linker = Linker(clip.times_s[frames])
        for done, (index, frame) in enumerate(clip.frames(frames), 1):
            requests = [DetectorRequest(index, concept) for concept in concepts]
            found = together(self._detector.detect(clip, requests))
            linker.add(index, float(clip.times_s[index]), found, looks_of(frame, found.boxes))
            hook("objects", None, done, len(frames))
        tracks = [_track(number, one, concepts) for number, one in enumerate(linker.things(), 1)]
        return Inventory(tracks, frames)


def together(found: Sequence[Sequence[Candidate]]) -> Detections:
    """The boxes of all concepts on one frame; what several of them found has all their names."""
    boxes: list[Any] = []
    names: list[list[float]] = []
    ordered = sorted(
        ((one, row) for row, candidates in enumerate(found) for one in candidates),
        key=lambda pair: -pair[0].score,
    )
    for candidate, row in ordered:
        same = next((n for n, box in enumerate(boxes) if box_iou(box, candidate.box_xyxy) >= SAME_BOX), None)
        if same is None:
            boxes.append(candidate.box_xyxy)
            names.append([0.0] * len(found))
            same = len(boxes) - 1
        names[same][row] = max(names[same][row], candidate.score)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(names, np.float32).reshape(-1, len(found))
    )


def looks_of(frame: Frame, boxes: Boxes) -> Colours:
    """(N, 12): shares of hues, and of greys from black to white, inside each box."""
    shares = np.full((len(boxes), HUES + GREYS), 1 / (HUES + GREYS), np.float32)
    height, width = frame.shape[:2]
    for row, box in enumerate(boxes):
        x0, y0, x1, y1 = np.clip(box, 0, (width, height, width, height)).round().astype(int)
        if x1 > x0 and y1 > y0:
            hue, saturation, value = cv2.split(cv2.cvtColor(frame[y0:y1, x0:x1], cv2.COLOR_RGB2HSV))
            bins = np.where(
                saturation >= COLOURED, hue.astype(int) * HUES // 180, HUES + value.astype(int) * GREYS // 256
            )
            shares[row] = np.bincount(bins.ravel(), minlength=HUES + GREYS) / bins.size
    return shares


def _frames_of(clip: Clip, rate_hz: float) -> list[int]:
    """The frames nearest to the ticks of a clock of `rate_hz`, which stops with the clip.

    Only ticks beside a frame count: the times of a clip may jump by days.
    """
    places = clip.times_s * rate_hz
    ticks = np.unique([np.floor(places), np.ceil(places)]) * (1 / rate_hz)
    inside = ticks[ticks <= clip.times_s[-1] + 1e-9]
    return sorted({int(np.abs(clip.times_s - tick).argmin()) for tick in inside})


def _track(number: int, one: Sightings, concepts: Sequence[str]) -> ObjectTrack:
    names = np.stack(one.names).max(axis=0)
    order = np.argsort(-names, kind="stable")
    return one.track(number, {concepts[place]: float(names[place]) for place in order if names[place] > 0})
