"""Sentences against tracks of what is in the clip, by rules at once or by a language model in rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from refervid.core.types import Hook, Reference, SoundReference, TextReference, no_hook
from refervid.engines.base import EliminatingChooser, Elimination, PlannedQuestions, PreparingDetector
from refervid.engines.inventory import Inventory
from refervid.engines.registry import Role, engine_class
from refervid.engines.rounds import ConceptFinder, HeardSound, JudgingChooser
from refervid.media.clip import Clip
from refervid.pipelines.first_look import FirstLook, first_look
from refervid.pipelines.pivot.pipeline import TEXT_ROLES, PivotPipeline
from refervid.pipelines.pivot.selection import Selection
from refervid.pipelines.pivot.settings import PivotSettings
from refervid.pipelines.stages import Stages
from refervid.pipelines.tracks.answer import selection_of, with_tracks
from refervid.pipelines.tracks.hearing import heard_sounds, speaks_of_sound, told_words
from refervid.pipelines.tracks.named import everything, what_is_named
from refervid.pipelines.tracks.outlines import with_outlines
from refervid.pipelines.tracks.questions import planned_rounds
from refervid.pipelines.tracks.rounds import Standing, eliminate


class TracksPipeline(PivotPipeline):
    """As the pivot pipeline, with a finder before it: only what the finder has no name for goes its way."""

    optional = (*PivotPipeline.optional, "reader")

    @classmethod
    def text_roles(cls, settings: PivotSettings) -> tuple[Role, ...]:
        """Who judges tracks needs a finder, and a detector only beside one that is not told what to find."""
        if not _judges(settings):
            return TEXT_ROLES
        searching: tuple[Role, ...] = () if _takes_concepts(settings) else ("detector",)
        reading: tuple[Role, ...] = () if settings.reader is None else ("reader",)
        return ("chooser", "tracker", "finder", *searching, *reading)

    def look_ahead(self, clip: Clip, hook: Hook = no_hook) -> None:
        if not isinstance(self.engines.finder, ConceptFinder):  # else sentences say what to look for
            self.engines.finder.find(clip, hook)
            detector: Any = self.engines.detector  # for what has no name there
            if isinstance(detector, PreparingDetector):
                detector.prepare(clip, hook)

    def first_look(
        self, parts: Sequence[Clip], texts: Sequence[str], hook: Hook = no_hook
    ) -> FirstLook | None:
        if not isinstance(self.engines.chooser, EliminatingChooser):  # a language model would be asked twice
            return None
        references = [TextReference(text) for text in texts]
        return first_look(parts, lambda part: self.run(part, references, hook))

    def _select_texts(self, clip: Clip, texts: Sequence[str], stages: Stages) -> list[Selection]:
        chooser: Any = self.engines.chooser
        if isinstance(chooser, JudgingChooser):
            return self._by_rounds(clip, texts, chooser, stages)
        if isinstance(chooser, EliminatingChooser):
            return self._by_rules(clip, texts, chooser, stages)
        return self._search(clip, texts, stages)

    def _track(self, clip: Clip, selections: Sequence[Selection], stages: Stages) -> list[Selection]:
        return [with_outlines(one) for one in super()._track(clip, selections, stages)]

    def _by_rules(
        self, clip: Clip, texts: Sequence[str], chooser: EliminatingChooser, stages: Stages
    ) -> list[Selection]:
        with stages.stage("inventory", len(clip)) as stage:
            stage.artefact = inventory = self.engines.finder.find(clip, stage.hook)
        with stages.stage("eliminate", len(texts)) as stage:
            stage.artefact = answers = chooser.eliminate(clip, inventory, texts)
        pairs = list(zip(texts, answers, strict=True))
        decided = [_selection(text, answer, inventory) for text, answer in pairs if answer is not None]
        rest = [text for text, answer in pairs if answer is None]
        searched = self._search(clip, rest, stages, inventory.tracks) if rest else []
        return [*decided, *(one.noted(inventory.notes) for one in searched)]

    def _by_rounds(
        self, clip: Clip, texts: Sequence[str], chooser: JudgingChooser, stages: Stages
    ) -> list[Selection]:
        finder: Any = self.engines.finder
        if isinstance(finder, ConceptFinder):
            settings, reader = self.settings.rounds, self.engines.reader
            standings = what_is_named(clip, texts, reader, finder, settings, stages)
        else:
            standings = everything(clip, texts, finder, stages)
            if not any(one.tracks for one in standings):  # it knows few things: that proves nothing
                searched = self._search(clip, texts, stages)
                return [one.noted(standing.notes) for one, standing in zip(searched, standings, strict=True)]
        standings = self._with_sounds(clip, standings, stages)
        done = eliminate(clip, standings, chooser, self.settings.rounds, stages)
        return [selection_of(clip, one) for one in done]

    def _with_sounds(self, clip: Clip, standings: Sequence[Standing], stages: Stages) -> list[Standing]:
        """What is heard, beside the sentences that speak of it."""
        listen = self.settings.rounds.listen and clip.has_audio
        wanted = [listen and bool(one.tracks) and speaks_of_sound(one.text) for one in standings]
        if not any(wanted):
            return list(standings)
        heard: tuple[HeardSound, ...] = ()
        if lacks := self.engines.missing(("tagger",)):
            note = f"the sound was not listened to, which needs {lacks[0]}"
        else:
            with stages.stage("listen") as stage:
                stage.artefact = heard = heard_sounds(clip, self.engines.tagger)
            note = told_words(heard)
        return [
            replace(one, heard=heard, notes=(*one.notes, note)) if asked else one
            for one, asked in zip(standings, wanted, strict=True)
        ]

    def _planned(self, clip: Clip, references: Sequence[Reference]) -> list[PlannedQuestions]:
        if not _judges(self.settings):
            return super()._planned(clip, references)
        engines = self.engines
        given = engines.is_given("finder")
        told = isinstance(engines.finder, ConceptFinder) if given else _takes_concepts(self.settings)
        reads = told and not engines.has("reader")
        sounds = [one for one in references if isinstance(one, SoundReference)]
        return [
            *planned_rounds(clip, references, self.settings, reads=reads),
            *super()._planned(clip, sounds),
        ]


def _judges(settings: PivotSettings) -> bool:
    return hasattr(engine_class("chooser", settings.chooser["kind"]), "judge_tracks")


def _takes_concepts(settings: PivotSettings) -> bool:
    finder = settings.finder
    return finder is not None and hasattr(engine_class("finder", finder["kind"]), "find_concepts")


def _selection(text: str, answer: Elimination, inventory: Inventory) -> Selection:
    return Selection(
        TextReference(text),
        objects=tuple(tuple(pivots) for pivots in answer.objects),
        decisions=tuple(with_tracks(decision, inventory) for decision in answer.decisions),
        notes=tuple(answer.notes),
        guess=answer.guess,
        sure=answer.confidence,
    )
