"""Sentences against an inventory of the clip; what no track is, is searched for as pivots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from refervid.core.types import Hook, TextReference, no_hook
from refervid.engines.base import EliminatingChooser, Elimination, Inventory
from refervid.media.clip import Clip
from refervid.pipelines.pivot.pipeline import PivotPipeline
from refervid.pipelines.pivot.selection import Selection
from refervid.pipelines.stages import Stages


class TracksPipeline(PivotPipeline):
    """As the pivot pipeline, with a finder before it: only what the finder has no name for goes its way."""

    def inventory(self, clip: Clip, hook: Hook = no_hook) -> Inventory:
        """What is in the clip, when and where."""
        return self.engines.finder.find(clip, hook)

    def look_ahead(self, clip: Clip, hook: Hook = no_hook) -> None:
        self.inventory(clip, hook)

    def _select_texts(self, clip: Clip, texts: Sequence[str], stages: Stages) -> list[Selection]:
        chooser: Any = self.engines.chooser
        if not isinstance(chooser, EliminatingChooser):
            return super()._select_texts(clip, texts, stages)
        with stages.stage("inventory", len(clip)) as stage:
            stage.artefact = inventory = self.inventory(clip, stage.hook)
        with stages.stage("eliminate", len(texts)) as stage:
            stage.artefact = answers = chooser.eliminate(clip, inventory, texts)
        pairs = list(zip(texts, answers, strict=True))
        decided = [_selection(text, answer) for text, answer in pairs if answer is not None]
        rest = [text for text, answer in pairs if answer is None]
        searched = super()._select_texts(clip, rest, stages) if rest else []
        return [*decided, *(one.noted(inventory.notes) for one in searched)]


def _selection(text: str, answer: Elimination) -> Selection:
    return Selection(
        TextReference(text),
        objects=tuple(tuple(pivots) for pivots in answer.objects),
        decisions=tuple(answer.decisions),
        notes=tuple(answer.notes),
        guess=answer.guess,
        sure=answer.confidence,
    )
