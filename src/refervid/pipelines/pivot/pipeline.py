"""The training-free pipeline of AL-Ref-SAM 2: choose pivots, then track them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import NotReady, SettingsError
from refervid.core.types import Hook, Reference, SoundReference, Spending, TextReference, Waveform, no_hook
from refervid.engines.base import SPEECH_RATE, Engine, PaidChooser, PlannedQuestions, Runtime, Tracker
from refervid.engines.inventory import ObjectTrack
from refervid.engines.registry import Role, engine_class, engine_settings, missing_parts
from refervid.media.audio import read_waveform
from refervid.media.clip import Clip
from refervid.pipelines.base import Pipeline, reference_slugs
from refervid.pipelines.engine_set import EngineSet
from refervid.pipelines.pivot.check import check_results
from refervid.pipelines.pivot.questions import distinct_texts, planned_questions, sections_of
from refervid.pipelines.pivot.select import select_pivots
from refervid.pipelines.pivot.selection import Selection
from refervid.pipelines.pivot.settings import PivotSettings
from refervid.pipelines.pivot.sound import heard_frames, select_sounding
from refervid.pipelines.pivot.track import track_objects
from refervid.pipelines.stages import Stages
from refervid.report.objects import union_of
from refervid.report.outcome import status_of
from refervid.report.result import Result

TEXT_ROLES: tuple[Role, ...] = ("chooser", "detector", "tracker")


def sound_roles(settings: PivotSettings) -> tuple[Role, ...]:
    """What sound needs besides."""
    return ("tagger", "binder", "namer") if settings.sound.bind else ("tagger", "namer")


def roles_of(settings: PivotSettings) -> list[Role]:
    """The roles that the settings fill."""
    return [role for role in get_args(Role) if getattr(settings, role) is not None]


def lacking(settings: PivotSettings, roles: Sequence[Role]) -> Iterator[str]:
    """What this machine lacks for the engines of roles, in words. One by one, as importing an engine takes
    seconds, and the first that is lacking may be enough to know.
    """
    for role in roles:
        if (options := getattr(settings, role)) is not None:
            yield from missing_parts(role, options)


class PivotPipeline(Pipeline):
    """Pivots by chooser and detector, masks by tracker."""

    optional: ClassVar[tuple[Role, ...]] = ("namer",)
    """Roles that may be filled by who has something for them."""

    def __init__(
        self, preset: str, settings: PivotSettings, runtime: Runtime, given: Mapping[Role, Engine]
    ) -> None:
        self.preset = preset
        self.settings = settings
        self._runtime = runtime
        roles = [*roles_of(settings), *self.optional]
        self.engines = EngineSet({role: getattr(settings, role) for role in roles}, runtime, given)

    @classmethod
    def text_roles(cls, settings: PivotSettings) -> tuple[Role, ...]:
        """What sentences need."""
        return TEXT_ROLES

    def run(self, clip: Clip, references: Sequence[Reference], hook: Hook = no_hook) -> list[Result]:
        self.check_ready(references)
        # A clip without sound shows here, before questions are paid.
        waveform = clip.waveform() if SoundReference() in references else None
        stages = Stages(hook)
        before = self.spending()
        selections = self._select(clip, references, waveform, stages)
        selections = self._track(clip, selections, stages)
        if self.settings.text.check and any(one.objects for one in selections):
            selections = check_results(clip, selections, self.engines.chooser, self.settings, stages)
            selections = self._track(clip, selections, stages)
        if waveform is not None:
            selections = [self._heard(clip, waveform, one) for one in selections]
        by_reference = {one.reference: one for one in selections}
        after = self.spending()
        spending = after.since(before) if after and before else after
        return [
            self._result(clip, by_reference[reference], slug, spending, stages)
            for reference, slug in zip(references, reference_slugs(references), strict=True)
        ]

    @property
    def tracker(self) -> Tracker:
        return self.engines.tracker

    def transcribe(self, audio: str | Path) -> str:
        waveform, _ = read_waveform(Path(audio), SPEECH_RATE)
        words = self.engines.transcriber.transcribe(waveform)
        if not words:
            raise SettingsError(f"no words were heard in {audio}: speak up, or type the sentence")
        return words

    def check_ready(self, references: Sequence[Reference]) -> None:
        """Raises `NotReady` with all that is lacking: better now than after questions were paid."""
        sound = sound_roles(self.settings) if SoundReference() in references else ()
        texts = self.text_roles(self.settings) if sound or distinct_texts(references) else ()
        if lacks := self.engines.missing((*texts, *sound)):
            raise NotReady(
                "\n  - ".join(["not everything is here that this preset needs:", *dict.fromkeys(lacks)])
            )

    def plan(self) -> dict[str, Any]:
        return {
            "preset": self.preset,
            "dtype": self._runtime.dtype,
            "settings": {**self.settings.model_dump(mode="json"), **self.engines.plan()},
            "contents": self.engines.contents(),
        }

    def estimate(self, clip: Clip, references: Sequence[Reference]) -> Spending | None:
        chooser = engine_class("chooser", self.settings.chooser["kind"])
        if self.engines.is_given("chooser") or not isinstance(chooser, PaidChooser):
            return None
        settings = engine_settings("chooser", self.settings.chooser)
        return chooser.estimate(settings, self._planned(clip, references))

    def _planned(self, clip: Clip, references: Sequence[Reference]) -> list[PlannedQuestions]:
        return planned_questions(clip, references, self.settings)

    def spending(self) -> Spending | None:
        if "chooser" not in self.engines.used:
            return None
        chooser = self.engines.chooser
        return chooser.spending() if isinstance(chooser, PaidChooser) else None

    def _select(
        self, clip: Clip, references: Sequence[Reference], waveform: Waveform | None, stages: Stages
    ) -> list[Selection]:
        """One for every distinct reference."""
        asked = distinct_texts(references)
        selections = [
            Selection(reference, notes=("the sentence is empty",))
            for reference in dict.fromkeys(references)
            if isinstance(reference, TextReference) and reference.text not in asked
        ]
        if asked:
            selections += self._select_texts(clip, asked, stages)
        if waveform is not None:
            engines, settings = self.engines, self.settings
            selections.append(
                select_sounding(
                    clip,
                    waveform,
                    engines.chooser,
                    engines.detector,
                    engines.tagger,
                    settings.sound,
                    settings.text,
                    stages,
                )
            )
        return selections

    def _select_texts(self, clip: Clip, texts: Sequence[str], stages: Stages) -> list[Selection]:
        return self._search(clip, texts, stages)

    def _search(
        self, clip: Clip, texts: Sequence[str], stages: Stages, recognised: Sequence[ObjectTrack] = ()
    ) -> list[Selection]:
        """By pivot frames and boxes on them."""
        engines, settings = self.engines, self.settings
        sections = sections_of(clip, settings)
        chooser, detector = engines.chooser, engines.detector
        return select_pivots(clip, texts, sections, chooser, detector, settings.text, stages, recognised)

    def _track(self, clip: Clip, selections: Sequence[Selection], stages: Stages) -> list[Selection]:
        if not any(one.objects and not one.tracked for one in selections):
            return list(selections)  # no tracker is built for nothing
        agreement = self.settings.text.agreement
        return track_objects(clip, selections, self.engines.tracker, stages, agreement=agreement)

    def _heard(self, clip: Clip, waveform: Waveform, selection: Selection) -> Selection:
        """What makes the sound counts while it is heard, by a name of the vocabulary if that is asked."""
        heard, sound = selection.heard, self.settings.sound
        if heard is None or not selection.tracked:
            return selection
        frames: Sequence[NDArray[np.bool_] | None] = [None] * len(heard.things)
        if sound.bind:
            binder, last_goes_on = self.engines.binder, sound.last_goes_on
            frames = heard_frames(clip, waveform, heard, binder, last_goes_on=last_goes_on)
        classes = self._classes([thing.name for thing in heard.things])
        tracked = tuple(
            replace(one, name=classes.get(thing.name, thing.name), shown=shown)
            for one, thing, shown in zip(selection.tracked, heard.things, frames, strict=True)
        )
        notes = [f"{name!r} counts as {one!r}" for name, one in classes.items()]
        return replace(selection.noted(notes), tracked=tracked)

    def _classes(self, names: Sequence[str]) -> dict[str, str]:
        """The vocabulary's names for those that it lacks, where that is asked for."""
        vocabulary = self.settings.sound.vocabulary
        foreign = [name for name in names if name not in (vocabulary or ())]
        if vocabulary is None or not foreign or not self.engines.has("namer"):
            return {}
        return self.engines.namer.rename(foreign, vocabulary)

    def _result(
        self, clip: Clip, selection: Selection, slug: str, spending: Spending | None, stages: Stages
    ) -> Result:
        track = union_of(selection.tracked, clip)
        notes = [*clip.notes, *selection.notes]
        status = "failed" if selection.error is not None else status_of(clip, track, guess=selection.guess)
        if status == "not_found" and selection.objects:
            notes.append("pivots were chosen, but the tracker found the object on no frame")
        return Result(
            clip=clip,
            reference=selection.reference,
            slug=slug,
            status=status,
            track=track,
            preset=self.preset,
            confidence=selection.confidence,
            pivots=[pivot for pivots in selection.objects for pivot in pivots],
            decisions=selection.decisions,
            notes=notes,
            timings_s=dict(stages.seconds),
            engines=dict(self.engines.used),
            objects=selection.tracked,
            error=selection.error,
            sound=selection.heard.summary() if selection.heard else None,
            spending=spending,
        )
