"""Finds objects without learned weights: by motion against the camera's, and by colour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Literal, Self

import cv2
import numpy as np
from pydantic import Field

from refervid.core.types import Candidate, Mask
from refervid.engines.base import DetectorRequest, EngineSettings, Runtime
from refervid.engines.lite.analysis import Scene, scene_of
from refervid.engines.lite.analysis.proposals import Proposal, colour_proposals, object_proposals, view_of
from refervid.engines.lite.language import colour_names_in
from refervid.media.clip import Clip


class MotionSettings(EngineSettings):
    kind: Literal["motion"] = "motion"
    limit: int = Field(12, ge=1)
    """Most candidates on one frame."""
    overlap: float = Field(0.7, gt=0, le=1)
    """Of two masks with at least this intersection over union only the better one is kept."""


class MotionDetector:
    """Proposes masks of whatever moves or stands out by its colour; of the text it reads colours only."""

    Settings = MotionSettings
    name = "motion"
    version = "1"

    def __init__(self, settings: MotionSettings) -> None:
        self.settings = settings

    @classmethod
    def missing(cls, settings: Any) -> list[str]:
        return []

    @classmethod
    def build(cls, settings: Any, runtime: Runtime) -> Self:
        return cls(settings)

    def detect(self, clip: Clip, requests: Sequence[DetectorRequest]) -> list[list[Candidate]]:
        """Candidates with masks (H, W). What does not hang on the text is found once per frame."""
        scene = scene_of(clip)
        asked: dict[int, list[int]] = defaultdict(list)
        for number, request in enumerate(requests):
            asked[request.frame_index].append(number)
        found: dict[int, list[Candidate]] = {}
        for index, numbers in asked.items():
            view = view_of(scene, index)
            objects = object_proposals(view)
            for number in numbers:
                coloured = colour_proposals(view, colour_names_in(requests[number].text))
                ranked = sorted([*objects, *coloured], key=lambda each: -each.score)
                found[number] = [_candidate(scene, each) for each in self._distinct(ranked)]
        return [found[number] for number in range(len(requests))]

    def _distinct(self, ranked: Sequence[Proposal]) -> list[Proposal]:
        kept: list[Proposal] = []
        for proposal in ranked:
            if len(kept) == self.settings.limit:
                break
            if all(_overlap(proposal.mask, other.mask) < self.settings.overlap for other in kept):
                kept.append(proposal)
        return kept


def _overlap(one: Mask, other: Mask) -> float:
    """Intersection over union of two masks (h, w)."""
    return float((one & other).sum() / max((one | other).sum(), 1))


def _candidate(scene: Scene, proposal: Proposal) -> Candidate:
    height, width = scene.clip_size
    soft = cv2.resize(proposal.mask.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    mask = np.asarray(soft > 0.5, bool)
    ys, xs = np.nonzero(mask)
    box = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float32)
    return Candidate(box, min(1.0, proposal.score), proposal.phrase, mask)
