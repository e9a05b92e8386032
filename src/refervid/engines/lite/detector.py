"""Finds objects by motion against the camera's, by colour, and where ImageNet's network knows their name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from refervid.core.types import Candidate, Hook, Mask
from refervid.engines.base import DetectorRequest, EngineSettings
from refervid.engines.lite.analysis import ClipAnalysis
from refervid.engines.lite.analysis.proposals import (
    MOST_PROPOSALS,
    SAME_REGION,
    Clues,
    Proposal,
    candidates_of,
    clues_on,
    colour_proposals,
    name_proposals,
    object_proposals,
)
from refervid.engines.lite.computing import on_all_cores
from refervid.engines.lite.efficientnet import WEIGHTS
from refervid.engines.lite.language import colour_names_in, unseen_noun_in
from refervid.engines.lite.objects.named_pieces import named_pieces
from refervid.engines.lite.rules_engine import RulesEngine
from refervid.media.clip import Clip


class MotionSettings(EngineSettings):
    kind: Literal["motion"] = "motion"
    limit: int = Field(MOST_PROPOSALS, ge=1)
    """Most candidates on one frame."""
    overlap: float = Field(SAME_REGION, gt=0, le=1)
    """Of two masks with at least this intersection over union only the better one is kept."""


class MotionDetector(RulesEngine[MotionSettings]):
    """Proposes masks of whatever moves or stands out by its colour, or may be what the text's noun names."""

    Settings = MotionSettings
    name = "motion"
    version = "1"

    def prepare(self, clip: Clip, hook: Hook) -> None:
        """As `PreparingDetector.prepare`: what moves on any frame hangs on all others."""
        self._analyses.of(clip, hook).evidence(hook)

    def detect(self, clip: Clip, requests: Sequence[DetectorRequest]) -> list[list[Candidate]]:
        """Candidates with masks (H, W). What does not hang on the text is found once per frame."""
        analysis = self._analyses.of(clip)
        asked: dict[int, list[int]] = defaultdict(list)
        for number, request in enumerate(requests):
            asked[request.frame_index].append(number)
        found: dict[int, list[Candidate]] = {}

        def search(index: int) -> None:
            clues = clues_on(analysis, index)
            objects = object_proposals(clues)
            texts = [requests[number].text for number in asked[index]]
            called = _called(analysis, index, clues, objects, texts)
            for number, text in zip(asked[index], texts, strict=True):
                coloured = colour_proposals(clues, colour_names_in(text))
                name, _ = unseen_noun_in(text)
                own = name_proposals(clues, name, called.get(name, ()))
                limits = self.settings.limit, self.settings.overlap
                found[number] = candidates_of(analysis.scene, [*objects, *coloured], *limits, own)

        on_all_cores(search, asked)
        return [found[number] for number in range(len(requests))]


def _called(
    analysis: ClipAnalysis, index: int, clues: Clues, objects: Sequence[Proposal], texts: Sequence[str]
) -> dict[str, list[tuple[Mask, float]]]:
    """By noun, what a network calls so on a frame, as far as it knows the nouns of the sentences: pieces,
    or what is proposed without a name.
    """
    known = {noun: classes for noun, classes in map(unseen_noun_in, texts) if classes}
    if not known or WEIGHTS.missing():
        return {}
    others = [one.mask for one in (*objects, *colour_proposals(clues, ()))]
    picture, pieces = analysis.scene.picture(index), analysis.pieces(index)
    return dict(zip(known, named_pieces(picture, pieces, others, list(known.values())), strict=True))
